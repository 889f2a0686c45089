"""The final trades of one account in many settings: few and whole, as they would be proposed.

Ideals are asked as a sweep asks them, and the trades of all that are alike are sought together, as a run seeks those of
many accounts. Who is out of the ordinary is proposed alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from ..models.accounts import Account
from ..models.tilts import Tilt
from ..models.trails import Trail
from ..optimizer.neighbours import kinship, stack_prices, stack_tickets
from ..optimizer.proposals import propose
from ..optimizer.remainders import set_up
from ..optimizer.solutions import Outcome, solve
from ..optimizer.targets import find_targets
from ..optimizer.tickets import allowed, read_tickets
from .knobs import Setting
from .sweeps import Answers, Memory, answer

_SOLVED = (Outcome.OPTIMAL, Outcome.RELAXED)


def find_whole_trades(
    account: Account, settings: Sequence[Setting], on: dt.date, overlay: Tilt, trail: Trail | None, memory: Memory
) -> np.ndarray:
    """Return the signed trades of an account in each setting, decimals of NAV, shape (k, n); NaN where there are none.

    The same trades as those of a proposal each; what is said and proved of a proposal is left out.
    """
    found = answer(account, settings, np.arange(len(settings)), on, overlay, trail, memory)
    out = np.full(found.weights.shape, np.nan)
    for group in _kin(found):
        tickets = stack_tickets([read_tickets(found.problems[i], found.cases[i]) for i in group])
        prices = stack_prices([found.prices[i] for i in group])
        bench = set_up(found.problems[group[0]], tickets, found.weights[group], prices)
        points = find_targets(bench)
        fine = allowed(bench.tickets, points)
        out[np.array(group)[fine]] = (points - tickets.program.current)[fine]
    for i in np.flatnonzero(np.isnan(out[:, 0])):
        proposal = propose(solve(found.problems[i], account, found.cases[i].belief), "asked")
        if proposal.weights is not None and proposal.outcome in _SOLVED:
            out[i] = (proposal.weights["target"] - proposal.weights["current"]).to_numpy()
    return out


def _kin(found: Answers) -> list[list[int]]:
    """Return the settings whose trades can be sought together: released at once, all the way, by the fast path."""
    groups: dict[tuple, list[int]] = {}
    for i in found.prices:
        policy = found.problems[i].policy
        if policy.rebalance.destination == "ideal" and not policy.trades.exact:
            groups.setdefault(kinship(read_tickets(found.problems[i], found.cases[i])), []).append(i)
    return [sorted(group) for group in groups.values()]
