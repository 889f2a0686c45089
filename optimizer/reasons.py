"""Why an account trades what it trades: parts that sum to the trade, without a remainder.

::

    trade = (b - w0)                 back to strategic
          + (w(0) - b)               strategic outside limits
          + parts of leg 1           each view, the shift, the tilt of risk
          + parts of leg 2           held back by costs, turnover, a restriction ...
                                     and by the phase of a schedule: from p0, the ideal at a full pace, to p
          + (target - p)             lots, small trades

A split by multipliers alone blows up (a trade of -3.9 % as -30 % + 37 % + ...): what a view pushes against a bound
moves nothing. So the parts follow the path on which the forces grow (:mod:`.legs`), and only what moved counts. A bound
or a row that stops a path has a price and the words "stopped by", not a part.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..models.causes import HELD
from ..units import basis_points, percent, signed, spoken
from .certificates import CERTIFIED_TE
from .legs import Leg, Stop, trace_account, trace_model
from .solutions import Solution, unslowed

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BACK, OUTSIDE, LAST = "back to strategic", "strategic outside limits", "lots, small trades"
GROUPS = (BACK, "beliefs", "held back", LAST)
"""What the parts are of, in the order they come."""
_FAR = 2.0
"""Views that would lean this many times farther than the limits allow are not told one by one where they offset."""
_SEEN = 5e-5
"""Half a basis point: parts below it are told together."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an account's weights change as they do.

    Parameters
    ----------
    account, model
        Their ids.
    assets
        In the order of every vector.
    names, groups
        Of the parts, and which of :data:`GROUPS` each belongs to.
    parts
        Decimals of NAV, shape (q, n); they sum to ``trade``.
    trade
        Target less current weights, cash included.
    stops, tactical
        The shared bounds and rows that stop the way at the ideal, and at the tactical target, the dearest first.
    exceed
        How many times farther the beliefs would lean without limits, in tracking error.
    gap
        How far the paths end from the certified answers, in tracking error: rounding, but for an answer that was not
        refined. The difference is in the last part.
    """

    account: str
    model: str
    assets: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    parts: np.ndarray
    trade: np.ndarray
    stops: tuple[Stop, ...]
    tactical: tuple[Stop, ...]
    exceed: float
    gap: float

    def to_frame(self) -> pd.DataFrame:
        """Return the parts: a row an asset, a column a part, the last one the trade."""
        index = pd.Index(self.assets, name="asset_id")
        return pd.DataFrame(dict(zip(self.names, self.parts, strict=True)) | {"trade": self.trade}, index=index)

    def by_group(self) -> pd.DataFrame:
        """Return the parts added up by group: a row an asset, the last column the trade."""
        index, which = pd.Index(self.assets, name="asset_id"), np.array(self.groups)
        columns = {group: self.parts[which == group].sum(axis=0) for group in GROUPS}
        return pd.DataFrame(columns | {"trade": self.trade}, index=index)

    def plot(self) -> Figure:
        """Draw the parts of each trade as stacked bars."""
        from .plots import draw_reasons

        return draw_reasons(self.to_frame(), f"Account {self.account}: why it trades")

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say it: a sentence for each asset that trades or was kept from it, the largest first."""
        return tuple(_sentences(self))

    def __str__(self) -> str:
        """Return the explanation as a person reads it."""
        heads, rows = ("trade", *GROUPS), list(tabulated(self))
        width = max([8, *(len(asset) for asset, _ in rows)])
        wide = [max(len(name), 8) + 2 for name in heads]
        lines = [
            f"account {self.account} ({self.model}): why it trades",
            f"{'asset':<{width}}" + "".join(f"{name:>{w}}" for name, w in zip(heads, wide, strict=True)),
        ]
        for asset, row in rows:
            lines.append(f"{asset:<{width}}" + "".join(f"{signed(x):>{w}}" for x, w in zip(row, wide, strict=True)))
        return "\n".join([*lines, *self.sentences])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def explain(solution: Solution, target: np.ndarray, leg: Leg | None = None) -> Explanation:
    """Explain the trades from an account's current weights to its target.

    Parameters
    ----------
    solution
        OPTIMAL.
    target
        The target weights, shape (n,).
    leg
        Leg 1 of the account's model, at its aversion and belief; traced here where it is not given.

    Raises
    ------
    UnsolvedError
        The account has no ideal, or its model no tactical target.
    """
    case = solution.case
    first = leg or trace_model(solution.problem, case.model.id, case.aversion, case.belief)
    free = unslowed(solution)
    second = trace_account(free or solution, first)
    current, strategic = case.program.current, case.context.strategic
    rows: dict[str, tuple[str, np.ndarray]] = {
        BACK: (BACK, strategic - current),
        OUTSIDE: (BACK, first.start - strategic),
    }
    for traced in (first, second):
        for name, part in zip(traced.names, traced.parts, strict=True):
            group = "beliefs" if traced is first and not name.startswith(HELD) else "held back"
            rows[name] = (group, rows[name][1] + part if name in rows else part)
    end = second.end
    if free is not None and np.abs(solution.ideal - end).max() >= _SEEN:
        rows[HELD + solution.problem.policy.pace.name] = ("held back", solution.ideal - end)
        end = solution.ideal
    last = f"part of the way, {LAST}" if solution.problem.policy.rebalance.destination == "part" else LAST
    rows[last] = (LAST, target - end)
    return Explanation(
        case.account.id,
        case.model.id,
        case.context.market.universe.assets,
        tuple(rows),
        tuple(group for group, _ in rows.values()),
        np.array([part for _, part in rows.values()]),
        target - current,
        second.stops,
        first.stops,
        first.exceed,
        max(first.gap, second.gap),
    )


def tabulated(told: Explanation) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what there is to see of each asset: its trade, and the parts added up in the order of :data:`GROUPS`."""
    table = told.by_group()[["trade", *GROUPS]].to_numpy()
    for asset, row in zip(told.assets, table, strict=True):
        if np.abs(row).max() >= _SEEN:
            yield asset, row


def price_words(stop: Stop) -> str:
    """Say what stopped a path and what one percentage point more of it would add."""
    worth = basis_points(stop.price / 100, 2)
    return f"stopped by {spoken(stop.limit)} (one percentage point more would add {worth} a year)"


def _sentences(told: Explanation) -> Iterator[str]:
    if told.gap > CERTIFIED_TE:
        yield f"this way ends {basis_points(told.gap)} of tracking error from the certified answer; please report it"
    if told.exceed >= _FAR:
        yield _excess(told.exceed)
    stops = {stop.on: price_words(stop) for stop in told.stops if stop.on in told.assets}
    before = {stop.on: f"beliefs stopped by {spoken(stop.limit)}" for stop in told.tactical}
    weight = np.maximum(np.abs(told.trade), np.abs(told.parts).max(axis=0) * 1e-3)
    for i in np.argsort(-weight, kind="stable"):
        if np.abs(told.trade[i]) < _SEEN and np.abs(told.parts[:, i]).max() < 2 * _SEEN:
            continue
        asset = told.assets[i]
        stop = stops.get(asset) or before.get(asset)
        words = f"{_deed(float(told.trade[i]), asset)}: {', '.join(_listed(told, int(i)))}"
        yield f"{words}; {stop}" if stop else words
    for stop in told.stops:
        if stop.on not in told.assets:
            on = f" on {stop.on}" if stop.on and stop.on != stop.limit else ""
            yield f"the whole is {price_words(stop).replace(' (', f'{on} (', 1)}"


def _excess(times: float) -> str:
    if not np.isfinite(times):
        return "views exceed the limits: they leave no room to lean at all"
    return f"views exceed the limits {times:.1f} times: without limits they would lean that much farther"


def _deed(trade: float, asset: str) -> str:
    if abs(trade) < _SEEN:
        return f"no trade in {asset}"
    return f"{'buy' if trade > 0 else 'sell'} {percent(abs(trade))} of {asset}"


def _said_of(name: str, part: float, pull: float) -> str:
    """Name a part: what costs and limits add to where the account is pulled is not held back.

    >>> _said_of("held back by phase", -0.01, 0.02), _said_of("held back by phase", 0.01, 0.02)
    ('held back by phase', 'carried on by phase')
    """
    return name.replace(HELD, "carried on by ", 1) if part * pull > 0 else name


def _listed(told: Explanation, i: int) -> Iterator[str]:
    """Yield the parts of one asset, the largest first; what is small, and beliefs that only offset, together."""
    beliefs = np.array(told.groups) == "beliefs"
    part = told.parts[:, i]
    together = beliefs & (np.abs(part[beliefs]).sum() > 3 * np.abs(part[beliefs].sum()) + 2 * _SEEN)
    if told.exceed < _FAR:
        together &= False
    rest = part[together].sum()
    said = [(name, x) for name, x, hidden in zip(told.names, part, together, strict=True) if not hidden]
    if together.any():
        said.append((f"views together, which exceed the limits {told.exceed:.1f} times,", rest))
    said.sort(key=lambda pair: -abs(pair[1]))
    small = sum(x for _, x in said if abs(x) < _SEEN)
    pull = part[[group in GROUPS[:2] for group in told.groups]].sum()
    for name, x in said:
        if abs(x) >= _SEEN:
            yield f"{spoken(_said_of(name, x, pull))} {signed(x)}"
    if abs(small) >= _SEEN:
        yield f"small parts together {signed(small)}"
