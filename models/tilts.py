"""What views and overlays do, in seven channels; and how views become expected returns.

With ``P`` one row a live view, ``Q`` the gains, ``c`` the confidences::

    M      = P Sigma P' + diag((1 - c)/c * diag(P Sigma P'))
    lambda = M^-1 (Q - implied)
    alpha  = Sigma P' lambda,         row k of the split = lambda_k Sigma p_k'

which is Black and Litterman's posterior mean (1992) less the prior, with Idzorek's confidence (2004); tau cancels.
``implied`` is what the strategic weights already promise: 0 for basis active, ``gamma p Sigma b`` for excess, that plus
the cash rate times the sum of the legs for total.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import ViewError
from ..units import FrozenArrays, frozen
from .accounts import Model
from .causes import Cause
from .confidences import view_covariance
from .markets import Market
from .trails import Trail, closed, too_dear
from .universes import Universe
from .views import View


def _row(values: float | Sequence) -> np.ndarray:
    return frozen(np.atleast_1d(values))


@dataclass(frozen=True, eq=False)
class Tilt(FrozenArrays):
    """What is believed, in seven channels; ``first + second`` combines: gains and targets add, the rest multiply.

    Parameters
    ----------
    gain
        Annual active return per asset, one row a view, shape (v, n), at an aversion of zero...
    gain_per_aversion
        ...and its slope in gamma (views of basis excess and total promise less the more the weights imply).
    views
        The ids of the rows.
    legs
        ``P``: what each view is about, shape (v, n); without limits and costs view k moves ``lambda_k p_k / gamma``.
    lambdas
        The multiplier of each view at the model's own aversion; negative: less bullish than the other views imply.
    gains
        What each view expects beyond what basis it has, annual; only its sign is read.
    since
        The ordinal of the day each view is live from, 0 where nobody says.
    target
        Shift ``s`` of the strategic weights, shape (n,), sums to zero.
    risk
        Multiplier of each volatility.
    aversion
        Multiplier of gamma.
    band_low, band_high, buy_pace, sell_pace
        Multipliers per asset, neutral 1.
    frequency
        Multiplier of calendar and cooldown intervals.
    life
        Mean remaining life of the live views in years, infinite where one has no end.
    marks
        What each live view says, in a few characters: two decisions with the same marks had the same views.
    causes, dropped
        Who said so and why; which views and tilts say nothing in this model, ``(id, reason)``.
    """

    gain: np.ndarray = field(default_factory=lambda: frozen(np.zeros((0, 1))))
    gain_per_aversion: np.ndarray = field(default_factory=lambda: frozen(np.zeros((0, 1))))
    views: tuple[str, ...] = ()
    legs: np.ndarray = field(default_factory=lambda: frozen(np.zeros((0, 1))))
    lambdas: tuple[float, ...] = ()
    gains: tuple[float, ...] = ()
    since: tuple[int, ...] = ()
    target: np.ndarray = field(default_factory=lambda: _row(0.0))
    risk: np.ndarray = field(default_factory=lambda: _row(1.0))
    aversion: float = 1.0
    band_low: np.ndarray = field(default_factory=lambda: _row(1.0))
    band_high: np.ndarray = field(default_factory=lambda: _row(1.0))
    buy_pace: np.ndarray = field(default_factory=lambda: _row(1.0))
    sell_pace: np.ndarray = field(default_factory=lambda: _row(1.0))
    frequency: float = 1.0
    life: float = np.inf
    marks: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Freeze, and refuse multipliers that cannot be."""
        for name in ("views", "lambdas", "gains", "since", "marks", "causes", "dropped"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.gain) and not len(self.gain_per_aversion):
            object.__setattr__(self, "gain_per_aversion", np.zeros_like(self.gain))
        for name in ("gain", "gain_per_aversion", "legs"):
            object.__setattr__(self, name, frozen(np.atleast_2d(getattr(self, name))))
        for name in ("target", "risk", "band_low", "band_high", "buy_pace", "sell_pace"):
            object.__setattr__(self, name, _row(getattr(self, name)))
        if len(self.gain) != len(self.views):
            raise ViewError(
                f"{len(self.gain)} rows of gains have {len(self.views)} names",
                code="BAD_TILT",
                table="tilts",
                field="views",
                mend="name each row: Tilt(gain=[row], views=['momentum'])",
            )
        if len(self.lambdas) < len(self.views):  # a gain given as numbers is no multiple of legs
            object.__setattr__(self, "lambdas", self.lambdas + (0.0,) * (len(self.views) - len(self.lambdas)))
        object.__setattr__(self, "gains", self.gains + (0.0,) * (len(self.views) - len(self.gains)))
        object.__setattr__(self, "since", self.since + (0,) * (len(self.views) - len(self.since)))
        for name in ("gain", "gain_per_aversion", "target"):
            if not np.isfinite(getattr(self, name)).all():
                raise ViewError(
                    f"a number of {name} is not finite", code="BAD_TILT", table="tilts", field=name, mend="decimals"
                )
        if abs(self.target.sum()) > 1e-9:
            raise ViewError(
                f"a target shift sums to {self.target.sum():.3g}, not zero",
                code="BAD_TILT",
                table="tilts",
                field="value",
                mend="name a funding leg: 'equity - bonds'",
            )
        positive = (
            ("risk", self.risk),
            ("aversion", self.aversion),
            ("band_low", self.band_low),
            ("band_high", self.band_high),
            ("buy_pace", self.buy_pace),
            ("sell_pace", self.sell_pace),
            ("frequency", self.frequency),
        )
        for name, value in positive:
            floor = 0.0 if name.endswith("pace") else 1e-3
            if not (
                np.all(np.isfinite(value)) and np.all(np.asarray(value) >= floor) and np.all(np.asarray(value) <= 1e3)
            ):
                raise ViewError(
                    f"the {name} multiplier {value} is not between {floor:g} and 1000",
                    code="BAD_TILT",
                    table="tilts",
                    field="value",
                    value=value,
                    mend="1 is neutral",
                )

    def check_length(self, n: int) -> None:
        """Refuse channels of another number of assets than ``n``."""
        for name in ("gain", "gain_per_aversion", "target", "risk", "band_low", "band_high", "buy_pace", "sell_pace"):
            width = getattr(self, name).shape[-1]
            if width not in (1, n):
                raise ViewError(
                    f"{name} has {width} numbers for {n} assets",
                    code="LENGTH",
                    table="tilts",
                    field=name,
                    value=width,
                    mend="one number an asset in the universe's order, cash included",
                )

    def alpha(self, aversion: float | np.ndarray) -> np.ndarray:
        """Return the annual active return per asset at each gamma, shape (..., n)."""
        return self.gain.sum(axis=0) + np.asarray(aversion)[..., None] * self.gain_per_aversion.sum(axis=0)

    def rows(self, aversion: float) -> np.ndarray:
        """Return the split by view at an account's gamma, shape (v, n)."""
        return self.gain + aversion * self.gain_per_aversion

    def __add__(self, other: Tilt) -> Tilt:
        """Combine two tilts: gains and targets add, the rest multiply."""
        return Tilt(
            gain=_stack(self.gain, other.gain),
            gain_per_aversion=_stack(self.gain_per_aversion, other.gain_per_aversion),
            views=self.views + other.views,
            legs=_stack(self.legs, other.legs),
            lambdas=self.lambdas + other.lambdas,
            gains=self.gains + other.gains,
            since=self.since + other.since,
            target=self.target + other.target,
            risk=self.risk * other.risk,
            aversion=self.aversion * other.aversion,
            band_low=self.band_low * other.band_low,
            band_high=self.band_high * other.band_high,
            buy_pace=self.buy_pace * other.buy_pace,
            sell_pace=self.sell_pace * other.sell_pace,
            frequency=self.frequency * other.frequency,
            life=min(self.life, other.life),
            marks=self.marks + other.marks,
            causes=self.causes + other.causes,
            dropped=self.dropped + other.dropped,
        )

    @property
    def sign(self) -> str:
        """Sixteen characters that are the same for the same live views, in any order; never empty."""
        return hashlib.sha256(" ".join(sorted(self.marks)).encode()).hexdigest()[:16]

    def to_frame(self, universe: Universe, aversion: float) -> pd.DataFrame:
        """Return the split: a row a view and ``target``, ``risk``, a column an asset."""
        shape = (len(universe),)
        rows = {view: np.broadcast_to(row, shape) for view, row in zip(self.views, self.rows(aversion), strict=True)}
        rows |= {"target": np.broadcast_to(self.target, shape), "risk": np.broadcast_to(self.risk, shape)}
        return pd.DataFrame(rows, index=pd.Index(universe.assets, name="asset_id")).T.rename_axis("channel")


NO_TILT = Tilt()
_FADED = 1e-9
"""A confidence below this says nothing: its part of alpha is below any tolerance of the optimum."""


def _stack(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if not len(first) or not len(second):
        return first if len(first) else second
    width = max(first.shape[1], second.shape[1])
    return np.vstack([np.broadcast_to(first, (len(first), width)), np.broadcast_to(second, (len(second), width))])


def tilt(views: Sequence[View], market: Market, model: Model, on: dt.date, *, trail: Trail | None = None) -> Tilt:
    """Turn the live views into a tilt of one model's expected returns, split by view.

    Parameters
    ----------
    views
        Those not live on ``on`` say nothing.
    market
        Its covariance and cash rate.
    model
        Its strategic weights give classes their mix and imply the prior returns.
    on
        The day.
    trail
        What assets have done since: views with a stop or a take ask it.

    Returns
    -------
    Tilt
        Channel ``gain`` with one row a live view; a view whose leg has no strategic weight in the model is in
        ``dropped``.

    Raises
    ------
    ViewError
        A leg that is unknown, legs without risk, certain views (c = 1) that depend on each other, or a stop or take
        without a history to read it from.
    """
    strategic = model.vector(market.universe)
    live, legs, dropped = [], [], []
    for view in views:
        if not view.live(on):
            continue
        row, absent = _legs(view, market.universe, strategic)
        if view.confidence_on(on) < _FADED:
            dropped.append((view.id, "its confidence has faded to nothing"))
        elif absent:
            dropped.append((view.id, f"{absent} has no strategic weight in model {model.id}"))
        elif why := closed(view, row, trail, on) or _too_dear(view, row, market, model, on):
            dropped.append((view.id, why))
        else:
            live.append(view)
            legs.append(row)
    names = [view.id for view in live]
    if len(set(names)) < len(names):
        name = next(n for n in names if names.count(n) > 1)
        raise ViewError(
            f"two live views are called {name!r}",
            code="DUPLICATE_VIEW",
            table="views",
            field="view_id",
            value=name,
            mend="give each view its own id",
        )
    if not live:
        return Tilt(dropped=tuple(dropped))
    p = np.array(legs)
    prior = p @ market.risk.times(strategic)  # per unit of gamma
    over_prior = np.array([view.basis != "active" for view in live])
    rate = np.array(
        [market.cash_rate * row.sum() if view.basis == "total" else 0.0 for view, row in zip(live, p, strict=True)]
    )
    surprise = np.array([view.gain for view in live]) - rate
    sigma_p = market.risk.times(p)
    m = view_covariance(p, sigma_p, live, on)
    lambda_0, lambda_gamma = np.linalg.solve(m, np.array([surprise, -np.where(over_prior, prior, 0.0)]).T).T
    return Tilt(
        gain=lambda_0[:, None] * sigma_p,
        gain_per_aversion=lambda_gamma[:, None] * sigma_p,
        views=tuple(names),
        legs=p,
        life=float(np.mean([view.remaining_years(on) for view in live])),
        lambdas=tuple(float(x) for x in lambda_0 + model.risk_aversion * lambda_gamma),
        gains=tuple(view.gain for view in live),
        since=tuple(view.since.toordinal() if view.since else 0 for view in live),
        marks=tuple(view.mark for view in live),
        causes=tuple(Cause("gain", view.id, view.author, view.because, "view") for view in live),
        dropped=tuple(dropped),
    )


def _too_dear(view: View, row: np.ndarray, market: Market, model: Model, on: dt.date) -> str:
    expected = view.gain
    if view.basis != "active":
        expected -= model.risk_aversion * float(row @ market.risk.times(model.vector(market.universe)))
    if view.basis == "total":
        expected -= market.cash_rate * float(row.sum())
    return too_dear(view, expected, 2.0 * float(np.abs(row) @ market.costs.proportional), on)


def _legs(view: View, universe: Universe, strategic: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the row of ``P``, or the name of the leg that the model holds nothing of."""
    row = np.zeros(len(universe))
    try:
        legs = universe.legs(view.about)
    except ViewError as error:
        error.message = f"view {view.id!r}: {error.message}"
        error.table = "views"
        raise
    for size, name in legs:
        mix = universe.mix(name, strategic)
        if mix is None:
            return row, name
        row += size * mix
    return row, ""
