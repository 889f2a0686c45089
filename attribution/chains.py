"""The portfolios that stand between strategic weights and what an account held: one for each decision on the way.

::

    b  strategic     the benchmark
    t  tactical      today's tactical target; t - b is split by view, rule, overlay and shift
    t0 decided       the tactical target at the last decision
    p  ideal         the account's best weights at that decision, at a full pace; p - t0 may be split by limit
    f  phased        as far as phases and paces let it go that day
    q  target        whole lots, no small trades
    x  filled        after the fills
    w  held          at the start of the period, drifted since

A :class:`Chain` holds them for every period of a history, with what the assets returned, what trading cost and what the
account earned by its own money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..errors import InputError
from ..units import FrozenMap, did_you_mean

STAGES = ("strategic", "tactical", "decided", "ideal", "phased", "target", "filled", "held")
_WHOLE = 1e-6
_SPLIT = 1e-12
_ROUNDING = 1e-15


@dataclass(frozen=True)
class Origin:
    """Who a part of the beliefs comes from; where it is one signal's part of a view, which signal and which view."""

    kind: str = ""
    author: str = ""
    signal: str = ""
    part_of: str = ""


@dataclass(frozen=True, eq=False)
class Chain:
    """The portfolios of an account by period: T periods, n assets.

    Parameters
    ----------
    name
        Whose they are.
    periods
        The end of each period.
    assets
        Their ids, the cash among them.
    weights
        Shape (T, 8, n), in the order of :data:`STAGES`, as they stand at the start of each period.
    returns, own
        Of the assets over each period, and of the account's own holdings of each; the same by default. Decimals,
        shape (T, n).
    costs
        What trading took from the return of each period, by the asset traded, decimals, shape (T, n).
    nav
        Money at the start of each period; the weight of the account in a composite.
    earned
        The account's return after costs by its own money, shape (T,); by default what weights, returns and costs say.
    beliefs
        Parts of t - b, shape (T, n) each. What they leave is a part of its own.
    holds
        Parts of p - t0, likewise.
    reference
        Weights that the benchmark itself is judged against, shape (T, n).
    regimes
        The state of each period; empty where none is known.
    origins, classes
        Who each belief comes from; the class of each asset.
    apart
        The largest weight between the portfolios that were recorded and the ones replayed.

    Raises
    ------
    InputError
        Shapes that do not match, numbers that are not finite, weights that do not sum to 1.
    """

    name: str
    periods: pd.Index
    assets: tuple[str, ...]
    weights: np.ndarray
    returns: np.ndarray
    own: np.ndarray | None = None
    costs: np.ndarray | None = None
    nav: np.ndarray | None = None
    earned: np.ndarray | None = None
    beliefs: Mapping[str, np.ndarray] = field(default_factory=FrozenMap)
    holds: Mapping[str, np.ndarray] = field(default_factory=FrozenMap)
    reference: np.ndarray | None = None
    regimes: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=FrozenMap)
    classes: Mapping[str, str] = field(default_factory=FrozenMap)
    apart: float = 0.0

    def __post_init__(self) -> None:
        """Fill in what was left out, and check the rest."""
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        t, n = len(self.periods), len(self.assets)
        if not t or not n:
            raise InputError("a chain has no periods", code="EMPTY_TABLE", field="periods", mend="one at least")
        put("own", self.returns if self.own is None else self.own)
        put("costs", np.zeros((t, n)) if self.costs is None else self.costs)
        put("nav", np.ones(t) if self.nav is None else self.nav)
        put("regimes", self.regimes or ("",) * t)
        shapes = {"weights": (t, len(STAGES), n), "returns": (t, n), "own": (t, n), "costs": (t, n), "nav": (t,)}
        shapes |= {name: (t, n) for name in ("reference",) if self.reference is not None}
        for name, shape in shapes.items():
            put(name, _array(name, getattr(self, name), shape))
        for name in ("beliefs", "holds"):
            put(name, FrozenMap({k: _array(k, v, (t, n)) for k, v in getattr(self, name).items()}))
        for name in ("weights", "reference"):
            _check_whole(name, getattr(self, name))
        money = (self.weights[:, -1] * self.own).sum(-1) - self.costs.sum(-1)  # pyright: ignore
        put("earned", money if self.earned is None else _array("earned", self.earned, (t,)))

    def stage(self, name: str) -> pd.DataFrame:
        """Return the weights of one stage, periods by assets."""
        if name not in STAGES:
            raise InputError(
                f"there is no stage {name!r}", code="UNKNOWN_STAGE", field="stage", value=name,
                mend=did_you_mean(name, STAGES) or f"one of {', '.join(STAGES)}",
            )  # fmt: skip
        return pd.DataFrame(self.weights[:, STAGES.index(name)], self.periods, list(self.assets))

    def between(self, start: object = None, end: object = None) -> Chain:
        """Return the periods that end after ``start`` and not after ``end``."""
        kept = np.ones(len(self.periods), dtype=bool)
        kept &= True if start is None else self.periods > start  # pyright: ignore[reportOperatorIssue]
        kept &= True if end is None else self.periods <= end  # pyright: ignore[reportOperatorIssue]
        if not kept.any():
            raise InputError(
                f"{self.name} has no period after {start or 'the start'} up to {end or 'the end'}", code="NO_SESSION",
                field="start", value=start, mend=f"its periods end from {self.periods[0]} to {self.periods[-1]}",
            )  # fmt: skip
        cut = lambda parts: {k: v[kept] for k, v in parts.items()}  # noqa: E731
        rows = [self.weights, self.returns, self.own, self.costs, self.nav, self.earned]
        weights, returns, own, costs, nav, earned = (x[kept] for x in rows)  # pyright: ignore
        return Chain(
            self.name, self.periods[kept], self.assets, weights, returns, own, costs, nav, earned, cut(self.beliefs),
            cut(self.holds), None if self.reference is None else self.reference[kept],
            tuple(np.array(self.regimes, dtype=object)[kept]), self.origins, self.classes, self.apart,
        )  # fmt: skip


def chain(
    name: str,
    stages: Mapping[str, pd.DataFrame],
    returns: pd.DataFrame,
    *,
    beliefs: Mapping[str, pd.DataFrame] | None = None,
    holds: Mapping[str, pd.DataFrame] | None = None,
    own: pd.DataFrame | None = None,
    costs: pd.DataFrame | None = None,
    nav: pd.Series | None = None,
    earned: pd.Series | None = None,
    reference: pd.DataFrame | None = None,
    regimes: Sequence[str] = (),
    origins: Mapping[str, Origin] | None = None,
    classes: Mapping[str, str] | None = None,
) -> Chain:
    """Make a chain of frames, periods by assets, all with the index and columns of ``returns``.

    ``strategic`` and ``held`` are needed. A stage that is left out is the one after it: its decision then did nothing,
    and what it did stands with the one before.

    >>> weights = {"strategic": [0.6, 0.4], "tactical": [0.7, 0.3], "held": [0.68, 0.32]}
    >>> frame = lambda row: pd.DataFrame([row], index=[1], columns=["EQ", "BD"])
    >>> made = chain("one", {k: frame(v) for k, v in weights.items()}, frame([0.05, 0.01]))
    >>> made.stage("ideal").round(2).to_dict("records")
    [{'EQ': 0.68, 'BD': 0.32}]
    """
    for name_ in ("strategic", "held"):
        if name_ not in stages:
            raise InputError(
                f"the stage {name_!r} is missing", code="MISSING_STAGE", field="stages", mend="strategic and held"
            )
    strange = next((each for each in stages if each not in STAGES), None)
    if strange is not None:
        raise InputError(
            f"there is no stage {strange!r}", code="UNKNOWN_STAGE", field="stages", value=strange,
            mend=did_you_mean(strange, STAGES) or f"one of {', '.join(STAGES)}",
        )  # fmt: skip
    frames: dict[str, pd.DataFrame] = {}
    for each in reversed(STAGES):
        frames[each] = stages[each] if each in stages else frames[STAGES[STAGES.index(each) + 1]]
    every = {**frames, **(beliefs or {}), **(holds or {}), "own": own, "costs": costs, "reference": reference}
    for label, frame in every.items():
        if frame is not None and not (frame.index.equals(returns.index) and frame.columns.equals(returns.columns)):
            raise InputError(
                f"{label} has other periods or assets than the returns", code="LENGTH", field=label,
                value=frame.shape, mend="the index and the columns of the returns",
            )  # fmt: skip
    bare = lambda frame: None if frame is None else frame.to_numpy(dtype=float)  # noqa: E731
    parts = lambda given: {k: v.to_numpy(dtype=float) for k, v in (given or {}).items()}  # noqa: E731
    return Chain(
        name, returns.index, tuple(map(str, returns.columns)),
        np.stack([frames[each].to_numpy(dtype=float) for each in STAGES], 1), returns.to_numpy(dtype=float),
        bare(own), bare(costs),
        bare(nav), bare(earned), parts(beliefs), parts(holds), bare(reference), tuple(regimes),
        FrozenMap(origins or {}), FrozenMap(classes or {}),
    )  # fmt: skip


def split_by_signal(
    beliefs: Mapping[str, np.ndarray], origins: Mapping[str, Origin], shares: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[dict[str, np.ndarray], dict[str, Origin]]:
    """Split beliefs into the parts of their signals; what no signal accounts for keeps the belief's name.

    A view is linear in the scores it is made of, and so is the way to the tactical target in the view: the parts are
    those that leg 1 would tell of each signal by itself.

    Parameters
    ----------
    beliefs, origins
        Parts of t - b, shape (T, n), by name; and who they come from.
    shares
        By belief and signal: its part of the belief in each period, shape (T,), of any sign; zero where there is none.

    >>> shares = {"view v": {"trend": np.array([1.5])}}
    >>> parts, origins = split_by_signal({"view v": np.array([[0.1, -0.1]])}, {}, shares)
    >>> {name: part.round(3).tolist() for name, part in parts.items()}
    {'view v: trend': [[0.15, -0.15]], 'view v': [[-0.05, 0.05]]}
    """
    parts, told = {}, dict(origins)
    for name, whole in beliefs.items():
        left, origin = np.array(whole, dtype=float), origins.get(name, Origin())
        for signal, share in shares.get(name, {}).items():
            own = share[:, None] * whole
            if own.any():
                parts[f"{name}: {signal}"] = own
                told[f"{name}: {signal}"] = replace(origin, signal=signal, part_of=name)
                left = left - own
        if not shares.get(name) or np.abs(left).max(initial=0.0) > _ROUNDING:
            parts[name] = left
    return parts, told


def with_rest(parts: Mapping[str, np.ndarray], whole: np.ndarray, rest: str) -> dict[str, np.ndarray]:
    """Return parts that sum to the whole: what they leave out is the part ``rest``."""
    left = whole - sum(parts.values(), np.zeros_like(whole))
    told = dict(parts)
    if not parts or np.abs(left).max(initial=0.0) > _SPLIT:
        told[rest] = told.get(rest, np.zeros_like(whole)) + left
    return told


def _array(name: str, values: object, shape: tuple[int, ...]) -> np.ndarray:
    found = np.array(values, dtype=float)
    if found.shape != shape:
        raise InputError(
            f"{name} has the shape {found.shape}, not {shape}", code="LENGTH", field=name, value=found.shape,
            mend="a row a period, a column an asset",
        )  # fmt: skip
    if not np.isfinite(found).all():
        raise InputError(f"a number of {name} is missing", code="BAD_HISTORY", field=name, mend="finite decimals")
    found.setflags(write=False)
    return found


def _check_whole(name: str, weights: np.ndarray | None) -> None:
    if weights is None:
        return
    off = np.abs(weights.sum(-1) - 1.0)
    if off.max() > _WHOLE:
        raise InputError(
            f"{name} sum to {1.0 + off.max():.10g} or as far below 1", code="WEIGHTS_SUM", field=name,
            value=off.max(), mend="decimals that sum to 1, cash included",
        )  # fmt: skip
