"""How far a view, a limit or a price may move before a trade vanishes or turns round.

Each number is moved outwards from where it stands, in steps that grow. Where a trade first stops, or changes its side,
lies a breakpoint; it is closed in on by cutting the step and by following the trade's straight line to nothing, since
weights are piecewise linear (or nearly so) in any one number. Both sides of what is told have been solved. All numbers
are moved side by side: a round of all of them is one question to the engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..constraints.tickets import Lots, TradeCount, TradeSize
from ..errors import InputError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.solutions import Outcome
from ..units import day, percent, spoken
from .knobs import Setting, current, name_knobs, turn
from .sweeps import Memory, answer
from .wholes import find_whole_trades
from .worlds import list_views

_SEEN = 1e-7
"""A trade of less than this of NAV at a point of the grid counts as none: rounding, not a decision."""
_STEPS = 12
_ROUNDS = 20
_CUTS = 4
_CLOSE = 1e-7
"""How close, relative to the number's range, the two sides of a breakpoint are brought."""
_NEAR = 1e-5
"""The same for whole trades, which take a search a value."""

_SOLVED = (Outcome.OPTIMAL, Outcome.RELAXED)

Moves = Callable[[Sequence[Setting]], np.ndarray]
COLUMNS = ("asset", "side", "trade", "knob", "now", "at", "way", "then", "sentence")


def find_breakpoints(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    knobs: Sequence[str] = (),
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> pd.DataFrame:
    """Return for each trade and number where the trade vanishes or turns round.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`. Triggers do not count.
    knobs
        Names as in :mod:`.knobs`; by default every view's gain, every limit, the costs, and of each trade the price of
        its own asset.

    Returns
    -------
    pandas.DataFrame
        A row a breakpoint, nearest first for each trade: asset, side (``buy`` or ``sell``), trade (weight now), knob,
        now and at (its values), way (``above`` or ``below``), then (``vanishes`` or ``flips``), sentence. A number that
        does nothing to a trade within its range (:func:`reach`) has no row.
    """
    on, listed = day(on), list_views(views)
    start = Setting(policy, market.dated(on), listed)
    smooth = not (
        any(isinstance(x, (Lots, TradeSize, TradeCount)) for x in policy.in_force) or policy.trades.indifference
    )
    moves = (_ideal_moves if smooth else _whole_moves)(account, on, overlay, trail)
    now = moves([start])[0]
    assets = market.universe.assets
    traded = [int(i) for i in np.flatnonzero(np.abs(now) > _SEEN) if i != market.universe.cash]
    lines = []
    for name in list(knobs) or _usual(start, [assets[i] for i in traded]):
        about = [i for i in traded if knobs or name in (f"price.{assets[i]}", name.removeprefix("price."))]
        for way, values in zip(("below", "above"), reach(start, name), strict=True):
            lines.append(_Line(start, name, way, _search(current(start, name), values, now, about, smooth)))
    rows = [
        _tell(assets[i], now[i], line.name, current(start, line.name), line.way, at, then)
        for line, found in zip(lines, _together(lines, moves, len(assets)), strict=True)
        for i, at, then in found
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    away = (frame["at"] - frame["now"]).abs() / frame["now"].abs().clip(lower=1e-12)
    order = frame.assign(away=away).sort_values(["asset", "away"], kind="stable")
    return order.drop(columns="away").reset_index(drop=True)


def reach(setting: Setting, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at which a number is tried, outwards: below where it stands, and above."""
    value = current(setting, name)
    kind, _, _ = name.partition(".")
    if kind == "view" and not name.endswith(".confidence"):
        size = max(3 * abs(value), 0.03)
        low, high = value - size, value + size
    elif name in ("risk_aversion", "cost_horizon_years", "costs", "volatility") or kind == "price":
        low, high = value / 4, value * 4
    elif name.endswith("confidence"):
        low, high = 0.0, 1.0
    else:
        low, high = 0.02 * value, max(3 * value, 0.05)  # at nothing at all every trade is gone
    steps = (np.arange(1, _STEPS + 1) / _STEPS) ** 2
    return value - (value - low) * steps, value + (high - value) * steps if high > value else np.zeros(0)


Found = list[tuple[int, float, str]]
"""Of one number in one direction: asset, where, and what becomes of its trade."""


@dataclass(frozen=True, eq=False)
class _Line:
    """One number that is moved one way: a search that asks for trades at values and is sent them, shape (k, n)."""

    start: Setting
    name: str
    way: str
    search: Generator[np.ndarray, np.ndarray, Found]

    def settings(self, values: np.ndarray) -> tuple[list[Setting], list[int]]:
        """Return the setting at each value its owner does not refuse, and which those are."""
        settings, kept = [], []
        for k, value in enumerate(values):
            try:
                settings.append(turn(self.start, self.name, float(value)))
                kept.append(k)
            except InputError:  # the range ends here
                continue
        return settings, kept


def _together(lines: Sequence[_Line], moves: Moves, n: int) -> list[Found]:
    """Go along all lines at once, so that a round of all of them is one question to the engine."""
    found: list[Found] = [[] for _ in lines]
    asked: dict[int, np.ndarray] = {}

    def go(k: int, trades: np.ndarray | None) -> None:
        try:
            asked[k] = next(lines[k].search) if trades is None else lines[k].search.send(trades)
        except StopIteration as end:
            asked.pop(k, None)
            found[k] = end.value

    for k in range(len(lines)):
        go(k, None)
    while asked:
        posed = {k: lines[k].settings(values) for k, values in asked.items()}
        settings = [setting for own, _ in posed.values() for setting in own]
        trades, at = moves(settings) if settings else np.zeros((0, n)), 0
        for k, (own, kept) in posed.items():
            seen = np.full((len(asked[k]), n), np.nan)
            seen[kept], at = trades[at : at + len(own)], at + len(own)
            go(k, seen)
    return found


def _ideal_moves(account: Account, on: dt.date, overlay: Tilt, trail: Trail | None) -> Moves:
    """Return how trades are read where the ideal is what is traded."""
    memory = Memory()

    def read(settings: Sequence[Setting]) -> np.ndarray:
        found = answer(account, settings, np.arange(len(settings)), on, overlay, trail, memory)
        solved = np.array([outcome in _SOLVED for outcome in found.outcomes])
        current = np.stack([case.program.current for case in found.cases])
        return np.where(solved[:, None], found.weights - current, np.nan)

    return read


def _whole_moves(account: Account, on: dt.date, overlay: Tilt, trail: Trail | None) -> Moves:
    """Return how trades are read where they are made few and whole: the final ones."""
    memory = Memory()

    def read(settings: Sequence[Setting]) -> np.ndarray:
        return find_whole_trades(account, settings, on, overlay, trail, memory)

    return read


@dataclass(eq=False)
class _Bracket:
    """One trade between a value at which it is still there and one at which it is gone; sizes count its own way."""

    asset: int
    held: float
    size: float
    gone: float
    left: float
    before: tuple[float, float] | None

    @property
    def then(self) -> str:
        return "flips" if self.left < -_SEEN else "vanishes"

    def tries(self, close: float, smooth: bool) -> np.ndarray:
        """Return values inside, from the held end on: evenly, and ever nearer to where the straight line ends.

        The nearer the line is to straight, the nearer are the two of them between which it really ends. Whole trades
        come and go in steps, and each is a search of its own: the middle is all that is tried.
        """
        width = self.gone - self.held
        if not smooth:
            return np.array([self.held + 0.5 * width])
        away = np.array([0.3 * close, *(abs(width) * np.array([1e-5, 1e-4, 1e-3, 1e-2]))])
        aim = self._aim() + np.concatenate([-away, away])
        inside = np.abs(aim - (self.held + 0.5 * width)) < 0.5 * abs(width) * (1 - 1e-6)
        values = np.concatenate([self.held + width * np.arange(1, _CUTS) / _CUTS, aim[inside]])
        return np.sort(values) if width > 0 else np.sort(values)[::-1]

    def _aim(self) -> float:
        if self.left < -_SEEN:
            return self.held + (self.gone - self.held) * self.size / (self.size - self.left)
        if self.before is None or self.before[1] == self.size:
            return 0.5 * (self.held + self.gone)
        return self.held - self.size * (self.held - self.before[0]) / (self.size - self.before[1])

    def narrow(self, values: np.ndarray, sizes: np.ndarray) -> None:
        """Move the ends to the last value with the trade and the first without."""
        for value, size in zip(values, sizes, strict=True):
            if np.isfinite(size) and size > _SEEN:
                self.before, self.held, self.size = (self.held, self.size), float(value), float(size)
            else:
                self.gone = float(value)
                self.left = float(size) if np.isfinite(size) else self.left
                return


def _search(
    value: float, values: np.ndarray, now: np.ndarray, traded: Sequence[int], smooth: bool
) -> Generator[np.ndarray, np.ndarray, Found]:
    """Look for the first breakpoint of each trade along the values of a number."""
    if not len(values) or not len(traded):
        return []
    points, trades = np.array([value]), now[None]
    for part in [values] if smooth else np.array_split(values, 4):  # whole trades are not asked farther than they last
        points, trades = np.concatenate([points, part]), np.vstack([trades, (yield part)])
        seen = trades[:, traded] * np.sign(now[traded])
        if np.isnan(seen[-1]).any() or ((seen <= _SEEN) | np.isnan(seen)).any(0).all():
            break
    ended = np.isnan(trades).any(1)
    last = int(np.argmax(ended)) if ended.any() else len(points)
    brackets = []
    for i in traded:
        size = np.sign(now[i]) * trades[:last, i]
        gone = np.flatnonzero(size <= _SEEN)
        if len(gone):
            k = int(gone[0])
            before = (float(points[k - 2]), float(size[k - 2])) if k > 1 else None
            brackets.append(
                _Bracket(i, float(points[k - 1]), float(size[k - 1]), float(points[k]), float(size[k]), before)
            )
    close = (_CLOSE if smooth else _NEAR) * float(abs(values[-1] - value))
    for _ in range(_ROUNDS):
        wide = [b for b in brackets if abs(b.gone - b.held) > close]
        if not wide:
            break
        tries = [b.tries(close, smooth) for b in wide]
        asked, where = np.unique(np.concatenate(tries), return_inverse=True)
        seen, at = (yield asked), 0
        for bracket, own in zip(wide, tries, strict=True):
            z = seen[where[at : at + len(own)], bracket.asset]
            bracket.narrow(own, np.sign(now[bracket.asset]) * z)
            at += len(own)
    return [(b.asset, b.gone, b.then) for b in brackets]


def _usual(start: Setting, assets: Sequence[str]) -> list[str]:
    limits = {limit.name for limit in start.policy.in_force}
    names = [n for n in name_knobs(start) if n in limits or (n.startswith("view.") and n.endswith(".gain"))]
    return [*names, "costs", *(f"price.{asset}" for asset in assets)]


def _tell(asset: str, trade: float, knob: str, now: float, way: str, at: float, then: str) -> tuple:
    side = "buy" if trade > 0 else "sell"
    words = "purchase" if trade > 0 else "sale"
    other = "sale" if trade > 0 else "purchase"
    becomes = "disappears" if then == "vanishes" else f"turns into a {other}"
    moves = "rises above" if way == "above" else "falls below"
    what, number = _said(knob)
    sentence = f"the {words} of {asset} {becomes} if {what} {moves} {number(at)} (now {number(now)})"
    return asset, side, float(trade), knob, now, at, way, then, sentence


def _said(knob: str) -> tuple[str, Callable[[float], str]]:
    """Return a knob in words, and how its numbers are written."""
    plain, times = (lambda x: f"{x:.4g}"), (lambda x: f"{x:.4g} times")
    kind, _, rest = knob.partition(".")
    if kind == "view":
        name, _, field = rest.rpartition(".")
        view = name if field in ("gain", "confidence") else rest
        return (f"the confidence of {view!r}", plain) if field == "confidence" else (f"the view {view!r}", percent)
    if kind == "price":
        return f"the price of {rest}", (lambda x: f"{100 * (x - 1):+.2f}%")
    if knob in ("costs", "volatility", "gain", "confidence"):
        return {"gain": "the gain of every view", "confidence": "the confidence of every view"}.get(knob, knob), times
    if knob in ("risk_aversion", "cost_horizon_years"):
        return spoken(knob), plain
    return f"the limit {knob}", percent
