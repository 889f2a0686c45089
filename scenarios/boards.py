"""The board: everything a desk could do with an account, side by side, in every world it could turn out to be in.

Each row is a portfolio, each limit a column, and so is each world: the regret of a row there is what it gives up
against the best row there (Savage, "The Theory of Statistical Decision", 1951)::

    regret(row, world) = max over rows of worth(., world) - worth(row, world)

Worth is utility a year where the world differs in what is believed, and profit less cost where it is a shock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..constraints import terms
from ..constraints.phases import Phases
from ..constraints.policies import Policy
from ..errors import AccountError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.shocks import Shock
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.figures import read_figures
from ..optimizer.orders import turnover, weigh_trades
from ..optimizer.problems import Case, Problem, outline
from ..optimizer.proposals import Proposal, propose
from ..optimizer.rebalancing import decide
from ..optimizer.rooms import share_used
from ..optimizer.solutions import Outcome, solve
from ..optimizer.tactical import place
from ..units import FrozenMap, day
from .shocks import list_shocks
from .worlds import NO_VIEWS, Believer, list_outlooks, list_views

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STEPS = ((0, 0.50), (30, 0.25), (60, 0.25))
"""The phases that are shown where the policy has none: half at once, a quarter after 30 days and after 60."""
NOTHING, BACK, EDGE, PROPOSED, WHOLE, PHASED = (
    "do nothing", "back to strategic", "band edge", "proposed", "all the way", "phased",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Board:
    """What a desk could do with an account.

    Parameters
    ----------
    figures
        A row an alternative. Columns outcome, turnover (one-way), cost (decimal of NAV, ticket fees included), trades
        (their number), tracking_error, expected_gain, utility (annual, all that is believed), regret (the largest over
        the worlds that are beliefs, utility a year), reason.
    use
        The same rows, a column a limit: how much of its tightest bound is used, 1 at the bound, more beyond it.
    stress
        A column a shock: profit or loss, decimal of NAV, cost not taken off.
    worth
        A column a world: utility a year if it is so; of a shock the profit less the cost.
    weights
        A column an asset.
    proposals
        By row, where the row is one: with trades, reasons and proofs.
    left_out
        Alternatives that there are not, and why.
    """

    figures: pd.DataFrame
    use: pd.DataFrame
    stress: pd.DataFrame
    worth: pd.DataFrame
    weights: pd.DataFrame
    proposals: Mapping[str, Proposal]
    left_out: Mapping[str, str]

    @property
    def regret(self) -> pd.DataFrame:
        """A column a world: what each row gives up there against the best row there."""
        worth = self.worth.to_numpy()
        return pd.DataFrame(worth.max(axis=0) - worth, self.worth.index, self.worth.columns)

    def to_frame(self) -> pd.DataFrame:
        """Return everything side by side: ``use:LIMIT``, ``shock:NAME``, ``regret:WORLD`` and an asset's own name."""
        parts = (("use", self.use), ("shock", self.stress), ("regret", self.regret))
        return self.figures.join([own.add_prefix(f"{name}:") for name, own in parts] + [self.weights])

    def plot(self) -> Figure:
        """Draw gain against tracking error, use of limits, and regret by world."""
        from .plots import draw_board

        return draw_board(self)

    def _repr_html_(self) -> str:
        number = lambda x: f"{x:.4g}"  # noqa: E731
        return self.figures.to_html(float_format=number) + self.use.to_html(float_format=number)

    def __str__(self) -> str:
        """Return the figures as a table."""
        return self.figures.drop(columns=["reason"]).to_string(float_format=lambda x: f"{x:.4g}")


def board(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    *,
    shocks: Shock | Sequence[Shock] = (),
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Board:
    """Return what a desk could do with an account, side by side.

    Rows: do nothing; back to strategic (the strategic weights themselves, whatever limits say); band edge (as cheaply
    as possible back inside bands and limits); proposed (what :func:`trimtab.optimizer.rebalance` says); all the way,
    where that holds or slows the account; phased; no views; and for each view ``only VIEW`` and ``VIEW fails`` (the
    best there is if the opposite of it is true). The policy's phases slow all rows but
    the first three and all the way.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`; the overlay stays in every row.
    shocks
        What could happen.

    Raises
    ------
    InputError
        What cannot be used, the account's own data included.
    """
    on, listed = day(on), list_views(views)
    who, shaken = Believer(account, policy, market.dated(on), on, overlay, trail), list_shocks(shocks)
    problem, belief = outline(policy, who.market), who.believe(listed)
    case = place(problem, account, belief)
    if account.empty:
        raise AccountError("there is nothing in the account", table="accounts", field="account_id", value=account.id)
    proposals, left_out = dict(_propose(who, problem, listed)), dict(_missing(policy, who.live(listed)))
    weights = {NOTHING: case.program.current, BACK: case.context.strategic}
    weights |= {name: _target(found) for name, found in proposals.items()}
    order = [name for name in (NOTHING, BACK, EDGE, PROPOSED, WHOLE, PHASED) if name in weights]
    order += [name for name in weights if name not in order]
    index, held = pd.Index(order, name="alternative"), np.array([weights[name] for name in order])
    assets, cost = list(market.universe.assets), np.array([_cost(case, weights[name]) for name in order])
    stress = pd.DataFrame({s.name: held @ s.vector(market.universe) for s in shaken}, index)
    tickets = np.array([_tickets(case, w) for w in held])
    worlds = list_outlooks(who, listed)
    worth = pd.DataFrame(
        {w.name: place(problem, account, w.belief).program.utility(held) - tickets for w in worlds}, index
    ).join(stress.sub(cost, axis=0))
    beliefs = worth[[world.name for world in worlds]]
    figures = pd.DataFrame([_figures(case, weights[name], proposals.get(name)) for name in order], index)
    figures.insert(2, "cost", cost)
    figures.insert(7, "regret", (beliefs.max() - beliefs).max(axis=1))
    use = pd.DataFrame([_use(case, w) for w in held], index)
    return Board(
        figures, use, stress, worth, pd.DataFrame(held, index, assets), FrozenMap(proposals), FrozenMap(left_out)
    )


def _propose(who: Believer, problem: Problem, views: tuple[View, ...]) -> Iterator[tuple[str, Proposal]]:
    """Yield every alternative that is a proposal."""
    policy, account = who.policy, who.account
    belief, live = who.believe(views), who.live(views)

    def ask(own: Policy, believed: Tilt) -> Proposal:
        stated = problem if own is policy else Problem(own, who.market, engines=problem.engines)
        return propose(solve(stated, account, believed), "asked")

    if policy.bands:
        edge = replace(policy.rebalance, destination="edge")
        yield EDGE, ask(replace(policy, rebalance=edge, phases=None), belief)
    proposed = decide(problem, account, belief, who.on)
    yield PROPOSED, proposed
    whole = replace(policy, phases=None, rebalance=replace(policy.rebalance, destination="ideal"))
    if proposed.outcome is Outcome.HELD or policy.phases is not None or policy.rebalance.destination != "ideal":
        yield WHOLE, ask(whole, belief)
    if policy.phases is None:
        yield PHASED, ask(replace(whole, phases=Phases(STEPS)), belief)
    if live:
        yield NO_VIEWS, ask(policy, who.believe(()))
    for view in live:
        if len(live) > 1:
            yield f"only {view.id}", ask(policy, who.believe([view]))
        yield f"{view.id} fails", ask(policy, who.believe_failed(view, views))


def _missing(policy: Policy, live: tuple[View, ...]) -> Iterator[tuple[str, str]]:
    if not policy.bands:
        yield EDGE, "the policy has no band"
    if policy.phases is not None:
        yield PHASED, "the proposal is phased already"
    if not live:
        yield NO_VIEWS, "no view speaks to this account today"


def _target(proposal: Proposal) -> np.ndarray:
    if proposal.weights is None:
        raise AccountError(proposal.reason, table="accounts", field="account_id", value=proposal.account)
    return proposal.weights["target"].to_numpy()


def _figures(case: Case, weights: np.ndarray, proposal: Proposal | None) -> dict[str, object]:
    figures = read_figures(case, weights, _count(case, weights))
    return {
        "outcome": "" if proposal is None else proposal.outcome.name,
        "turnover": float(turnover(case, weights)),
        "trades": _count(case, weights),
        "tracking_error": float(figures.tracking_error),
        "expected_gain": float(figures.expected_gain),
        "utility": float(figures.utility),
        "reason": "" if proposal is None else proposal.reason,
    }


def _count(case: Case, weights: np.ndarray) -> int:
    return int((weigh_trades(case, weights) != 0).sum())


def _cost(case: Case, weights: np.ndarray) -> float:
    """Return what the trades cost, ticket fees included, decimal of NAV."""
    z = np.abs(weigh_trades(case, weights))
    fees = case.context.market.costs.ticket_fee * _count(case, weights) / float(case.standing.nav)
    return case.horizon * float(case.program.cost @ z + case.program.impact @ z**1.5) + fees


def _tickets(case: Case, weights: np.ndarray) -> float:
    """Return the ticket fees in utility a year."""
    fees = case.context.market.costs.ticket_fee * _count(case, weights)
    return fees / float(case.standing.nav) / case.horizon if fees else 0.0


def _use(case: Case, weights: np.ndarray) -> dict[str, float]:
    """Return how much of the tightest bound of each limit is used."""
    market, used = case.context.market, dict.fromkeys(case.names, np.nan)
    for name, term in case.program.named:
        if name in used:
            read = terms.sides(term, weights, case.program.current, market.risk, market.universe)
            most = max(map(share_used, read.bound, read.used, read.room), default=0.0)
            used[name] = float(np.nanmax([used[name], most]))
    return {name: share for name, share in used.items() if not np.isnan(share)}
