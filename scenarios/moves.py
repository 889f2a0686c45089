"""Where shocks come from: a stretch of history, the move of one thing spread over the others, pooled probabilities.

A shock by hand is a :class:`~trimtab.models.Shock`; these functions return one each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import MarketError, ViewError
from ..models.markets import Market
from ..models.risks import Risk
from ..models.shocks import Shock
from ..models.universes import Universe
from ..signals.entropies import Posterior
from ..signals.subjects import legs_row
from ..units import day, decimal

_NEXT_TO_NOTHING = 1e-9


def replay_window(
    name: str, returns: pd.DataFrame, universe: Universe, since: dt.date | str, until: dt.date | str, *,
    with_risk: bool = False,
) -> Shock:  # fmt: skip
    """Return what assets did between two days as a shock: the return of holding each throughout.

    Parameters
    ----------
    name
        Of the shock.

    Returns
        Decimal returns indexed by date, a column an asset; the cash may be left out.
    universe
        Whose assets.
    since, until
        Periods dated after ``since`` and up to ``until``.
    with_risk
        Risk changes too: each volatility by what it was in the window over what it is in all of ``returns``, and
        correlations are those of the window (both shrunk as :meth:`Risk.from_returns` does).

    Raises
    ------
    MarketError
        No period in the window, or an asset without returns.

    >>> u = Universe(("SPY",), ("equity",))
    >>> past = pd.DataFrame({"SPY": [-0.5, 0.5, 0.1]}, pd.to_datetime(["2008-10-31", "2008-11-30", "2008-12-31"]))
    >>> dict(replay_window("autumn", past, u, "2008-09-30", "2008-11-30").moves)
    {'SPY': -0.25}
    """
    days = pd.DatetimeIndex(returns.index)
    inside = (days > pd.Timestamp(day(since))) & (days <= pd.Timestamp(day(until)))
    if not inside.any():
        raise MarketError(
            f"there are no returns after {since} and up to {until}", code="EMPTY_WINDOW", table="returns", field="date",
            value=f"{since} to {until}", mend=f"they go from {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}",
        )  # fmt: skip
    window = returns.loc[inside]
    missing = [a for i, a in enumerate(universe.assets) if i != universe.cash and a not in returns.columns]
    if missing or window[[a for a in universe.assets if a in window.columns]].isna().any(axis=None):
        holes = missing or [str(c) for c in window.columns[window.isna().any()] if c in universe.positions]
        raise MarketError(
            f"asset {holes[0]!r} has no returns in the window", code="MISSING_LABEL", table="returns", field=holes[0],
            value=holes[0], mend="give it some, or choose another window",
        )  # fmt: skip
    held = [a for a in universe.assets if a in window.columns]
    moves = {a: float(x) for a, x in zip(held, (1.0 + window[held]).prod() - 1.0, strict=True)}
    if not with_risk:
        return Shock(name, moves)
    then, ever = (Risk.from_returns(own, universe) for own in (window, returns))
    return Shock(name, moves, _times(then.volatilities, ever.volatilities, universe), 1.0, then)


def spread_moves(
    name: str, moves: Mapping[str, float | str], market: Market, weights: Mapping[str, float] | None = None
) -> Shock:
    """Return a shock in which a few things move as said, and every other asset as is then to be expected.

    With one row of P for each thing said and x its move::

        E[r | P r = x] = Sigma P' (P Sigma P')^-1 x        for one asset k: Sigma_{.k} / Sigma_kk x

    the mean of a normal r with mean zero given what is said (Anderson, *An Introduction to Multivariate Statistical
    Analysis*, theorem 2.5.1; Kupiec, "Stress Testing in a Value at Risk Framework", 1998).

    Parameters
    ----------
    name
        Of the shock.
    moves
        ``{"equity": "-20%"}`` or ``{"SPY - TLT": -0.1}``, in the grammar of views.
    market
        Its covariance.
    weights
        A model's strategic weights: a class is its mix. Without them a class is its assets in equal parts.

    Raises
    ------
    ViewError, SignalError
        Nothing is said, a leg that is unknown or without weight, or two things said that depend on each other.
    """
    universe, said = market.universe, {about: _read(name, move) for about, move in moves.items()}
    held = np.ones(len(universe)) if weights is None else universe.vector(weights)
    held = np.where(held == 0.0, _NEXT_TO_NOTHING, held)  # an asset of which nothing is held is still itself
    rows = np.array([legs_row(about, universe, held, name=name) for about in said]).reshape(len(said), len(universe))
    sigma = market.risk.times(rows)
    own = rows @ sigma.T
    size = np.sqrt(np.diag(own))
    if not said or (size < 1e-8).any() or np.linalg.cond(own / np.outer(size, size)) > 1e10:
        raise ViewError(
            f"shock {name!r}: {'nothing is said' if not said else 'what moves has no risk of its own'}",
            code="BAD_SHOCK", field="moves", value=", ".join(said), mend="say what moves, each thing once",
        )  # fmt: skip
    spread = sigma.T @ np.linalg.solve(own, np.array(list(said.values())))
    return Shock(name, {a: float(x) for a, x in zip(universe.assets, spread, strict=True)})


def spread_factors(
    name: str, moves: Mapping[str, float | str], exposures: pd.DataFrame, factor_covariance: pd.DataFrame
) -> Shock:
    """Return a shock in which factors of a risk model move, those not named as is then to be expected.

    With F the exposures, Omega the factor covariance and K the factors named::

        E[r | f_K = x] = F Omega_{.K} Omega_KK^-1 x

    Specific returns are independent of factors, so nothing is expected of them.

    >>> f = pd.DataFrame({"market": [1.0, 0.5]}, ["SPY", "TLT"])
    >>> dict(spread_factors("fall", {"market": "-10%"}, f, pd.DataFrame([[0.04]], ["market"], ["market"])).moves)
    {'SPY': -0.1, 'TLT': -0.05}
    """
    unknown = [factor for factor in moves if factor not in exposures.columns]
    if unknown or not moves:
        raise ViewError(
            f"shock {name!r}: there is no factor {unknown[0]!r}" if unknown else f"shock {name!r}: no factor moves",
            code="UNKNOWN_FACTOR", field="moves", value=", ".join(unknown),
            mend=f"one of {', '.join(map(str, exposures.columns))}",
        )  # fmt: skip
    factors, named = list(exposures.columns), list(moves)
    omega = factor_covariance.loc[factors, named].to_numpy()
    block = factor_covariance.loc[named, named].to_numpy()
    expected = omega @ np.linalg.solve(block, np.array([_read(name, move) for move in moves.values()]))
    spread = exposures.to_numpy() @ expected
    return Shock(name, {str(a): float(x) for a, x in zip(exposures.index, spread, strict=True)})


def pool_moves(name: str, posterior: Posterior, universe: Universe, periods: float = 1.0) -> Shock:
    """Return what pooled probabilities expect over so many periods of their scenarios, risk included.

    The moves are the posterior means, the multipliers of volatility the posterior's over the prior's, and correlations
    those of the posterior (:mod:`trimtab.signals.entropies`; Meucci, "Fully Flexible Views", 2008).

    Raises
    ------
    MarketError
        The posterior's names are not the assets.
    """
    if unknown := [column for column in posterior.names if column not in universe.positions]:
        raise MarketError(
            f"{unknown[0]!r} of the scenarios is no asset", code="UNKNOWN_ASSET", table="scenarios", field=unknown[0],
            value=unknown[0], mend="scenarios of the assets' returns",
        )  # fmt: skip
    moves = {column: float(mean) * periods for column, mean in zip(posterior.names, posterior.mean, strict=True)}
    place = [universe.positions[column] for column in posterior.names if universe.positions[column] != universe.cash]
    kept = [k for k, column in enumerate(posterior.names) if universe.positions[column] != universe.cash]
    then, before = np.zeros(len(universe)), np.zeros(len(universe))
    then[place] = posterior.volatilities[kept]
    before[place] = np.sqrt(np.diag(posterior.prior_covariance))[kept]
    values, vectors = np.linalg.eigh(posterior.covariance[np.ix_(kept, kept)])
    loadings = np.zeros((len(universe), len(kept)))
    loadings[place] = vectors * np.sqrt(np.clip(values, 0.0, None))
    return Shock(name, moves, _times(then, before, universe), 1.0, Risk(loadings, np.zeros(len(universe))))


def _times(then: np.ndarray, before: np.ndarray, universe: Universe) -> dict[str, float]:
    pairs = zip(universe.assets, then, before, strict=True)
    return {asset: float(new / old) for asset, new, old in pairs if new > 0 and old > 0}


def _read(name: str, move: float | str) -> float:
    try:
        return decimal(move)
    except ValueError as error:
        raise ViewError(f"shock {name!r}: {error}", code="BAD_SHOCK", field="moves", value=move) from None
