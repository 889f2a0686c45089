"""Views on risk: that something will be more volatile, or two things more alike; and what follows for every asset.

Means are pooled first, then volatilities around those means, then correlations around those volatilities: each step is
linear in the probabilities (Vorobets, "Sequential Entropy Pooling Heuristics", 2021, the order of his H1).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import SignalError
from ..models.causes import Cause
from ..models.markets import Market
from ..models.tilts import Tilt
from ..units import day, decimal, percent
from .entropies import Posterior, reweigh
from .subjects import legs_row

Kind = Literal["mean", "volatility", "correlation"]
_STAGES: tuple[Kind, ...] = ("mean", "volatility", "correlation")


@dataclass(frozen=True)
class Belief:
    """One opinion on a moment: a mean, a volatility or a correlation.

    Parameters
    ----------
    about
        Legs in the grammar of views; a class means its strategic mix.
    value
        Annual decimal for a mean or a volatility (``"25%"`` is read), a plain number for a correlation; with ``times``,
        what the scenarios say is multiplied by it.
    kind, sense
        Which moment, and whether it is ``"equal"`` to the value, at ``"least"`` or at ``"most"`` it.
    beside
        The other leg of a correlation.
    times
        True: the value is a multiple of the scenarios' own moment (1.5: half as volatile again).
    since, until
        Live while ``since <= on < until``; None is open.
    id, author, because
        As in a view.

    >>> Belief("equity", "25%", sense="least").value
    0.25
    """

    about: str
    value: float
    kind: Kind = "volatility"
    sense: Literal["equal", "least", "most"] = "equal"
    beside: str = ""
    times: bool = False
    since: dt.date | None = None
    until: dt.date | None = None
    id: str = ""
    author: str = ""
    because: str = ""

    def __post_init__(self) -> None:
        """Read percents and days; refuse what cannot be meant."""
        name = self.id or " ".join(filter(None, (self.kind, self.about, self.beside and f"with {self.beside}")))
        object.__setattr__(self, "id", name)
        try:
            object.__setattr__(self, "value", decimal(self.value))
            for field in ("since", "until"):
                if getattr(self, field) is not None:
                    object.__setattr__(self, field, day(getattr(self, field)))
        except (ValueError, TypeError) as error:
            raise SignalError(f"belief {name!r}: {error}", code="BAD_BELIEF", table="beliefs", field="value") from None
        checks = (
            ("kind", self.kind in _STAGES, f"one of {', '.join(_STAGES)}"),
            ("sense", self.sense in ("equal", "least", "most"), "equal, least or most"),
            (
                "beside",
                bool(self.beside) == (self.kind == "correlation"),
                "the second leg of a correlation, only there",
            ),
            ("value", self.kind != "volatility" or self.value > 0, "a volatility above 0"),
            (
                "value",
                self.kind != "correlation" or self.times or abs(self.value) < 1,
                "a correlation between -1 and 1",
            ),
            ("value", self.kind != "mean" or self.times or abs(self.value) <= 1, "an annual decimal: 0.02 for 2%"),
        )
        for field, fine, mend in checks:
            if not fine:
                raise SignalError(
                    f"belief {name!r}: {field} is {getattr(self, field)!r}",
                    code="BAD_BELIEF",
                    table="beliefs",
                    field=field,
                    value=getattr(self, field),
                    mend=mend,
                )

    def live(self, on: dt.date) -> bool:
        """Say whether the belief speaks on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)


def ranking(*abouts: str, author: str = "", because: str = "") -> tuple[Belief, ...]:
    """Return the beliefs that the first is expected to earn at least what the second does, and so on.

    >>> [belief.id for belief in ranking("equity", "bonds", "gold")]
    ['equity over bonds', 'bonds over gold']
    """
    return tuple(
        Belief(f"{a} - {b}", 0.0, "mean", "least", id=f"{a} over {b}", author=author, because=because)
        for a, b in pairwise(abouts)
    )


def pool_beliefs(
    beliefs: Sequence[Belief],
    scenarios: pd.DataFrame,
    market: Market,
    strategic: np.ndarray,
    *,
    prior: np.ndarray | None = None,
    periods_per_year: float = 12.0,
) -> Posterior:
    """Return the scenarios with the probabilities nearest to the prior under which every belief holds.

    Parameters
    ----------
    scenarios
        Decimal returns per period, a row a scenario, a column an asset; the cash may be left out.
    strategic
        Shape (n,): gives classes and groups their mix.
    prior
        Shape (S,); all alike without it.
    periods_per_year
        Of the scenarios: a mean is a year's divided by it, a volatility a year's by its root.

    Raises
    ------
    SignalError
        An asset without scenarios, or beliefs that no probabilities can meet.
    """
    returns = _returns(scenarios, market)
    start = np.full(len(returns), 1.0 / len(returns)) if prior is None else np.asarray(prior, dtype=float)
    q, rows, bounds, equal, names = start, [], [], [], []
    for stage in _STAGES:
        asked = [belief for belief in beliefs if belief.kind == stage]
        for belief in asked:
            first, second = (
                returns @ legs_row(about or belief.about, market.universe, strategic, name=belief.id)
                for about in (belief.about, belief.beside)
            )
            for row, bound, same, why in _statements(belief, first, second, q, start, periods_per_year):
                rows.append(row)
                bounds.append(bound)
                equal.append(same)
                names.append(why)
        if asked:
            q = reweigh(start, np.array(rows), np.array(bounds), np.array(equal), names)
    return Posterior(returns, start, q, market.universe.assets)


def _returns(scenarios: pd.DataFrame, market: Market) -> np.ndarray:
    universe = market.universe
    for i, asset in enumerate(universe.assets):
        if i != universe.cash and asset not in scenarios.columns:
            raise SignalError(
                f"asset {asset!r} has no scenarios",
                code="MISSING_LABEL",
                table="scenarios",
                field="asset_id",
                value=asset,
                mend="one column an asset",
            )
    return scenarios.reindex(columns=list(universe.assets), fill_value=0.0).to_numpy(dtype=float)


def _statements(belief, first, second, q, start, periods_per_year):
    """Return rows, bounds and whether they are equal: the belief itself, and the lower moments it stands on."""
    mean, sure = float(q @ first), f"the mean under {belief.id!r}"
    flip = -1.0 if belief.sense == "least" else 1.0
    same = belief.sense == "equal"
    if belief.kind == "mean":
        target = belief.value * (float(start @ first) if belief.times else 1.0 / periods_per_year)
        return [(flip * first, flip * target, same, belief.id)]
    away = first - mean
    if belief.kind == "volatility":
        own = float(start @ (first - start @ first) ** 2)
        target = belief.value**2 * (own if belief.times else 1.0 / periods_per_year)
        return [(first, mean, True, sure), (flip * away**2, flip * target, same, belief.id)]
    beyond = second - float(q @ second)
    variances = float(q @ away**2), float(q @ beyond**2)
    target = belief.value * (_correlation(first, second, start) if belief.times else 1.0)
    return [
        (first, mean, True, sure),
        (second, float(q @ second), True, sure),
        (away**2, variances[0], True, f"the variances under {belief.id!r}"),
        (beyond**2, variances[1], True, f"the variances under {belief.id!r}"),
        (flip * away * beyond, flip * target * float(np.sqrt(variances[0] * variances[1])), same, belief.id),
    ]


def _correlation(first: np.ndarray, second: np.ndarray, p: np.ndarray) -> float:
    x, y = first - p @ first, second - p @ second
    return float(p @ (x * y) / np.sqrt((p @ x**2) * (p @ y**2)))


def risk_multipliers(before: np.ndarray, after: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the multipliers of volatility that stand for a new covariance at some weights, shape (n,).

    ``diag(m) Sigma diag(m)`` gives each held asset the marginal risk at ``weights`` that ``after`` gives it:
    ``m o (Sigma (m o b)) = Sigma_after b``. With ``y = m o b`` that asks for risk contributions
    ``y_i (Sigma y)_i = b_i (Sigma_after b)_i``, the one least of ``y'Sigma y / 2 - sum rc ln y`` (Spinu, 2013).
    Where correlations stay these are the ratios of the volatilities exactly; where they change, what rises with the
    rest of the portfolio counts as riskier. What is not held, and what hedges the rest (a contribution that is not
    positive has no such y), takes its ratio of volatilities; so does everything where some weight is negative.

    >>> risk_multipliers(np.diag([0.04, 0.01]), np.diag([0.09, 0.01]), np.array([0.6, 0.4])).round(6)
    array([1.5, 1. ])
    """
    own = np.diag(before)
    ratios = np.sqrt(np.divide(np.diag(after), own, out=np.ones(len(own)), where=own > 0))
    asked = weights * (after @ weights)
    held = (weights > 1e-12) & (own > 0) & (asked > 0)
    if not held.any() or (weights < -1e-12).any():
        return ratios
    b, asked, m = weights[held], asked[held], ratios[held]
    pairs = np.outer(b, b) * before[np.ix_(held, held)]
    hedges = b * (before[np.ix_(held, ~held)] @ (ratios * weights)[~held])
    for _ in range(200):
        # Newton's step on the convex function of m; damped, it never leaves the positive numbers (Spinu, 2013).
        step = np.linalg.solve(pairs + np.diag(asked / m**2), pairs @ m + hedges - asked / m)
        longest = float(np.abs(step / m).max())
        m = m - step / (1.0 + longest if longest > 0.5 else 1.0)
        if longest < 1e-12:
            break
    multipliers = ratios.copy()
    multipliers[held] = m
    return multipliers


def risk_tilt(beliefs: Sequence[Belief], posterior: Posterior, weights: np.ndarray) -> Tilt:
    """Return the tilt whose risk channel says what the beliefs say at the strategic weights, with each as a cause.

    Limits keep the market's own covariance: an opinion on risk never loosens a limit.
    """
    if not beliefs:
        return Tilt()
    multipliers = risk_multipliers(posterior.prior_covariance, posterior.covariance, np.asarray(weights, dtype=float))
    share = percent(posterior.kept, 0)
    causes = tuple(
        Cause(
            "risk",
            belief.id,
            belief.author,
            f"{belief.because or belief.id} ({share} of the information of the scenarios is kept)",
        )
        for belief in beliefs
    )
    return Tilt(risk=multipliers, causes=causes)
