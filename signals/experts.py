"""Several people's views on one subject as one view: nobody counts twice for saying what another says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ..errors import SignalError
from ..models.universes import Universe
from ..models.views import View
from ..units import percent
from .combinations import pool_normals, stated_worth
from .subjects import direction


def pool_views(
    views: Sequence[View],
    universe: Universe,
    variance: float,
    *,
    on: dt.date,
    how: Literal["linear", "logarithmic"] = "logarithmic",
    weights: Mapping[str, float] | None = None,
    name: str = "",
) -> View | None:
    """Return one view that stands for those of several experts on one subject; None where none is live.

    A view of confidence c is a normal distribution of its gain with variance ``(1 - c)/c * v``, ``v`` the variance of
    its legs (Idzorek, 2004), so the pool of the distributions is a view again: of gain m and confidence
    ``v / (v + s^2)``. The linear pool loses confidence where experts disagree, the logarithmic one leans to the surer.

    Parameters
    ----------
    views
        On one subject: the same legs, multiples of them or the opposite ones; of one basis.
    variance
        Annual variance of the legs of the first, above 0.
    on
        The day: what is not live then is left out.
    how
        Which pool.
    weights
        By the id of a view; all alike without them.
    name
        Of the pooled view; that of the first when empty.

    Raises
    ------
    SignalError
        Views on other legs or of another basis, weights of nobody.

    >>> u = Universe(("SPY", "IEF"), ("equity", "bonds"))
    >>> two = View("SPY - IEF", 0.02, 0.5, author="A"), View("IEF - SPY", -0.04, 0.5, author="B", id="other")
    >>> pooled = pool_views(two, u, 0.02, on=dt.date(2026, 1, 2))
    >>> round(pooled.gain, 12), pooled.confidence, pooled.author
    (0.03, 0.5, 'A, B')
    """
    live = [view for view in views if view.live(on)]
    if not live:
        return None
    first = live[0]
    sides = [_side(first, view, universe) for view in live]
    if not variance > 0:
        raise _error("the legs carry no risk", "about", first.about, "name legs that differ")
    names = tuple(view.id for view in live)
    shares = None if weights is None else stated_worth({k: w for k, w in weights.items() if k in names}, names)
    odds = np.array([(1 - view.confidence_on(on)) / view.confidence_on(on) for view in live])
    gains = np.array([side * view.gain for side, view in zip(sides, live, strict=True)])
    gain, unsure = pool_normals(gains, odds * variance, shares, how)
    return View(
        first.about,
        gain,
        variance / (variance + unsure),
        since=max((view.since for view in live if view.since), default=None),
        until=min((view.until for view in live if view.until), default=None),
        author=", ".join(dict.fromkeys(view.author for view in live if view.author)),
        because="; ".join(
            f"{view.author or view.id} {percent(g)} at {view.confidence_on(on):.2f}"
            for view, g in zip(live, gains.tolist(), strict=True)
        ),
        basis=first.basis,
        id=name or first.id,
    )


def _side(first: View, view: View, universe: Universe) -> float:
    side = direction(first.about, view.about, universe)
    if side == 0.0:
        raise _error(f"{view.id!r} is not on the legs of {first.id!r}", "about", view.about, "one subject")
    if view.basis != first.basis:
        raise _error(f"{view.id!r} is {view.basis}, {first.id!r} {first.basis}", "basis", view.basis, "one basis")
    # A multiple of the legs gains that multiple: it is brought to the size of the first.
    return side * _size(first, universe) / _size(view, universe)


def _size(view: View, universe: Universe) -> float:
    return float(sum(abs(size) for size, _ in universe.legs(view.about)))


def _error(words: str, field: str, value: object, mend: str) -> SignalError:
    return SignalError(words, code="BAD_POOL", table="views", field=field, value=value, mend=mend)
