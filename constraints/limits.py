"""What every limit of a mandate has in common, and what a limit may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

import numpy as np

from ..errors import AccountError, MarketError, PolicyError
from ..models.breaches import Breaches
from ..models.histories import History
from ..models.markets import Market
from ..models.positions import Clocks
from ..units import Each, FrozenMap, decimal, percent
from .terms import Box, Term

Rate = float | str
"""A decimal, or what a person writes for one: ``0.05``, ``"5%"``, ``"500bp"``; a decimal once the limit is made."""


@dataclass(frozen=True, eq=False)
class Context:
    """One account (or, with a leading axis, many) as its limits see it.

    Parameters
    ----------
    market
        Universe, risk, costs.
    strategic, current
        ``b`` and ``w0``, shape (..., n), decimals of NAV after the cash flow.
    nav
        Money, shape (...).
    inflow, outflow
        Decimals of NAV, shape (...).
    rules
        Masks of the assets under ``no_buy``, ``no_sell``, ``no_hold`` and ``frozen``, shape (..., n): restrictions of
        the account and the desk, and what is frozen for want of a price or by an open order.
    overrides
        Numbers by the name of a limit, shape (...); along an account axis NaN is none.
    allowances
        The most of each asset that may be sold and bought, decimals of NAV, shape (2, ..., n): the account's part of
        what the desk as a whole may trade; None where it is free.
    tactical
        t, the optimum without costs under the limits that every account of the model shares, shape (..., n); None where
        no limit asks for it.
    widening
        The tilt's multipliers of bands, below and above, shape (n,) or (1,) each.
    fence
        What deviation limits leave, lower and upper ends, shape (..., n) each: no band reaches beyond.
    clocks
        Open tactical positions, shape (..., 2, n) each; None where no limit asks for them.
    breaches
        Since when accounts stand outside of which limits; None for nobody.
    newest
        The ordinal of the newest view that pushes each asset under and over strategic, shape (2, n), 0 for none: one
        approved after an expiry ends the rest of its side.
    history
        Past trades of the accounts, up to the day; None for none.
    frequency
        The tilt's multiplier of intervals.
    leeway
        How far below and above strategic the deviation limits let each asset lean, shape (..., 2, n), infinite where
        none does; and ``lot``, the weight of one lot, shape (..., n): what time limits stand back for.
    pace
        What phases and the tilt's pace release today, shape (..., n) each end; None where nothing is slowed.
    """

    market: Market
    strategic: np.ndarray
    current: np.ndarray
    nav: Each = 1.0
    inflow: Each = 0.0
    outflow: Each = 0.0
    rules: Mapping[str, np.ndarray] = field(default_factory=FrozenMap)
    overrides: Mapping[str, Each] = field(default_factory=FrozenMap)
    allowances: np.ndarray | None = None
    tactical: np.ndarray | None = None
    widening: tuple[np.ndarray, np.ndarray] = (np.ones(1), np.ones(1))
    fence: tuple[np.ndarray, np.ndarray] | None = None

    clocks: Clocks | None = None
    breaches: Breaches | None = None
    newest: Each = 0.0
    history: History | None = None
    frequency: float = 1.0
    leeway: Each = np.inf
    lot: Each = 0.0
    pace: Box | None = None

    @property
    def day(self) -> int:
        """The ordinal of the day; raise ``MarketError`` where the market has none: clocks cannot be read."""
        if self.market.on is None:
            raise MarketError(
                "the market has no day, and a limit counts days",
                code="NO_DAY",
                table="assets",
                field="on",
                mend="market.dated(on)",
            )
        return self.market.on.toordinal()

    @property
    def lot_of_sides(self) -> np.ndarray:
        """The weight of one lot, on both sides: shape (..., 1, n), or a number."""
        return np.asarray(self.lot)[..., None, :] if np.ndim(self.lot) else np.asarray(self.lot)

    def pick(self, which: np.ndarray) -> Context:
        """Return the context of some of many accounts: positions or a mask."""
        own = ("strategic", "current", "nav", "inflow", "outflow")
        return replace(
            self,
            **{name: getattr(self, name)[which] for name in own},
            rules={rule: mask[which] for rule, mask in self.rules.items()},
            overrides={name: mine[which] for name, mine in self.overrides.items()},
            allowances=None if self.allowances is None else self.allowances[:, which],
            tactical=None if self.tactical is None else self.tactical[which],
            fence=None if self.fence is None else (self.fence[0][which], self.fence[1][which]),
            clocks=None if self.clocks is None else self.clocks.pick(which),
            breaches=None if self.breaches is None else self.breaches.pick(which),
            history=None if self.history is None else self.history.pick(which),
            leeway=self.leeway[which] if np.ndim(self.leeway) else self.leeway,
            lot=self.lot[which] if np.ndim(self.lot) else self.lot,
            pace=None if self.pace is None else Box(self.pace.lo[which], self.pace.hi[which]),
        )

    def lift(self) -> Context:
        """Return the context of one account as that of many."""
        each = lambda x: np.asarray(x)[None]  # noqa: E731
        own = ("strategic", "current", "nav", "inflow", "outflow")
        return replace(
            self,
            **{name: each(getattr(self, name)) for name in own},
            rules={rule: each(mask) for rule, mask in self.rules.items()},
            overrides={name: np.array([float(x)]) for name, x in self.overrides.items()},
            allowances=None if self.allowances is None else self.allowances[:, None],
            tactical=None if self.tactical is None else each(self.tactical),
            fence=None if self.fence is None else (each(self.fence[0]), each(self.fence[1])),
            clocks=None if self.clocks is None else self.clocks.pick(None),
            breaches=None if self.breaches is None else self.breaches.pick(None),
            leeway=each(self.leeway),
            lot=each(self.lot),
            pace=None if self.pace is None else Box(each(self.pace.lo), each(self.pace.hi)),
        )


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One rule of a mandate.

    Parameters
    ----------
    name
        What overrides, reports and prices call it; its kind by default, numbered if repeated.
    tier
        0 is hard and never relaxed; of 1, 2, 3 ... the highest number gives way first.
    on
        Asset, class or group, or a list of them; every asset, cash included, by default.
    grandfather
        An account that starts outside may stay or improve, never worsen.
    cure_days
        For so many days from the day the breach was first found; then the limit holds for it as it is written.
    when
        The regime, or a list of them, in which the limit holds; always, by default. Beside the limits that hold anyway
        it can only tighten.
    """

    kind: ClassVar[str] = ""
    shared: ClassVar[bool] = False
    """Whether every account of a model has it alike, so that it shapes the tactical target."""
    overridable: ClassVar[bool] = False
    """Whether an account may bring its own, tighter ``most``."""

    name: str = ""
    tier: int = 0
    on: str | tuple[str, ...] | None = None
    grandfather: bool = False
    cure_days: int | None = None
    when: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give the default name, freeze lists, refuse a negative tier."""
        object.__setattr__(self, "name", self.name or self.kind)
        if isinstance(self.on, list):
            object.__setattr__(self, "on", tuple(self.on))
        when = (self.when,) if isinstance(self.when, str) else tuple(self.when)
        if not all(isinstance(name, str) and name.strip() for name in when):
            raise self.error("when", self.when, "the name of a regime, or a list of them")
        object.__setattr__(self, "when", when)
        if isinstance(self.tier, bool) or not isinstance(self.tier, int) or not 0 <= self.tier <= 1000:
            raise self.error("tier", self.tier, "0 for hard, 1, 2, 3 ... for what may give way")
        days = self.cure_days
        if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36500):
            raise self.error("cure_days", days, "a whole number of days, at least 1")
        if days is not None and not self.grandfather:
            raise self.error("cure_days", days, "grandfather = true beside it, or leave it out")

    def holds(self, regime: str) -> bool:
        """Say whether the limit is in force in a regime."""
        return not self.when or regime in self.when

    def terms(self, context: Context) -> tuple[Term, ...]:
        """Return what the limit is to a solver and an auditor."""
        raise NotImplementedError

    def error(self, field: str, value: object, mend: str) -> PolicyError:
        """Make the error that names this limit, the field, the value and the mend."""
        return PolicyError(
            f"limit {self.name!r}: {field} is {value}",
            code="BAD_LIMIT",
            table="policy",
            field=field,
            value=value,
            mend=mend,
        )

    def mask(self, context: Context) -> np.ndarray:
        """Return the assets the limit is on, shape (n,)."""
        return self.members(context, self.on)

    def members(self, context: Context, names: str | tuple[str, ...] | None) -> np.ndarray:
        """Return the mask of the assets behind names, shape (n,); raise ``PolicyError`` on an unknown one."""
        try:
            return context.market.universe.select(names)
        except MarketError as error:
            raise PolicyError(
                f"limit {self.name!r}: {error.message}",
                code=error.code,
                table="policy",
                field="on",
                value=error.value,
                mend=error.mend,
            ) from None

    @property
    def loosest(self) -> float:
        """What an account's own number is held against: it may only tighten."""
        raise NotImplementedError

    def tightened(self, context: Context) -> float | np.ndarray:
        """Return the number of each account, shape (...): the policy's, or its own where it has a tighter one.

        Raises
        ------
        AccountError
            An account's own number is negative or looser. Along an account axis nobody may have such a one.
        """
        own, most = context.overrides.get(self.name), self.loosest
        if own is None:
            return most
        if isinstance(own, np.ndarray):
            return np.where(np.isnan(own), most, own)
        if not 0 <= own <= most:
            raise AccountError(
                f"its own {self.name} is {own}: " + ("negative" if own < 0 else f"looser than the policy's {most}"),
                code="BAD_OVERRIDE" if own < 0 else "LOOSER_OVERRIDE",
                table="accounts",
                field=self.name,
                value=own,
                mend=f"between 0 and {most}, or change the policy",
            )
        return own

    def words_on(self) -> str:
        """Say what the limit is on."""
        if self.on is None:
            return "each asset"
        return self.on if isinstance(self.on, str) else ", ".join(self.on)


def read_rates(limit: Limit, *names: str, least: float = 0.0, most: float = 1.0) -> None:
    """Read the named fields as decimals (``"5%"`` too) and refuse what lies outside ``[least, most]``.

    Above 1 stands a percent that was meant as a decimal, and a limit that says nothing: 5 would be 500 %.
    """
    for name in names:
        value = getattr(limit, name)
        if value is None:
            continue
        try:
            number = decimal(value)
        except ValueError as error:
            raise limit.error(name, value, str(error)) from None
        if not least <= number <= most:
            raise limit.error(name, value, f"between {least:g} and {most:g}, a decimal: 0.05 for 5%")
        object.__setattr__(limit, name, number)


def ends(least: Rate | None, most: Rate | None) -> tuple[float, float]:
    """Return a range as numbers, an absent end infinite."""
    return -np.inf if least is None else decimal(least), np.inf if most is None else decimal(most)


def check_range(limit: Limit, least: Rate | None, most: Rate | None) -> None:
    """Refuse a range without an end, or with crossed ends."""
    low, high = ends(least, most)
    if least is None and most is None:
        raise limit.error("most", None, "give least, most or both")
    if low > high:
        raise limit.error("least", least, f"at most {most}")


def range_words(least: Rate | None, most: Rate | None, write: Callable[[float], str] = percent) -> str:
    """Say a range as a committee would: 'at least 2.00%', 'between 2.00% and 5.00%'."""
    low, high = ends(least, most)
    if least is None:
        return f"at most {write(high)}"
    return f"at least {write(low)}" if most is None else f"between {write(low)} and {write(high)}"


def field_names(kind: type[Limit]) -> list[str]:
    """List what may be written under a limit of this kind."""
    return [f.name for f in fields(kind)]
