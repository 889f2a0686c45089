"""What the schedules of accounts do today, and what has become of them at the end of the day.

::

    gap       =  t - v0                    v0 the weights before the day's cash flow, t the clipped tactical target
    remains   =  G - D                     the original gap less what is done, as the schedule expects it
    void      :  |gap| <= close_at  in every asset (nothing left to go),  or  -sign(G) gap > restart_at  in one
    merged    :  |gap - (G - D)| > merge_at  in one asset, at the date of a phase:  G := D + gap
    original  :  today releases  F_k G - D           F_k the sum of the first k parts, k the phases due by today
    remaining :  today releases  (F_k - F_j) / (1 - F_j) of the gap      j the phases behind

Everything is computed along an account axis: one account is one of many.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from ..constraints.limits import Context
from ..constraints.phases import Phases
from ..models.schedules import STATUSES, Schedules

YEAR = 365.25
"""Days of a year, as the life of a view counts them."""
_HALF = 0.5
"""Days that rounding of a life may take."""
_NEAR = 0.01
"""Of the gap: so much less than a phase's share counts as that phase done, where nobody told the step."""
_CODES = {status: code for code, status in enumerate(STATUSES, 1)}


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to happen today to the schedules of m accounts.

    Parameters
    ----------
    phases, day, ends
        The policy's phases; ordinals of the day and of the last on which the live views speak, infinite without an end.
    schedules
        As they were brought along; NaN in ``started`` where there is none that is not over.
    gap, flow
        What remains to the tactical target today, and what the cash flow alone would trade, shape (m, n); 0 for cash.
    live
        Who has a schedule. Of those ``void`` are over: nothing is left to go or, where ``turned``, the gap points the
        other way. ``due`` have a phase due today; the others wait.
    starts
        Who begins a schedule today if solved; those with a void one begin it again.
    behind, reached, to
        The phases behind, due by today, and behind once today is done; shape (m,).
    sped
        Who goes farther than the dates say, because the views end before the next phase.
    merged
        Who has a target that moved.
    known
        Whose tactical target is known; nothing is phased for the others.
    cash
        The position of the cash.
    """

    phases: Phases
    day: int
    ends: float
    schedules: Schedules
    gap: np.ndarray
    flow: np.ndarray
    live: np.ndarray
    void: np.ndarray
    turned: np.ndarray
    due: np.ndarray
    starts: np.ndarray
    behind: np.ndarray
    reached: np.ndarray
    to: np.ndarray
    sped: np.ndarray
    merged: np.ndarray
    known: np.ndarray
    cash: int

    def pick(self, which: np.ndarray) -> Plan:
        """Return those of some accounts: positions or a mask."""
        own = {name: getattr(self, name)[which] for name in _OWN}
        return replace(self, schedules=self.schedules.pick(which), **own)

    @property
    def waits(self) -> np.ndarray:
        """Who has a schedule, and no phase due."""
        return self.live & ~self.void & ~self.due

    @property
    def free(self) -> np.ndarray:
        """Who is not phased today: the gap is too small, or nobody knows it."""
        return ~(self.starts | self.due | self.waits) | ~self.known

    @property
    def released(self) -> np.ndarray:
        """What the schedule lets each asset trade today, not yet held against the gap, shape (m, n)."""
        if self.phases.of == "remaining":
            behind = np.where(self.starts, 0, self.behind)
            part = self.phases.released(np.minimum(behind, len(self.phases.steps) - 1), self.to)
            wanted = part[:, None] * self.gap
        else:
            done = np.where(self.starts[:, None], 0.0, self.schedules.done)
            wanted = self.phases.shares[self.to][:, None] * self.whole - done
        return np.where((self.waits | self.free)[:, None], 0.0, wanted)

    @property
    def whole(self) -> np.ndarray:
        """The whole gap that today's phase is a part of, what is done of it included, shape (m, n)."""
        merged = np.where((self.merged & self.due)[:, None], self.schedules.done + self.gap, self.schedules.gap)
        return np.where(self.starts[:, None], self.gap, merged)


_OWN = ("gap", "flow", "live", "void", "turned", "due", "starts", "behind", "reached", "to", "sped", "merged", "known")


def read_plan(phases: Phases, context: Context, schedules: Schedules, life: float) -> Plan:
    """Hold today's gaps of m accounts against their schedules.

    Parameters
    ----------
    context
        Of many accounts, with tactical targets.
    life
        The mean remaining life of the live views, in years.
    """
    flow, gap, known = _gaps(context)
    count, day = len(phases.steps), context.day
    behind = np.where(np.isnan(schedules.step), _phases_done(phases, schedules), schedules.step).astype(int)
    live = ~np.isnan(schedules.started) & (behind < count)
    behind = np.where(live, behind, 0)
    remains = np.where(live[:, None], schedules.gap - schedules.done, 0.0)
    gap = np.where(known[:, None], gap, remains)
    small = known & (np.abs(gap).max(-1) <= float(phases.close_at))
    turned = known & live & ((-np.sign(schedules.gap) * gap).max(-1) > float(phases.restart_at))
    moved = live & known & (np.abs(gap - remains).max(-1) > float(phases.merge_at))
    elapsed = np.where(live & ~turned, day - np.nan_to_num(schedules.started), 0.0)
    reached = (phases.days <= elapsed[:, None]).sum(-1)
    void = live & (small | turned)
    due = live & ~void & known & (reached > behind)
    starts = known & ~small & (~live | turned)
    to = np.where(due | starts, reached, behind)
    following = np.append(phases.days, np.inf)[to]
    sped = (due | starts) & (to < count) & (following >= elapsed + life * YEAR - _HALF)
    return Plan(
        phases, day, day + life * YEAR, schedules, gap, flow, live, void, turned & ~small, due, starts, behind, reached,
        np.where(sped, count, to), sped, moved & (phases.of == "original"), known,
        context.market.universe.cash,
    )  # fmt: skip


def _gaps(context: Context) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the cash flow alone would trade, what remains to the target without it, and where that is known.

    A deposit bought into the account's own mix, a withdrawal sold from it: no opinion is needed for either.
    """
    tactical = np.asarray(context.tactical)
    before = np.asarray(1.0 - np.asarray(context.inflow) + np.asarray(context.outflow))[..., None]
    mix = np.divide(context.current, before, out=np.array(context.current), where=before > 0)
    flow, gap = mix - context.current, tactical - mix
    known = np.asarray(np.isfinite(tactical).all(-1))
    is_cash = np.arange(gap.shape[-1]) == context.market.universe.cash
    return np.where(is_cash, 0.0, flow), np.where(is_cash | ~known[..., None], 0.0, gap), known


def _phases_done(phases: Phases, schedules: Schedules) -> np.ndarray:
    """Count the phases that what is done amounts to, shape (m,)."""
    return (phases.shares[1:] <= share_done(schedules)[:, None] + _NEAR).sum(-1)


def share_done(schedules: Schedules) -> np.ndarray:
    """Return the part of the gap that is done, between 0 and 1, shape (m,)."""
    whole = np.abs(schedules.gap).sum(-1)
    done = (np.sign(schedules.gap) * schedules.done).sum(-1)
    return np.clip(np.divide(done, whole, out=np.ones_like(whole), where=whole > 0), 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Progress:
    """The schedules of m accounts at the end of a day.

    Parameters
    ----------
    plan
        What the day began with.
    schedules
        As they are to be read tomorrow; those that are over too, which nobody reads again.
    status
        0 for no schedule, else 1 on in the order of :data:`~trimtab.models.schedules.STATUSES`, shape (m,).
    """

    plan: Plan
    schedules: Schedules
    status: np.ndarray

    def next_day(self, i: int) -> dt.date | None:
        """Return when the next phase of an account is due; None where there is none."""
        step = self.schedules.step[i]
        if self.status[i] in (0, _CODES["finished"], _CODES["cancelled"]) or not step < len(self.plan.phases.steps):
            return None
        return dt.date.fromordinal(int(self.schedules.started[i] + self.plan.phases.days[int(step)]))


def progress(plan: Plan | None, current: np.ndarray, target: np.ndarray, *, acted: bool) -> Progress | None:
    """Say what becomes of the schedules of m accounts that go from their current weights to a target, shape (m, n).

    Parameters
    ----------
    acted
        Whether they were solved and released: a phase that found no answer is still due tomorrow.
    """
    if plan is None:
        return None
    count, old = len(plan.phases.steps), plan.schedules
    traded = target - current - plan.flow
    traded[:, plan.cash] = 0.0
    # Where costs leave nothing worth trading towards the target, no schedule begins.
    begun = plan.starts & acted & ((target != current).any(-1) | (plan.to == 0))
    stepped = plan.due & acted
    step = np.where(begun | stepped, plan.to, plan.behind)
    new = Schedules(
        np.where(begun, plan.day, np.where(plan.live, old.started, np.nan)),
        np.where(begun | plan.live, step, np.nan).astype(float),
        np.where((begun | stepped)[:, None], plan.whole, old.gap),
        np.where(begun[:, None], 0.0, old.done) + traded,
    )
    left = np.abs(plan.gap - traded).max(-1) <= float(plan.phases.close_at)
    over = (begun | stepped) & ((step >= count) | left)
    faster = plan.sped | (plan.due & (plan.reached - plan.behind > 1))
    status = np.select(
        [over, begun & plan.live, begun, plan.live & plan.void, stepped & plan.merged, stepped & faster, stepped,
         plan.live],
        [_CODES[name] for name in
         ("finished", "restarted", "started", "cancelled", "merged", "accelerated", "continued", "waiting")],
        0,
    )  # fmt: skip
    return Progress(plan, new, status)
