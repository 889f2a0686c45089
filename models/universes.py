"""The assets, their classes and groups, in the one order of every vector."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import MarketError, ViewError
from ..units import FrozenMap, did_you_mean

_TERM = re.compile(r"(?:(?P<number>\d+\.?\d*|\.\d+)\*)?(?P<name>.+)")


@dataclass(frozen=True)
class Universe:
    """Assets in the order of every vector; exactly one of them is *the* cash.

    Parameters
    ----------
    assets
        Ids, each once. Text: ``"007"`` is not ``"7"``.
    classes
        The asset class of each; ``"cash"`` marks the cash. If no asset is cash, ``"CASH"`` is added at the end.
    groupings
        Further labels by grouping (``{"region": ("US", "US", "")}``), an empty text for none.

    Raises
    ------
    MarketError
        Two cash assets, an id twice, or a name that would mean two different sets of assets.

    >>> u = Universe(("SPY", "TLT"), ("equity", "bonds"))
    >>> u.assets, u.cash
    (('SPY', 'TLT', 'CASH'), 2)
    """

    assets: tuple[str, ...]
    classes: tuple[str, ...]
    groupings: Mapping[str, tuple[str, ...]] = field(default_factory=FrozenMap)

    def __post_init__(self) -> None:
        """Check the ids, add the cash if absent, and refuse names of two meanings."""
        assets, classes = tuple(self.assets), tuple(self.classes)
        groupings = {name: tuple(labels) for name, labels in dict(self.groupings).items()}
        for column, labels in (("asset_class", classes), *groupings.items()):
            if len(labels) != len(assets):
                raise MarketError(
                    f"{len(assets)} assets have {len(labels)} labels of {column}",
                    code="LENGTH",
                    table="assets",
                    field=column,
                    mend="one label an asset, empty where it has none",
                )
        for column, labels in (("asset_id", assets), ("asset_class", classes), *groupings.items()):
            for label in labels:
                _check_id(label, column, empty=column in groupings)
        twice = sorted({a for a in assets if assets.count(a) > 1}) if len(set(assets)) < len(assets) else []
        if twice:
            raise MarketError(
                f"asset {twice[0]!r} occurs twice",
                code="DUPLICATE_ASSET",
                table="assets",
                field="asset_id",
                value=twice[0],
                mend="keep one row an asset",
            )
        cash = [a for a, kind in zip(assets, classes, strict=True) if kind == "cash"]
        if len(cash) > 1:
            raise MarketError(
                f"assets {cash} are all of class cash",
                code="TWO_CASH",
                table="assets",
                field="asset_class",
                value=cash[1],
                mend="mark one as cash; a money-market fund is an asset with a variance",
            )
        if not cash:
            if "CASH" in assets:
                raise MarketError(
                    "asset 'CASH' exists but is not of class cash",
                    code="TWO_CASH",
                    table="assets",
                    field="asset_class",
                    value="CASH",
                    mend="give it the class cash",
                )
            assets, classes = (*assets, "CASH"), (*classes, "cash")
            groupings = {name: (*labels, "") for name, labels in groupings.items()}
        object.__setattr__(self, "assets", assets)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "groupings", FrozenMap(groupings))
        _ = self._sets  # builds and checks every name once

    @cached_property
    def cash(self) -> int:
        """The position of the cash."""
        return self.classes.index("cash")

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Position of each asset."""
        return FrozenMap({asset: i for i, asset in enumerate(self.assets)})

    def __len__(self) -> int:
        """Count the assets, cash included."""
        return len(self.assets)

    @cached_property
    def _sets(self) -> Mapping[str, tuple[int, ...]]:
        """What each name (asset, class, group) stands for."""
        sets: dict[str, tuple[int, ...]] = {asset: (i,) for i, asset in enumerate(self.assets)}
        for column, labels in (("asset_class", self.classes), *self.groupings.items()):
            for label in dict.fromkeys(labels):
                members = tuple(i for i, own in enumerate(labels) if own == label)
                if not label:
                    continue
                if sets.setdefault(label, members) != members:
                    raise MarketError(
                        f"the name {label!r} means two different sets of assets",
                        code="NAME_TWICE",
                        table="assets",
                        field=column,
                        value=label,
                        mend="rename the group",
                    )
        return FrozenMap(sets)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a view, limit or shock may use."""
        return tuple(self._sets)

    def members(self, name: str) -> np.ndarray:
        """Return the boolean mask of an asset, class or group; raise ``MarketError`` for an unknown name."""
        if name not in self._sets:
            raise MarketError(
                f"{name!r} is no asset, class or group",
                code="UNKNOWN_NAME",
                field="on",
                value=name,
                mend=did_you_mean(name, self.names) or f"known: {', '.join(self.names)}",
            )
        mask = np.zeros(len(self), dtype=bool)
        mask[list(self._sets[name])] = True
        return mask

    def select(self, on: str | Sequence[str] | None) -> np.ndarray:
        """Return the mask of a name or a list of names; None means every asset, cash included."""
        if on is None:
            return np.ones(len(self), dtype=bool)
        names: Iterable[str] = (on,) if isinstance(on, str) else on
        return np.logical_or.reduce([self.members(name) for name in names])

    def legs(self, about: str) -> tuple[tuple[float, str], ...]:
        """Read ``"equity - 0.5*bonds"`` as signed multiples of names.

        Terms are joined by `` + `` and `` - `` with spaces around, so ``BRK-B`` is one id; a term is ``NAME`` or
        ``NUMBER*NAME``. A known name is that name even if it looks like a number times a name.

        >>> Universe(("SPY", "TLT"), ("equity", "bonds")).legs("equity - 0.5*bonds")
        ((1.0, 'equity'), (-0.5, 'bonds'))
        """
        parts = re.split(
            r" ([+-]) ", f" + {about.strip()}" if not about.strip().startswith("- ") else f" {about.strip()}"
        )
        legs = []
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            size, name = 1.0, term.strip()
            if name not in self._sets:
                found = _TERM.fullmatch(name)
                size, name = (float(found["number"] or 1.0), found["name"].strip()) if found else (1.0, name)
            if name not in self._sets:
                raise ViewError(
                    f"{name!r} in {about!r} is no asset, class or group",
                    code="UNKNOWN_NAME",
                    field="about",
                    value=name,
                    mend=_mend_leg(name, self.names),
                )
            legs.append((size if sign == "+" else -size, name))
        if not legs:
            raise ViewError(
                "it is about nothing", code="EMPTY", field="about", value=about, mend="name assets or classes"
            )
        return tuple(legs)

    def mix(self, name: str, strategic: np.ndarray) -> np.ndarray | None:
        """Return the weights of one unit of ``name`` in its strategic mix, or None where the model holds none of it.

        The cash stands for itself even at weight zero: it is what every other asset is bought from.
        """
        mask = self.members(name)
        held = np.where(mask, strategic, 0.0)
        total = held.sum()
        if mask[self.cash] and mask.sum() == 1:
            return mask.astype(float)
        return held / total if abs(total) > 1e-12 else None

    def vector(self, values: Mapping[str, float] | pd.Series, what: str = "weight") -> np.ndarray:
        """Align labelled numbers by *label*, absent ones zero; raise ``MarketError`` on an unknown label."""
        vector = np.zeros(len(self))
        for asset, value in (values.to_dict() if isinstance(values, pd.Series) else values).items():
            if asset not in self.positions:
                raise MarketError(
                    f"{asset!r} is not in the universe",
                    code="UNKNOWN_ASSET",
                    field="asset_id",
                    value=asset,
                    mend=did_you_mean(asset, self.assets) or "add it to the assets table",
                )
            vector[self.positions[asset]] = float(value)
        if not np.isfinite(vector).all():
            bad = self.assets[int(np.argmin(np.isfinite(vector)))]
            raise MarketError(f"the {what} of {bad!r} is not a finite number", code="NOT_FINITE", field=what, value=bad)
        return vector

    def series(self, vector: np.ndarray, name: str | None = None) -> pd.Series:
        """Label a vector with the assets."""
        return pd.Series(np.asarray(vector), index=pd.Index(self.assets, name="asset_id"), name=name)


def _check_id(text: str, column: str, *, empty: bool = False) -> None:
    if empty and text == "":
        return
    fine = isinstance(text, str) and bool(text) and text == text.strip() and len(text) <= 200
    if not fine or " + " in text or " - " in text:
        raise MarketError(
            f"{text!r} is no id",
            code="BAD_ID",
            table="assets",
            field=column,
            value=str(text)[:40],
            mend="a text of 1 to 200 characters, no spaces around it and no ' + ' or ' - ' inside",
        )


def _mend_leg(name: str, names: tuple[str, ...]) -> str:
    """Say what may have been meant: a known name, or two that a sign without spaces holds together."""
    for sign in "-+":
        parts = [part.strip() for part in name.split(sign)]
        if len(parts) > 1 and all(part in names for part in parts):
            return f"put spaces around the sign: {f' {sign} '.join(parts)!r}"
    return did_you_mean(name, names) or f"known: {', '.join(names)}"
