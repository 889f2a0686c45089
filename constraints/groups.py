"""How much of a class, a group or a factor a portfolio may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..units import FrozenMap, decimal, percent
from .limits import Context, Limit, Rate, check_range, ends, range_words, read_rates
from .terms import Rows


@dataclass(frozen=True)
class Group(Limit):
    """``least <= e'w <= most``, absolute or around strategic (``e'(w - b)``).

    ``e`` is 1 on the assets of ``on``, or the numbers of ``exposure`` by asset, class or group: a duration, a beta.

    >>> str(Group("equity", least=-0.05, most=0.05, around="strategic"))
    'equity stays between -5.00% and 5.00% around its strategic weight'
    >>> str(Group(exposure={"bonds": 7.0}, most=3.0, name="duration"))
    'the exposure duration is at most 3'
    """

    kind: ClassVar[str] = "group"
    shared: ClassVar[bool] = True
    on: str | tuple[str, ...] | None = None
    least: Rate | None = None
    most: Rate | None = None
    around: Literal["zero", "strategic"] = "zero"
    exposure: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "least", "most", least=-1e3, most=1e3)
        check_range(self, self.least, self.most)
        if self.around not in ("zero", "strategic"):
            raise self.error("around", self.around, "zero or strategic")
        if self.on is None and self.exposure is None:
            raise self.error("on", None, "name a class or group, or give an exposure by asset")
        if self.exposure is not None:
            try:
                exposure = {str(name): decimal(value) for name, value in dict(self.exposure).items()}
            except ValueError as error:
                raise self.error("exposure", self.exposure, str(error)) from None
            object.__setattr__(self, "exposure", FrozenMap(exposure))

    def terms(self, context: Context) -> tuple[Rows, ...]:
        """Return one row."""
        row = self.mask(context).astype(float)
        if self.exposure is not None:
            loading = np.zeros(len(row))
            for name, value in self.exposure.items():
                loading[self.members(context, name)] = value
            row = row * loading
        centre = np.einsum("n,...n->...", row, context.strategic)[..., None] if self.around == "strategic" else 0.0
        shape = (*np.shape(context.strategic)[:-1], 1)
        least, most = ends(self.least, self.most)
        lo, hi = np.broadcast_to(centre + least, shape), np.broadcast_to(centre + most, shape)
        return (Rows(row[None, :], lo, hi, (self.words_on() if self.on is not None else self.name,)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        what = self.words_on() if self.on is not None else f"the exposure {self.name}"
        words = range_words(self.least, self.most, percent if self.exposure is None else _plain)
        if self.around == "zero":
            return f"{what} is {words}"
        return f"{what} stays {words} around its strategic {'weight' if self.exposure is None else 'value'}"


def _plain(number: float) -> str:
    return f"{number:.6g}"
