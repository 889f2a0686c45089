"""Which benchmark to be judged by: candidates, and how far each has the properties that a valid one needs.

Bailey (1992) asks of a benchmark to be unambiguous, investable, measurable, appropriate, reflective of current
investment opinion, specified in advance, and accountable. Four of them can be measured (Bailey 1992b; Bailey, Richards
and Tierney 1990), with P the portfolio, B the benchmark, M the market and A = P - B:

    appropriate    the beta of P on B is near 1, and A has little volatility beside P - M:  1 - std(A)/std(P - M)
    reflective     A does not move with S = B - M:  |corr(A, S)| small (what is beyond it is skill, not style)
    investable     little turnover a year to hold it
    measurable     a return in every period

The other three are facts that a person states: whether it was named before the period, is made of names and weights,
and is accepted by who is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from ..units import percent

PROPERTIES = (
    "specified in advance", "unambiguous", "accountable", "measurable", "investable", "appropriate", "reflective"
)  # fmt: skip
_HALF_TURNOVER = 1.0
"""One-way turnover a year at which a benchmark is half investable."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A candidate for a benchmark.

    Parameters
    ----------
    name, returns
        Strategic, drifted, rebalanced, or a peer group; and its returns in the periods, NaN where it has none.
    turnover
        One-way, a year; NaN where nobody knows, as of peers.
    in_advance, unambiguous, accountable
        Whether it was named before the periods, consists of names and weights, and binds who is judged by it.
    """

    name: str
    returns: pd.Series
    turnover: float = float("nan")
    in_advance: bool = True
    unambiguous: bool = True
    accountable: bool = True


def mix(
    weights: Mapping[str, float],
    returns: pd.DataFrame,
    rebalanced: Literal["always", "month", "quarter", "year", "never"] = "always",
    *,
    periods_per_year: float = 252,
    name: str = "",
) -> Yardstick:
    """Return strategic weights as a yardstick: rebalanced each period, at the first period of a calendar one, or never.

    Parameters
    ----------
    weights, returns
        Decimals that sum to 1; and what the assets returned, indexed by the end of the periods.

    >>> moves = pd.DataFrame({"A": [0.10, 0.0], "B": [0.0, 0.10]}, index=pd.to_datetime(["2020-01-31", "2020-02-28"]))
    >>> mix({"A": 0.5, "B": 0.5}, moves, "never").returns.round(5).tolist()
    [0.05, 0.04762]
    """
    given = np.array([float(weights.get(str(a), 0.0)) for a in returns.columns])
    strange = [a for a in weights if a not in returns.columns]
    if strange or abs(given.sum() - 1.0) > 1e-6:
        raise InputError(
            f"there are no returns of {strange[0]!r}" if strange else f"the weights sum to {given.sum():.10g}",
            code="WEIGHTS_SUM", field="weights", value=strange or given.sum(), mend="weights of these assets, sum 1",
        )  # fmt: skip
    codes = {"month": "M", "quarter": "Q", "year": "Y"}
    ends = pd.DatetimeIndex(returns.index)
    stamps = ends.to_period(codes[rebalanced]) if rebalanced in codes else None
    held, made, moved = given.copy(), np.zeros(len(returns)), 0.0
    for k, row in enumerate(returns.to_numpy(dtype=float)):
        if k and (rebalanced == "always" or (stamps is not None and stamps[k] != stamps[k - 1])):
            moved, held = moved + np.abs(held - given).sum() / 2.0, given.copy()
        made[k] = held @ row
        held = held * (1.0 + row) / (1.0 + made[k])
    word = {"always": "strategic", "never": "drifted"}.get(rebalanced, f"rebalanced each {rebalanced}")
    return Yardstick(name or word, pd.Series(made, returns.index), moved * periods_per_year / max(len(returns), 1))


def score_benchmarks(
    portfolio: pd.Series, candidates: Sequence[Yardstick], market: pd.Series, *, periods_per_year: float = 252
) -> pd.DataFrame:
    """Score candidates on the properties of a valid benchmark, best first.

    Parameters
    ----------
    portfolio, market
        Returns of the periods: what is judged, and the whole it chooses from (one broad mix for all candidates).
    candidates
        With returns of the same periods.

    Returns
    -------
    pandas.DataFrame
        A row a candidate: figures (tracking_error, beta, t_beta of beta = 1, correlation of active return with style,
        turnover, coverage), a score in [0, 1] for each of :data:`PROPERTIES`, ``score`` (their mean, 0 where a fact
        fails that nothing can make up for: specified in advance, unambiguous, measurable), and ``because``.

    Raises
    ------
    InputError
        No candidate, other periods, fewer than twelve common periods.
    """
    if not candidates:
        raise InputError("there is no candidate", code="EMPTY_TABLE", field="candidates", mend="one at least")
    rows = [_score(portfolio, each, market, periods_per_year) for each in candidates]
    return pd.DataFrame(rows).set_index("benchmark").sort_values("score", ascending=False, kind="stable")


def _score(portfolio: pd.Series, one: Yardstick, market: pd.Series, year: float) -> dict[str, object]:
    if not (one.returns.index.equals(portfolio.index) and market.index.equals(portfolio.index)):
        raise InputError(
            f"{one.name} has other periods than the portfolio", code="LENGTH", field="candidates", value=one.name,
            mend="series with the same index",
        )  # fmt: skip
    p, b, m = (x.to_numpy(dtype=float) for x in (portfolio, one.returns, market))
    known = np.isfinite(p) & np.isfinite(b) & np.isfinite(m)
    if known.sum() < 12:
        raise InputError(
            f"{one.name} has {known.sum()} periods in common with the portfolio", code="BAD_HISTORY",
            field="candidates", value=one.name, mend="twelve at least",
        )  # fmt: skip
    coverage = float(known.sum() / max(np.isfinite(p).sum(), 1))
    p, b, m = p[known], b[known], m[known]
    active, style = p - b, b - m
    beta, error = _slope(p, b)
    error_to_market = float((p - m).std(ddof=1))
    share = float(active.std(ddof=1)) / error_to_market if error_to_market > 0 else float(active.any())
    lean = _correlation(active, style)
    fits = max(0.0, 1.0 - min(share, 1.0)) ** 0.5 * max(0.0, 1.0 - abs(beta - 1.0))
    scores = {
        "specified in advance": float(one.in_advance), "unambiguous": float(one.unambiguous),
        "accountable": float(one.accountable), "measurable": coverage,
        "investable": 0.0 if np.isnan(one.turnover) else 1.0 / (1.0 + one.turnover / _HALF_TURNOVER),
        "appropriate": fits, "reflective": 1.0 - abs(lean),
    }  # fmt: skip
    valid = one.in_advance and one.unambiguous and coverage > 0.0
    figures = {
        "tracking_error": float(active.std(ddof=1) * np.sqrt(year)), "beta": beta,
        "t_beta": (beta - 1.0) / error if error > 0 else 0.0, "correlation": lean, "turnover": one.turnover,
        "coverage": coverage,
    }  # fmt: skip
    whole = float(np.mean(list(scores.values()))) if valid else 0.0
    return {"benchmark": one.name, **figures, **scores, "score": whole, "because": _say(one, figures, scores)}


def _say(one: Yardstick, figures: Mapping[str, float], scores: Mapping[str, float]) -> str:
    facts = [name for name in ("specified in advance", "unambiguous", "accountable") if not scores[name]]
    said = [f"not {name}" for name in facts]
    said.append(f"tracking error {percent(figures['tracking_error'], 2)}, beta {figures['beta']:.2f}")
    said.append(f"active return moves with style by {figures['correlation']:+.2f}")
    unknown = np.isnan(one.turnover)
    said.append("nobody can hold it" if unknown else f"turnover {percent(one.turnover)} a year to hold it")
    if figures["coverage"] < 1:
        said.append(f"no return in {percent(1 - figures['coverage'])} of the periods")
    return "; ".join(said)


def _slope(y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Return the slope of y on x with its standard error."""
    centred = x - x.mean()
    size = float(centred @ centred)
    if size == 0:
        return float("nan"), 0.0
    slope = float(centred @ y) / size
    rest = y - y.mean() - slope * centred
    return slope, float(np.sqrt(rest @ rest / max(len(x) - 2, 1) / size))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    spread = x.std() * y.std()
    return float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 1e-18 else 0.0
