"""How long an account may lean on an asset before it has to come back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..errors import PolicyError
from ..models.histories import YEAR
from ..models.positions import Clocks
from ..units import did_you_mean, percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Box
from .turnovers import Turnover

SHAPES = ("linear", "exponential", "steps")
_STEEP = 3.0
"""How steep the exponential way back is: at its half 18 % are left."""


@dataclass(frozen=True)
class TimeLimit(Limit):
    """A tactical position lives ``life_days``; over the last ``reversion_days`` of them it is led back to strategic.

    A position is an asset and a side of ``a = w - b``; the cash has none. It opens when a trade leaves ``|a|`` above
    ``open_at`` and closes below ``close_at``. Of age t, with ``x = (t - (life - reversion)) / reversion`` in [0, 1]::

        |a| <= max(delta rho(x), close_at, one lot)      on that side, while x > 0

    where delta is the deviation limit or, without one, ``|a|`` when reversion starts, and rho is ``1 - x`` (linear),
    ``(e^-3x - e^-3) / (1 - e^-3)`` (exponential) or ``1 - ceil(kx)/k`` (steps, k of them). Expired, the side rests
    ``rest_days`` (the life, by default) at rho = 0, or until a view that is live since a later day than the end pushes
    to that side. An approved extension moves the end. A position that is being led
    back keeps its clock to the end even where it falls below ``close_at``: closing it and opening it again would win
    another life.

    >>> str(TimeLimit(180, 30))
    'each asset: no tilt lives longer than 180 days; it is led back over the last 30 (linear) and rests 180'
    """

    kind: ClassVar[str] = "time_limit"
    life_days: int = 0
    reversion_days: int = 0
    shape: Literal["linear", "exponential", "steps"] = "linear"
    steps: int = 4
    open_at: Rate = 0.005
    close_at: Rate = 0.001
    rest_days: int | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "open_at", "close_at")
        whole = "a whole number of days"
        for name, least in (("life_days", 1), ("reversion_days", 1), ("rest_days", 0), ("steps", 1)):
            value = getattr(self, name)
            if value is None and name == "rest_days":
                value = self.life_days
                object.__setattr__(self, name, value)
            if isinstance(value, bool) or not isinstance(value, int) or value < least or value > 36500:
                raise self.error(name, value, f"{whole if name != 'steps' else 'a whole number'}, at least {least}")
        if self.reversion_days > self.life_days:
            raise self.error("reversion_days", self.reversion_days, f"at most life_days, {self.life_days}")
        if self.shape not in SHAPES:
            raise self.error("shape", self.shape, did_you_mean(self.shape, SHAPES) or f"one of {', '.join(SHAPES)}")
        if float(self.close_at) > float(self.open_at):
            raise self.error("close_at", self.close_at, f"at most open_at, {self.open_at}")
        if self.tier or self.grandfather:
            raise self.error("tier", self.tier, "0 and no grandfathering: a time limit never gives way")
        if self.when:
            raise self.error("when", self.when, "leave it out: a clock does not stop")

    def tilts(self, context: Context) -> np.ndarray:
        """Return the mask of the assets whose positions it times, shape (n,): those of ``on`` but the cash."""
        mask = self.mask(context)
        mask[context.market.universe.cash] = False
        return mask

    def end(self, clocks: Clocks) -> np.ndarray:
        """Return the day on which each position expires, NaN for none."""
        return np.fmax(clocks.opened + self.life_days, clocks.until)

    def elapsed(self, clocks: Clocks, day: int) -> np.ndarray:
        """Return x, how much of the way back is over, 0 before it begins and 1 from its end on; NaN for none."""
        return np.clip((day - (self.end(clocks) - self.reversion_days)) / self.reversion_days, 0.0, 1.0)

    def rho(self, x: np.ndarray | float) -> np.ndarray:
        """Return what is left of delta, 1 at x = 0 and 0 at x = 1."""
        x = np.asarray(x, dtype=float)
        if self.shape == "linear":
            return 1.0 - x
        if self.shape == "exponential":
            return (np.exp(-_STEEP * x) - math.exp(-_STEEP)) / (1.0 - math.exp(-_STEEP))
        return 1.0 - np.ceil(self.steps * x - 1e-9) / self.steps  # a step is taken when it is complete, not a bit later

    @property
    def steepest(self) -> float:
        """The largest part of delta that one day takes back."""
        days = np.arange(self.reversion_days + 1) / self.reversion_days
        return float(-np.diff(self.rho(days)).min())

    def timed(self, context: Context) -> np.ndarray:
        """Return the mask of positions whose clock runs or that rest, shape (..., 2, n)."""
        if context.clocks is None:
            return np.zeros((2, len(context.market.universe)), dtype=bool)
        end = self.end(context.clocks)
        # Who was never seen back after the end does not rest: it is led back however long ago that was.
        over = (context.day >= end + max(self.rest_days or 0, 1)) | (context.newest > end)
        over &= context.clocks.rested
        return self.tilts(context) & ~np.isnan(end) & ~over

    def bases(self, context: Context) -> np.ndarray:
        """Return delta: the deviation limit, or what reversion started from, shape (..., 2, n)."""
        clocks, active = context.clocks, context.current - context.strategic
        lean = np.maximum(np.stack([-active, active], axis=-2), 0.0)
        started = lean if clocks is None else np.where(np.isnan(clocks.base), lean, clocks.base)
        return np.where(np.isfinite(context.leeway), context.leeway, started)

    def allowed(self, context: Context) -> np.ndarray:
        """Return how far each side may lean today, shape (..., 2, n), infinite where no reversion has begun."""
        shape = (*np.shape(context.strategic)[:-1], 2, np.shape(context.strategic)[-1])
        if context.clocks is None:
            return np.full(shape, np.inf)
        timed, x = self.timed(context), np.nan_to_num(self.elapsed(context.clocks, context.day))
        least = np.maximum(float(self.close_at), context.lot_of_sides)
        return np.where(timed & (x > 0), np.maximum(self.bases(context) * self.rho(x), least), np.inf)

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box, or nothing where nobody has a position."""
        if context.clocks is None:
            return ()
        allowed = self.allowed(context)
        return (Box(context.strategic - allowed[..., 0, :], context.strategic + allowed[..., 1, :]),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        how = f"{self.steps} steps" if self.shape == "steps" else self.shape
        return (
            f"{self.words_on()}: no tilt lives longer than {self.life_days} days; it is led back over the last "
            f"{self.reversion_days} ({how}) and rests {self.rest_days}"
        )


def list_time_limits(limits: Iterable[Limit]) -> tuple[TimeLimit, ...]:
    """Return the time limits among limits."""
    return tuple(limit for limit in limits if isinstance(limit, TimeLimit))


def check_clocks(limits: tuple[Limit, ...], context: Context, *, long_only: bool) -> None:
    """Refuse time limits that meet on an asset, and turnover limits of tier 0 that could not pay for reversion.

    ``context`` is of a model at rest, with the leeway of the deviation limits. On the worst day the largest tilts that
    these allow together are all taken back by the steepest day of their way. Tracking error and groups are not counted.

    Raises
    ------
    PolicyError
        With the arithmetic.
    """
    timed = list_time_limits(limits)
    covered = np.zeros(len(context.market.universe), dtype=bool)
    for limit in timed:
        twice = covered & limit.tilts(context)
        if twice.any():
            asset = context.market.universe.assets[int(np.argmax(twice))]
            raise limit.error("on", limit.on, f"{asset} already has a time limit: leave it out of one of them")
        covered |= limit.tilts(context)
    if timed:
        room = _rooms(context, long_only=long_only)
        for cap in (limit for limit in limits if isinstance(limit, Turnover) and not limit.tier):
            _check_payable(cap, timed, context, room)


def _rooms(context: Context, *, long_only: bool) -> np.ndarray:
    """Return how far below and above strategic each asset can be at all, shape (2, n)."""
    b = context.strategic
    bounds = np.stack([b, 1.0 - b]) if long_only else np.ones((2, len(b)))
    return np.minimum(np.maximum(bounds, 0.0), context.leeway)


def _check_payable(cap: Turnover, timed: tuple[TimeLimit, ...], context: Context, room: np.ndarray) -> None:
    steep, most = np.zeros(len(context.strategic)), np.zeros(len(context.strategic))
    for limit in timed:
        mask = limit.tilts(context) & cap.mask(context)
        steep[mask] = limit.steepest
        # There and back, as often as lives fit into a year.
        most[mask] = 2.0 * math.ceil(YEAR / (limit.life_days + (limit.rest_days or 0)))
    for each, bound, what, often in (
        (steep, cap.most, "most", "on one day"),
        (most, cap.per_year, "per_year", "in a year, opening them included"),
    ):
        if bound is None or not each.any():
            continue
        need = max(_tilted(each, room[s], room[1 - s]) for s in (0, 1))
        if need <= float(bound) * (1 + 1e-9):
            continue
        tilted = max(_tilted((each > 0).astype(float), room[s], room[1 - s]) for s in (0, 1))
        raise PolicyError(
            f"limit {cap.name!r} of {percent(float(bound))} could not pay for reversion: up to {percent(tilted)} "
            f"of tilts, led back together, take {percent(need)} {often}",
            code="UNPAYABLE",
            table="policy",
            field=what,
            value=bound,
            mend=f"raise {what} to {percent(math.ceil(need * 1e4 - 1e-6) / 1e4)}, give {cap.name!r} a tier of 1 or "
            "more, tighten the deviations, or lengthen reversion_days",
        )


def _tilted(worth: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest ``sum worth_i a_i`` of tilts to one side, when as much is tilted to the other.

    An asset is above strategic or below it: a share f of each asset's room to the one side leaves 1 - f of its room to
    the other, a knapsack whose relaxation takes assets by worth per weight.
    """
    weight = one + other
    rate = np.divide(worth * one, weight, out=np.zeros_like(one), where=weight > 0)
    order = np.argsort(-rate, kind="stable")
    before = np.cumsum(weight[order]) - weight[order]
    taken = np.clip(other.sum() - before, 0.0, weight[order])
    return float(rate[order] @ taken)
