"""What may not be bought, sold, held or touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import AccountError
from ..models.accounts import RULES
from ..models.universes import Universe
from ..units import did_you_mean
from .limits import Context, Limit
from .terms import Box


@dataclass(frozen=True)
class Restriction(Limit):
    """``rule`` on each asset of ``on``: no_buy, no_sell, no_hold or frozen. Hard, and never relaxed.

    Restrictions of an account or of the whole desk come with the account and need no limit in the policy; this one
    writes a restriction into the policy itself.

    >>> str(Restriction("TLT", rule="no_buy"))
    'TLT: no_buy'
    """

    kind: ClassVar[str] = "restriction"
    on: str | tuple[str, ...] | None = None
    rule: str = "frozen"

    def __post_init__(self) -> None:
        """Check the rule."""
        super().__post_init__()
        if self.rule not in RULES:
            raise self.error("rule", self.rule, did_you_mean(self.rule, RULES) or f"one of {', '.join(RULES)}")
        if self.tier or self.grandfather:
            raise self.error("tier", self.tier, "0 and no grandfathering: a restriction never gives way")

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box."""
        return (_box(self.rule, self.mask(context), context.current),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        return f"{self.words_on()}: {self.rule}"


def barred(pairs: Iterable[tuple[str, str]], universe: Universe) -> dict[str, np.ndarray]:
    """Return the mask of each rule, shape (n,), from ``(asset, rule)`` pairs.

    Raises
    ------
    AccountError
        A rule or an asset that nobody knows.
    """
    rules: dict[str, np.ndarray] = {}
    for asset, rule in pairs:
        if rule not in RULES:
            raise AccountError(
                f"{rule!r} is no rule",
                code="UNKNOWN_RULE",
                table="restrictions",
                field="rule",
                value=rule,
                mend=did_you_mean(rule, RULES) or f"one of {', '.join(RULES)}",
            )
        if asset not in universe.positions:
            raise AccountError(
                f"{asset!r} is not in the assets table",
                code="UNKNOWN_ASSET",
                table="restrictions",
                field="asset_id",
                value=asset,
                mend=did_you_mean(asset, universe.assets) or "name an asset",
            )
        rules.setdefault(rule, np.zeros(len(universe), dtype=bool))[universe.positions[asset]] = True
    return rules


def account_boxes(context: Context) -> tuple[tuple[str, Box], ...]:
    """Return what the account's and the desk's rules leave free, a box a rule, with its name."""
    return tuple((rule, _box(rule, context.rules[rule], context.current)) for rule in RULES if rule in context.rules)


def _box(rule: str, mask: np.ndarray, current: np.ndarray) -> Box:
    lo, hi = np.full_like(current, -np.inf), np.full_like(current, np.inf)
    if rule in ("no_sell", "frozen"):
        lo = np.where(mask, current, lo)
    if rule in ("no_buy", "frozen"):
        hi = np.where(mask, current, hi)
    if rule == "no_hold":
        lo, hi = np.where(mask, 0.0, lo), np.where(mask, 0.0, hi)
    return Box(lo, hi)
