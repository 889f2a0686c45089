"""How far a weight may drift from its tactical target before something is done about it.

::

    half-width   h  =  absolute        or        max(floor, relative * |t|)        below and above may differ
    band         t - h_low <= w <= t + h_high,   h times the tilt's multiplier, clipped to [least, most],
                 and no wider than the deviation limits: strategic - down <= t - h_low, t + h_high <= strategic + up
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ..units import decimal, percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Box, Rows, Term

Pair = Rate | tuple[Rate, Rate]
"""One half-width for both sides, or one below and one above."""
TRIFLE = 1e-9
"""A drift beyond the edge by less than this, decimal of NAV, is rounding and no breach."""


@dataclass(frozen=True)
class Band(Limit):
    """``t - low <= w <= t + high`` around the tactical target t, on each asset of ``on`` or on their sum.

    Parameters
    ----------
    absolute
        Half-width, decimal of NAV; a pair is below and above.
    relative, floor
        Instead of it: half-width as a part of ``|t|``, and no narrower than the floor: ``max(floor, relative * |t|)``.
        A weight of zero has a band of the floor, or none: holding any of it is a breach.
    least, most
        Between which half-widths stay, whatever the tilt's multipliers.
    of
        ``"each"`` asset of ``on``, or their ``"sum"``: a class or group as a whole.
    use
        ``"trigger"`` asks for a rebalance where it is left, ``"constraint"`` keeps the new weights inside, ``"both"``.
    inner
        Part of the half-width to which the destination ``edge`` brings back what has left the band: 1 is the edge, 0
        the target; a pair is below and above.

    >>> str(Band("3%"))
    'each asset that drifts from its tactical target by more than 3.00% is brought back'
    """

    kind: ClassVar[str] = "band"
    absolute: Pair | None = None
    relative: Pair | None = None
    floor: Rate | None = None
    least: Rate = 0.0
    most: Rate | None = None
    of: Literal["each", "sum"] = "each"
    use: Literal["trigger", "constraint", "both"] = "trigger"
    inner: Pair = 1.0

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        for name in ("absolute", "relative", "inner"):
            _read_pair(self, name, most=10.0 if name == "relative" else 1.0)
        read_rates(self, "floor", "least", "most")
        if (self.absolute is None) == (self.relative is None):
            raise self.error("absolute", self.absolute, "give absolute, or relative with or without a floor")
        if self.floor is not None and self.relative is None:
            raise self.error("floor", self.floor, "a floor is of a relative band; an absolute one needs none")
        if self.most is not None and decimal(self.most) < decimal(self.least):
            raise self.error("least", self.least, f"at most {self.most}")
        if self.of not in ("each", "sum"):
            raise self.error("of", self.of, "each or sum")
        if self.of == "sum" and self.on is None:
            raise self.error("on", None, "name a class or group whose sum has a band")
        if self.use not in ("trigger", "constraint", "both"):
            raise self.error("use", self.use, "trigger, constraint or both")
        if self.grandfather:
            raise self.error("grandfather", True, "false: who has drifted outside a band is to come back")

    @property
    def triggers(self) -> bool:
        """Whether leaving it asks for a rebalance."""
        return self.use != "constraint"

    @property
    def binds(self) -> bool:
        """Whether new weights have to be inside."""
        return self.use != "trigger"

    def terms(self, context: Context) -> tuple[Term, ...]:
        """Return the band as a term where it binds; none where it only triggers.

        Nor is there any around a target that is not a number: nobody may be solved then, and ``solve`` says so.
        """
        unknown = context.tactical is not None and np.isnan(context.tactical).any()
        return (self.around(context),) if self.binds and not unknown else ()

    def around(self, context: Context, low: np.ndarray | float = 1.0, high: np.ndarray | float = 1.0) -> Box | Rows:
        """Return the band around the tactical target as a term, its half-widths times ``low`` and ``high``.

        Raises
        ------
        PolicyError
            The tactical target is not known.
        """
        if context.tactical is None:
            raise self.error("use", self.use, "a tactical target to measure from: there is none here")
        drifted = self.read(context)
        lo, hi = drifted.target - low * drifted.low, drifted.target + high * drifted.high
        if self.of == "sum":
            return Rows(self.mask(context).astype(float)[None, :], lo, hi, (self.words_on(),))
        mask = self.mask(context)
        return Box(np.where(mask, lo, -np.inf), np.where(mask, hi, np.inf))

    def read(self, context: Context) -> Drift:
        """Return where the weights stand in the band, shape (..., q): an entry an asset, or one for the sum."""
        mask, tactical = self.mask(context), np.asarray(context.tactical)
        target, current = self._of(tactical, mask), self._of(context.current, mask)
        lo, hi = (self._of(side, mask) for side in context.fence) if context.fence is not None else (-np.inf, np.inf)
        low, high = (self._width(target, k, self._multiplier(context, k, mask)) for k in (0, 1))
        low = np.minimum(low, np.maximum(target - lo, 0.0))
        high = np.minimum(high, np.maximum(hi - target, 0.0))
        there = mask if self.of == "each" else np.ones(1, dtype=bool)
        labels = context.market.universe.assets if self.of == "each" else (self.words_on(),)
        return Drift(labels, there, target, low, high, current - target)

    def _of(self, weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return weights if self.of == "each" else np.where(mask, weights, 0.0).sum(-1, keepdims=True)

    def _multiplier(self, context: Context, side: int, mask: np.ndarray) -> np.ndarray:
        """Return the tilt's multiplier of each asset, or the mean of those in a sum."""
        each = np.broadcast_to(context.widening[side], mask.shape)
        return each if self.of == "each" else each[mask].mean(keepdims=True)

    def _width(self, target: np.ndarray, side: int, multiplier: np.ndarray) -> np.ndarray:
        """Return the half-width on one side: 0 is below, 1 above."""
        if self.absolute is not None:
            own = np.full_like(target, _pair(self.absolute)[side])
        else:
            own = _pair(self.relative)[side] * np.abs(target)
            own = own if self.floor is None else np.maximum(own, decimal(self.floor))
        return np.clip(own * multiplier, decimal(self.least), np.inf if self.most is None else decimal(self.most))

    def __str__(self) -> str:
        """Say it as a committee would."""
        what = f"the sum of {self.words_on()}" if self.of == "sum" else self.words_on()
        if self.absolute is not None:
            widths = _words(self.absolute)
        else:
            widths = f"{_words(self.relative)} of it"
            widths += "" if self.floor is None else f", and by more than {percent(decimal(self.floor))},"
        stays = {"trigger": "is brought back", "constraint": "may not stay there", "both": "has to be brought back"}
        return f"{what} that drifts from its tactical target by more than {widths} {stays[self.use]}"


@dataclass(frozen=True, eq=False)
class Drift:
    """Where weights stand in a band, shapes (..., q): target, half-widths, and how far the weights are from the target.

    ``there`` marks what the band is on, shape (q,).
    """

    labels: tuple[str, ...]
    there: np.ndarray
    target: np.ndarray
    low: np.ndarray
    high: np.ndarray
    drift: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """The half-width on the side of the drift."""
        return np.where(self.drift < 0, self.low, self.high)

    @property
    def left(self) -> np.ndarray:
        """Whether the band is left, by more than rounding."""
        return self.there & ~(np.abs(self.drift) <= self.width + TRIFLE)

    @property
    def used(self) -> np.ndarray:
        """The drift as a part of the half-width: above 1 the band is left; a band without width is used up or not."""
        size, width = np.abs(self.drift), self.width
        share = np.divide(size, width, out=np.where(size > TRIFLE, np.inf, 0.0), where=width > TRIFLE)
        return np.where(self.there, share, 0.0)


def face(context: Context, tactical: np.ndarray, box: Box, deviations: Box) -> Context:
    """Give a context its tactical target, clipped into the account's own box, and what deviation limits leave to bands.

    ``box`` is what the account's limits leave of each weight: an asset that may not be traded has not drifted.
    """
    clipped = np.minimum(np.maximum(tactical, box.lo), box.hi)
    return replace(context, tactical=clipped, fence=(deviations.lo, deviations.hi))


def _read_pair(limit: Band, name: str, most: float) -> None:
    value = getattr(limit, name)
    if not isinstance(value, (tuple, list)):
        read_rates(limit, name, most=most)
        return
    if len(value) != 2:
        raise limit.error(name, value, "one number, or two: below and above")
    numbers = []
    for one in value:
        try:
            numbers.append(decimal(one))
        except ValueError as error:
            raise limit.error(name, value, str(error)) from None
        if not 0.0 <= numbers[-1] <= most:
            raise limit.error(name, value, f"between 0 and {most:g}, a decimal: 0.05 for 5%")
    object.__setattr__(limit, name, tuple(numbers))


def _pair(value: Pair | None) -> tuple[float, float]:
    low, high = value if isinstance(value, tuple) else (value, value)
    return decimal(low), decimal(high)


def inner_parts(band: Band) -> tuple[float, float]:
    """Return the parts of the half-widths, below and above, to which the destination ``edge`` brings back."""
    return _pair(band.inner)


def _words(value: Pair | None) -> str:
    low, high = _pair(value)
    return percent(low) if low == high else f"{percent(low)} below or {percent(high)} above"
