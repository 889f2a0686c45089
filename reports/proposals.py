"""The page of one account: what is proposed and why, what it changes, what else could be done, and the proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..batches.questions import Question
from ..constraints.names import LONG_ONLY
from ..models.shocks import Shock
from ..models.views import tabulate_views
from ..optimizer.certificates import CERTAIN
from ..optimizer.plots import draw_gauges, draw_reasons, draw_views, draw_weights_over
from ..optimizer.proposals import Proposal
from ..optimizer.solutions import Outcome
from ..scenarios.plots import draw_board
from ..units import FrozenMap, basis_points, percent, signed
from .cells import NOTHING
from .forms import capital, money, narrow, points, whole
from .pages import Chart, Figures, Listing, Page, Section, Words
from .studies import Study, study

_WEIGHTS = ("current", "strategic", "ideal", "target")
_WORTH = "1% more is worth"
_NOTHING = 5e-7
"""Utility a year that would be told as 0.00 bp."""


def proposal_page(asked: Question, *, shocks: Sequence[Shock] = (), breakpoints: bool = False) -> Page:
    """Return the page of one account.

    Parameters
    ----------
    asked
        The account with everything its question is made of (:func:`trimtab.batches.questions.pick_question`).
    shocks
        What could happen.
    breakpoints
        Whether to find how far each number may move before a trade vanishes; with whole lots that takes minutes.

    Raises
    ------
    InputError
        What cannot be used, the account's own data included.
    """
    return make_page(study(asked, shocks=shocks, breakpoints=breakpoints))


def make_page(found: Study, *, remarks: Sequence[str] = (), about: Sequence[tuple[str, str]] = ()) -> Page:
    """Return the page of a study.

    Parameters
    ----------
    found
        One account looked at from all sides.
    remarks
        What else a reader should know, a sentence each.
    about
        Where it comes from beside the book, the policy and the day, (name, value) each.
    """
    asked, proposal = found.asked, found.proposal
    return Page(
        f"Account {asked.account.id}: {_headline(proposal)}",
        f"{asked.account.model} on {asked.on}. {proposal.outcome.name}: {proposal.reason}.",
        tuple(_sections(found, remarks)),
        (*about, *asked.origin()),
    )


def _headline(proposal: Proposal) -> str:
    if proposal.outcome is Outcome.UNSOLVED:
        return "no answer, so nothing is traded"  # it has something to do: "nothing to trade" would be misread
    if not proposal.trades:
        return "nothing to trade"
    count = len(proposal.trades)
    return f"{count} {'trade' if count == 1 else 'trades'} proposed"


def _sections(found: Study, remarks: Sequence[str]) -> Iterator[Section]:
    yield _in_short(found)
    if said := (*remarks, *found.proposal.notes):
        yield Words("To be known", tuple(map(capital, said)))
    yield _weights(found.proposal)
    yield _trades(found.proposal)
    yield from _why(found)
    yield _change(found)
    yield _limits(found)
    yield from _binding(found.proposal)
    yield _views(found)
    yield _board(found)
    yield from _shocks(found)
    yield from _breakpoints(found)
    yield from _tomorrow(found.proposal)
    yield Words("What the mandate says", tuple(capital(line) for line in str(found.asked.policy).splitlines()))
    yield Words("The proof", tuple(_proof(found.proposal)))


def _in_short(found: Study) -> Figures:
    proposal, change = found.proposal, found.change
    te, gain = change.loc["tracking error a year"], change.loc["expected gain a year"]
    count = len(proposal.trades)
    share = proposal.cost / proposal.nav if proposal.nav > 0 else 0.0
    proof = proposal.certificate.certified_te
    proved = np.isfinite(proof)
    near = basis_points(max(proof, CERTAIN), 4) if proved else NOTHING
    return Figures(
        "In short",
        (
            ("value", f"{proposal.nav:,.0f}", "net asset value, cash flow included"),
            ("trades", f"{count:,}", f"one-way turnover {percent(proposal.turnover)}"),
            ("cost", f"{proposal.cost:,.2f}", f"{basis_points(share, 2)} of the value"),
            ("tracking error", percent(te["after"]), f"a year; {percent(te['now'])} before"),
            ("expected gain", percent(gain["after"]), f"a year over strategic; {percent(gain['now'])} before"),
            ("proved within", near, "of tracking error of the true optimum" if proved else _no_proof(proposal)),
        ),
    )


def _no_proof(proposal: Proposal) -> str:
    return "nothing was decided, so there is nothing to prove" if proposal.outcome is Outcome.HELD else "see The proof"


def _weights(proposal: Proposal) -> Section:
    note = "Marks are weights; bars are what each limit leaves of them, the thin line what all limits together leave."
    if proposal.weights is None:
        return Words("Weights", ("Nothing is known of its weights.",))
    frame, forms = proposal.weights, dict.fromkeys(proposal.weights.columns, percent)
    if proposal.ranges is not None:
        for name, own in proposal.ranges.groupby("limit", sort=False):
            if name == LONG_ONLY:
                continue  # no news: nothing is held short
            ends = own.set_index("asset_id")[["low", "high"]].add_prefix(f"{name} ")
            frame, forms = frame.join(ends), forms | dict.fromkeys(ends.columns, percent)
    return Chart("Weights", draw_weights_over(proposal.weights, proposal.ranges), frame, note, FrozenMap(forms))


def _trades(proposal: Proposal) -> Listing:
    columns = ["asset", "side", "quantity", "value", "weight", "cost", "reason", "trade_id"]
    frame = proposal.to_frame().reindex(columns=columns)
    forms = {"value": money, "weight": signed, "cost": "{:,.2f}".format, "quantity": "{:,.10g}".format}
    note = "Ids depend on the decision alone: an order sent twice bears one id."
    return Listing("Trades", frame, note if len(frame) else proposal.reason, FrozenMap(forms))


def _why(found: Study) -> Iterator[Section]:
    if found.told is None:
        return
    frame = found.told.to_frame()
    note = "Each bar is a part of a trade; the parts sum to the trade, which is the mark."
    forms = dict.fromkeys(frame.columns, signed)
    yield Chart("Why it trades", draw_reasons(frame), frame, note, FrozenMap(forms))
    yield Words("In words", tuple(f"{capital(words)}." for words in found.told.sentences))


def _change(found: Study) -> Listing:
    forms = {"now": narrow, "after": narrow, "change": lambda x: signed(x, 3)}
    note = f"The trades cost {found.proposal.cost:,.2f} once, {percent(found.proposal.turnover)} of one-way turnover."
    return Listing("Before and after", found.change, note, FrozenMap(forms))


def _limits(found: Study) -> Section:
    if not len(found.gauges):
        return Words("Limits", ("There is no target whose use of them could be measured.",))
    frame = found.gauges.rename(columns={"price": _WORTH})
    frame = frame.reindex(columns=["limit", "on", "now", "share", "used", "low", "high", "room", _WORTH])
    forms = {"now": whole, "share": whole, _WORTH: _worth}
    forms |= dict.fromkeys(("used", "low", "high", "room"), percent)
    note = (
        "The share of each limit that the target uses, 100% at its bound; a price is the utility a year that one "
        "percentage point more of it would add."
    )
    return Chart("Limits", draw_gauges(found.gauges), frame, note, FrozenMap(forms))


def _binding(proposal: Proposal) -> Iterator[Section]:
    """Yield what binds the ideal at which price, and what gave way for it, where there is anything."""
    # What is not held and not missed is no news.
    prices = sorted((p for p in proposal.prices if p.limit != LONG_ONLY), key=lambda p: -p.price)
    if prices:
        frame = pd.DataFrame([(p.limit, p.on, p.price) for p in prices], columns=["limit", "on", _WORTH])
        note = (
            "What binds the ideal weights, the dearest first: utility a year that one percentage point more would add."
        )
        yield Listing("What stops it", frame, note, FrozenMap({_WORTH: _worth}))
    if proposal.relaxed:
        rows = [(r.limit, r.on, r.bound, r.used) for r in proposal.relaxed]
        frame = pd.DataFrame(rows, columns=["limit", "on", "bound", "used"])
        note = "Bounds of the mandate as written that the target exceeds: limits give way in the policy's order."
        yield Listing("What gave way", frame, note, FrozenMap({"bound": percent, "used": percent}))


def _worth(price: float) -> str:
    return basis_points(0.01 * price, 2)


def _views(found: Study) -> Section:
    frame = tabulate_views(found.asked.views, found.asked.on)
    if not len(frame):
        return Words("What is believed", ("No view speaks on this day: the tilt is that of overlays and tilts alone.",))
    days = "{:,.0f}".format
    forms = {"gain": signed, "confidence": whole, "age_days": days, "days_left": days}
    note = "Gains are a year, over what the strategic weights imply unless the view says otherwise."
    return Chart("What is believed", draw_views(frame), frame, note, FrozenMap(forms))


def _board(found: Study) -> Chart:
    own = found.board
    parts = [own.figures.drop(columns=["reason"])]
    parts += [frame.add_prefix(f"{name}: ") for name, frame in (("use", own.use), ("regret", own.regret))]
    frame = parts[0].join(parts[1:])
    forms = dict.fromkeys(("turnover", "tracking_error", "expected_gain"), percent)
    forms |= dict.fromkeys(parts[1].columns, whole) | dict.fromkeys(parts[2].columns, points)
    forms |= dict.fromkeys(("cost", "utility", "regret"), points)
    left = "".join(f" Left out: {name} ({why})." for name, why in own.left_out.items())
    note = f"Regret is utility a year given up against the best row in that world.{left}"
    return Chart("What could be done instead", draw_board(own), frame, note, FrozenMap(forms))


def _shocks(found: Study) -> Iterator[Section]:
    if found.shaken is None:
        return
    forms = {name: (money if name.endswith("money") else signed) for name in found.shaken.columns}
    yield Listing("If it happened tomorrow", found.shaken, "Nothing is traded on the way.", FrozenMap(forms))


def _breakpoints(found: Study) -> Iterator[Section]:
    if found.breakpoints is None:
        return
    frame = found.breakpoints
    note = "How far each number may move before a trade disappears or turns round, the nearest first for each trade."
    forms = {"trade": signed, "now": "{:.4g}".format, "at": "{:.4g}".format}
    yield Listing("How far a number may move", frame, note, FrozenMap(forms))


def _tomorrow(proposal: Proposal) -> Iterator[Section]:
    """Yield what the account brings along tomorrow: its schedule, tactical positions, limits it stands outside of."""
    if proposal.phases:
        names = ["asset", "status", "started", "gap", "done", "step", "steps", "next_date"]
        frame = pd.DataFrame([[getattr(p, n) for n in names] for p in proposal.phases], columns=names)
        yield Listing("Its schedule", frame, "", FrozenMap({"gap": signed, "done": signed}))
    if proposal.positions:
        names = ["asset", "side", "state", "opened", "age_days", "allowed", "extended_until", "approval"]
        frame = pd.DataFrame([[getattr(p, n) for n in names] for p in proposal.positions], columns=names)
        yield Listing("Its tactical positions", frame, "", FrozenMap({"allowed": percent}))
    if proposal.breaches:
        names = ["limit", "origin", "since", "until", "days", "excess"]
        frame = pd.DataFrame([[getattr(b, n) for n in names] for b in proposal.breaches], columns=names)
        yield Listing("Limits it stands outside of", frame, "Grandfathered: it may stay or improve, never worsen.")


def _proof(proposal: Proposal) -> Iterator[str]:
    proof = proposal.certificate
    if np.isfinite(proof.certified_te):
        yield (
            f"The ideal weights are within {basis_points(max(proof.certified_te, CERTAIN), 4)} of tracking error of "
            f"the true optimum: no other weights that meet every limit are better by more than "
            f"{basis_points(max(proof.gap, 1e-10), 6)} of utility a year. That is a lower bound in closed form, true "
            "for any multipliers; it does not take the solver's word."
        )
        kept = "exactly" if proof.residual <= 0 else f"to within {proof.residual:.0e}"
        yield f"The ideal keeps every limit {kept}, and the target was checked against each of them once more."
    elif proposal.outcome is Outcome.HELD:
        yield "Nothing had to be decided: the account stands inside its bands and limits, which was checked."
    else:
        yield f"Nothing is proved: {proof.reason}."
    if proposal.given_up > _NOTHING:
        yield (
            f"Fewer and whole trades give up {basis_points(proposal.given_up, 2)} of utility a year against the ideal."
        )
    elif proposal.given_up < -_NOTHING:
        yield (
            f"The target is better than the ideal by {basis_points(-proposal.given_up, 2)} of utility a year, ticket "
            "fees and limits that gave way for whole trades counted."
        )
    if 0 < proposal.trade_gap < proposal.turnover:
        yield (
            "Turnover, each trade counted with its worth, is within "
            f"{percent(proposal.trade_gap, 3)} of the value of the least there could be."
        )
    for attempt in proposal.attempts:
        said = attempt.refused or "its answer passed the check"
        yield f"Asked: {attempt.engine}, which said {attempt.status}; {said}."
