"""One account looked at from all sides: what is proposed, why, what it changes, what else could be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..batches.questions import Question
from ..errors import UnsolvedError
from ..models.shocks import Shock
from ..optimizer.figures import read_figures
from ..optimizer.legs import trace_model
from ..optimizer.problems import Case, Problem, outline
from ..optimizer.proposals import Proposal
from ..optimizer.reasons import Explanation
from ..optimizer.rebalancing import decide_and_tell
from ..optimizer.rooms import room, tabulate_gauges
from ..optimizer.tactical import place
from ..scenarios.boards import Board, board
from ..scenarios.breakpoints import find_breakpoints
from ..scenarios.shocks import shock
from ..scenarios.worlds import Believer


@dataclass(frozen=True, eq=False)
class Study:
    """What there is to say of one account.

    Parameters
    ----------
    asked
        The question.
    proposal
        Its answer.
    told
        The parts of its trades; None where nothing is traded or the way to it cannot be told.
    change
        Index ``measure``; columns now, after, change: annual decimals (the active share a decimal of NAV).
    gauges
        :func:`trimtab.optimizer.rooms.tabulate_gauges` at the target, with the prices at the ideal, and ``now``: the
        share used before the trades.
    board
        What else could be done.
    shaken
        What shocks would do to the current, strategic, ideal and target weights; None without shocks.
    breakpoints
        :func:`trimtab.scenarios.find_breakpoints`; None where nobody asked.
    """

    asked: Question
    proposal: Proposal
    told: Explanation | None
    change: pd.DataFrame
    gauges: pd.DataFrame
    board: Board
    shaken: pd.DataFrame | None = None
    breakpoints: pd.DataFrame | None = None


def study(asked: Question, *, shocks: Sequence[Shock] = (), breakpoints: bool = False) -> Study:
    """Look at one account from all sides.

    Parameters
    ----------
    asked
        Its question.
    shocks
        What could happen.
    breakpoints
        Whether to find how far each number may move before a trade vanishes; with whole lots that takes minutes.

    Raises
    ------
    InputError
        What cannot be used, the account's own data included.
    """
    market = asked.market.dated(asked.on)
    problem = outline(asked.policy, market)
    who = Believer(asked.account, asked.policy, market, asked.on, asked.overlay, asked.trail)
    belief = who.believe(asked.views)
    case = place(problem, asked.account, belief)
    leg = _traced(problem, case)
    proposal, told = decide_and_tell(problem, asked.account, belief, asked.on, leg)
    about = (asked.account, asked.policy, asked.market, asked.views, asked.on)
    beside = {"overlay": asked.overlay, "trail": asked.trail}
    return Study(
        asked,
        proposal,
        told if isinstance(told, Explanation) else None,
        _change(case, proposal),
        _gauges(case, proposal),
        board(*about, shocks=shocks, **beside),
        shock(proposal, shocks, market) if len(shocks) else None,
        find_breakpoints(*about, **beside) if breakpoints else None,
    )


def _traced(problem: Problem, case: Case):
    try:
        return trace_model(problem, case.model.id, case.aversion, case.belief)
    except UnsolvedError:  # its model has no tactical target: reasons are told without the way there
        return None


def _change(case: Case, proposal: Proposal) -> pd.DataFrame:
    """Return what the trades do to the account's figures."""
    current = case.program.current
    target = current if proposal.weights is None else proposal.weights["target"].to_numpy()
    rows = {"now": _measures(case, current, 0), "after": _measures(case, target, len(proposal.trades))}
    frame = pd.DataFrame(rows).rename_axis("measure")
    return frame.assign(change=frame["after"] - frame["now"])


def _measures(case: Case, weights: np.ndarray, trades: int) -> dict[str, float]:
    figures = read_figures(case, weights, trades)
    active = weights - case.context.strategic
    return {
        "volatility a year": float(case.context.market.risk.volatility(weights)),
        "tracking error a year": float(figures.tracking_error),
        "active share": 0.5 * float(np.abs(active).sum()),
        "expected gain a year": float(figures.expected_gain),
        "utility a year, costs taken off": float(figures.utility),
    }


def _gauges(case: Case, proposal: Proposal) -> pd.DataFrame:
    keys = ["limit", "on", "low", "high"]
    after, known = tabulate_gauges(proposal.room), {(p.limit, p.on): p.price for p in proposal.prices}
    # Whole lots leave a little of a limit that binds the ideal: it is that limit all the same which has the price.
    after["price"] = [known.get(at, 0.0) for at in zip(after["limit"], after["on"], strict=True)]
    now = tabulate_gauges(room(case, case.program.current)).rename(columns={"share": "now"})
    now = now.reindex(columns=[*keys, "now"])
    return after.merge(now.drop_duplicates(keys), on=keys, how="left")
