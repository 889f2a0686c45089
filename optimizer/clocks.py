"""Tactical positions after a decision: opened, aged, led back, rested, closed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..constraints.policies import Policy
from ..constraints.time_limits import TimeLimit, list_time_limits
from ..models.positions import STATES, Clocks, TacticalPosition, list_positions
from ..models.universes import Universe
from .problems import Case, Cases

_WITHIN = 1e-9
"""A weight this near to a threshold stands on it: an optimum at a bound is not above it by rounding."""
_CODES = {state: i + 1 for i, state in enumerate(STATES)}


@dataclass(frozen=True, eq=False)
class Marks:
    """The positions of one account or of many at the end of a day, shape (..., 2, n): under and over.

    Parameters
    ----------
    clocks
        As they are to be read tomorrow.
    state
        0 for none, else 1 on in the order of :data:`~trimtab.models.positions.STATES`.
    age
        Days since each was opened.
    allowed
        How far it might lean today; infinite where neither a time limit nor a deviation limit said so.
    """

    clocks: Clocks
    state: np.ndarray
    age: np.ndarray
    allowed: np.ndarray

    def pick(self, which: int) -> Marks:
        """Return those of one account of many."""
        return Marks(self.clocks.pick(which), self.state[which], self.age[which], self.allowed[which])

    @property
    def tomorrow(self) -> Clocks:
        """The clocks without the positions that were closed today."""
        over = self.state == _CODES["closed"]
        return replace(
            self.clocks,
            opened=np.where(over, np.nan, self.clocks.opened),
            until=np.where(over, np.nan, self.clocks.until),
            base=np.where(over, np.nan, self.clocks.base),
            approval=np.where(over, 0, self.clocks.approval),
        )

    def rows(self, universe: Universe) -> tuple[TacticalPosition, ...]:
        """Return those of one account as rows."""
        return list_positions(self.clocks, self.state, self.age, self.allowed, universe)


def mark(policy: Policy, case: Case | Cases, target: np.ndarray) -> Marks | None:
    """Say what becomes of the positions of one account, or of many, whose target weights are these.

    A position opens where a trade leaves the account farther from strategic than ``open_at``, and closes where it
    stands nearer than ``close_at`` before it is led back; from its end on it rests, once it is back. None without a
    time limit: nothing is timed then.
    """
    limits, context = list_time_limits(policy.in_force), case.context
    if not limits:
        return None
    active = target - context.strategic
    lean, traded = np.stack([-active, active], axis=-2), (target != case.program.current)[..., None, :]
    clocks = context.clocks or Clocks.none(lean.shape)
    state, allowed, base = np.zeros(lean.shape, dtype=np.int8), np.full(lean.shape, np.inf), np.full(lean.shape, np.nan)
    for limit in limits:
        state = np.where(limit.tilts(context), _states(limit, case, lean, traded=traded), state)
        own = limit.allowed(context)
        allowed = np.minimum(allowed, own)
        # Remembered while it is led back alone: an extension starts again from where the account stands then.
        base = np.where(np.isfinite(own) & np.isinf(context.leeway), limit.bases(context), base)
    new, gone = state == _OPENED, state == 0
    kept = Clocks(
        np.where(gone, np.nan, np.where(new, float(context.day), clocks.opened)),
        np.where(gone | new, np.nan, clocks.until),
        np.where(gone | new, np.nan, base),
        np.where(gone | new, 0, clocks.approval),
        state == _CODES["resting"],
        clocks.references,
    )
    state = np.where(new, _CODES["open"], state)
    return Marks(kept, state, context.day - kept.opened, np.minimum(allowed, context.leeway))


_OPENED = len(STATES) + 1


def _states(limit: TimeLimit, case: Case | Cases, lean: np.ndarray, *, traded: np.ndarray) -> np.ndarray:
    """Return the state of each position that one time limit times; of those opened today, one more than any."""
    context = case.context
    timed = limit.timed(context)
    if context.clocks is None:
        ended = started = timed
    else:
        ended = timed & (context.day >= limit.end(context.clocks))
        started = timed & (np.nan_to_num(limit.elapsed(context.clocks, context.day)) > 0)
    back = lean <= np.maximum(float(limit.close_at), context.lot_of_sides) + _WITHIN
    near = lean < float(limit.close_at) - _WITHIN
    opens = ~timed & traded & (lean > float(limit.open_at) + _WITHIN)
    return np.select(
        [opens, ~timed, ended & back, started, near],
        [_OPENED, 0, _CODES["resting"], _CODES["reverting"], _CODES["closed"]],
        _CODES["open"],
    )
