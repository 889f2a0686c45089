"""What must be believed to hold a portfolio: the optimality conditions read backwards.

At an optimum w of the program, with nothing said of limits or costs, the gains that are believed are those of which the
portfolio takes exactly what its risk is worth (reverse optimisation: Sharpe 1974; Black and Litterman 1992)::

    gain = gamma' Sigma' (w - b - s) - (gamma Sigma - gamma' Sigma') (b + s),
    without tilts of risk or target:  gain = gamma Sigma (w - b)

over what the strategic weights imply, measured against the cash, whose risk is nothing. A leg p of a view earns
``p'gain``. Costs make it a range: what is bought must earn its cost ``kappa / h`` on top, what is sold may earn that
much more and still go, and what is left alone anything between::

    bought: gain + cost,    sold: gain - cost,    still: from gain - cost to gain + cost

At the account's own ideal the binding limits take the rest: ``believed = needed + held back``, and what is held back is
the sum over limits of their price times their slope there; where the cash itself stands at a bound, its price is held
back on every other asset.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import ViewError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.problems import Case, outline
from ..optimizer.proposals import Proposal
from ..optimizer.solutions import Outcome, Price, solve
from ..optimizer.tactical import place
from ..signals.subjects import legs_row
from ..units import day, percent
from .worlds import Believer, list_views

_STILL = 1e-7


@dataclass(frozen=True, eq=False)
class Implied:
    """What a portfolio must believe.

    Parameters
    ----------
    assets
        A row an asset. Columns weight, strategic, gain (annual, over what the strategic weights imply, against cash),
        low and high (with costs), believed (what the views say), held_back (believed less the nearest of low and
        high: what only a limit can explain).
    legs
        A row a leg asked for; columns gain, low, high, believed, and says (the gain the view itself states, NaN where
        the leg is no view's).
    prices
        Of the binding limits, where the portfolio is the account's own ideal: utility a year per unit.
    """

    assets: pd.DataFrame
    legs: pd.DataFrame
    prices: tuple[Price, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say it, a sentence a leg."""
        said = []
        for about, row in zip(self.legs.index, self.legs.to_dict("records"), strict=True):
            words = f"to hold this you must believe that {about} gains {percent(float(row['gain']))} a year"
            words += " more than the strategic weights imply"
            said.append(words if np.isnan(row["says"]) else f"{words}; the view says {percent(float(row['says']))}")
        return tuple(said)

    def to_frame(self) -> pd.DataFrame:
        """Return the assets."""
        return self.assets

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        return self.assets.to_html(float_format=lambda x: f"{x:.4g}") + f"<pre>{html.escape(str(self))}</pre>"


def implied_views(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    weights: Proposal | Mapping[str, float] | pd.Series | None = None,
    legs: Sequence[str] = (),
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Implied:
    """Return what must be believed to hold a portfolio.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`; views are compared with what is needed.
    weights
        The portfolio: a proposal's target, or weights by asset; the account's own ideal without any.
    legs
        What to ask about beside the live views, in their grammar; a class is its strategic mix.

    Raises
    ------
    InputError
        What cannot be used.
    """
    on, listed = day(on), list_views(views)
    who = Believer(account, policy, market.dated(on), on, overlay, trail)
    problem, belief = outline(policy, who.market), who.believe(listed)
    case, prices = place(problem, account, belief), ()
    if isinstance(weights, Proposal):
        if weights.weights is None:
            raise ViewError("there are no weights: the account is quarantined", code="NO_WEIGHTS", field="weights")
        held = weights.weights["target"].to_numpy()
    elif weights is None:
        solution = solve(problem, account, belief)
        if solution.outcome is Outcome.UNSOLVED:
            raise ViewError(f"there is no ideal: {solution.reason}", code="NO_WEIGHTS", field="weights")
        case, held, prices = solution.case, solution.ideal, solution.prices
    else:
        held = market.universe.vector(pd.Series(weights))
    assets = _assets(case, held)
    return Implied(assets, _legs(case, who, listed, legs, assets), prices)


def _assets(case: Case, weights: np.ndarray) -> pd.DataFrame:
    program, centre = case.program, case.program.centre
    alpha = np.broadcast_to(case.belief.alpha(case.aversion), weights.shape)
    gain = program.gamma * program.risk.times(weights - centre) - (program.force - alpha)
    gain = gain - gain[program.cash]
    z = weights - program.current
    cost = program.cost + 1.5 * program.impact * np.sqrt(np.abs(z))
    low, high = np.where(z > _STILL, gain + cost, gain - cost), np.where(z < -_STILL, gain - cost, gain + cost)
    believed = alpha - alpha[program.cash]
    frame = {
        "weight": weights, "strategic": case.context.strategic, "gain": gain, "low": low, "high": high,
        "believed": believed, "held_back": believed - np.clip(believed, low, high),
    }  # fmt: skip
    return pd.DataFrame(frame, pd.Index(case.context.market.universe.assets, name="asset_id"))


def _legs(case: Case, who: Believer, views: Sequence[View], legs: Sequence[str], assets: pd.DataFrame) -> pd.DataFrame:
    universe, strategic = case.context.market.universe, case.context.strategic
    said = {view.about: view for view in who.live(views)}
    asked = said | dict.fromkeys(legs) | said
    rows = []
    for about, view in asked.items():
        row = legs_row(about, universe, strategic)
        up, down = np.maximum(row, 0.0), np.minimum(row, 0.0)
        low, high = assets["low"].to_numpy(), assets["high"].to_numpy()
        says = float("nan") if view is None else -who.failed(view).gain
        gains = (row @ assets["gain"].to_numpy(), up @ low + down @ high, up @ high + down @ low)
        rows.append((*map(float, gains), float(row @ assets["believed"].to_numpy()), says))
    index = pd.Index(list(asked), name="about")
    return pd.DataFrame(rows, index, ["gain", "low", "high", "believed", "says"])
