"""What a run accepts and a person should know of: warnings, each with what it concerns. They decide nothing.

`trimtab check` and `trimtab rebalance` print them, and ``run.json`` keeps them. Whatever makes an answer untrustworthy
is an error, and whatever concerns one account alone is its outcome; neither is found here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..constraints.tickets import Lots
from ..models.markets import Market
from ..models.sessions import is_session
from ..models.tilts import Tilt
from .columns import days, numbers
from .premises import read_shifts, read_views, strategic_sums
from .tables import Table
from .trusts import silenced, trust

if TYPE_CHECKING:
    from .books import Book

STALE_DAYS = 92
"""Age in days from which the newest row of a history is called old."""
JUMP = 10.0
"""Standard deviations beyond which the newest return is looked at: a split, a wrong digit or a crash."""
_GAP = 3.0
"""A hole in a history: so many times the usual distance of its dates."""
_SMALL = 1500
"""Assets up to which eigenvalues are found at the door: beyond, they would take longer than the run."""


@dataclass(frozen=True)
class Caution:
    """Something accepted that deserves a look.

    Parameters
    ----------
    code
        Its kind.
    table, field
        Where it stands; ``field`` is the book's column, or a key of the policy.
    message
        The sentence.
    mend
        What would end it.
    concerns
        The assets, views, tilts, models or limits concerned.
    """

    code: str
    table: str
    field: str
    message: str
    mend: str
    concerns: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the sentence."""
        return self.message

    def plain(self) -> dict[str, Any]:
        """Return it as ``run.json`` holds it."""
        return {**asdict(self), "concerns": list(self.concerns)}


def list_cautions(
    book: Book, policy: Policy, market: Market, beliefs: Mapping[str, Tilt], on: dt.date
) -> tuple[Caution, ...]:
    """List what deserves a look in what all accounts of a book share; ``policy`` has the book's models."""
    return (
        *_of_policy(policy, market, on),
        *_of_views(book, beliefs, on),
        *_of_assets(book.shared["assets"], market),
        *_of_models(book.shared["strategic"], policy),
        *_of_histories(book, policy, market, on),
        *_of_risk(book, policy, market),
        *_of_tilts(book, policy, on),
        *_of_folder(book.ignored),
    )


def _of_policy(policy: Policy, market: Market, on: dt.date) -> Iterator[Caution]:
    rules = policy.rebalance
    lots = tuple(a for a, size in zip(market.universe.assets, market.lots, strict=True) if size > 0)
    # (a policy without limits is the stand-in of a check without one)
    if policy.limits and lots and not any(isinstance(limit, Lots) for limit in policy.limits):
        words = f"{len(lots)} assets have lots, and the policy has no limit of kind lots: no trade is rounded to them"
        yield Caution("NO_LOTS", "policy", "limits", words, "add a limit of kind lots", lots)
    if rules.destination != "edge" and "band" not in rules.triggers:
        for band in (band for band in policy.bands if not band.binds):
            words = f"{band.name} is never looked at: band is not among the triggers, nor edge the destination"
            yield Caution("IDLE_BAND", "policy", "rebalance.trigger", words, "add band to the triggers", (band.name,))
    closed = rules.counts_sessions and not is_session(rules.exchange, on)
    if on.weekday() >= 5 or closed:
        what = f"no session of {rules.exchange}" if closed else "a day of the weekend"
        words = f"{on} is {what}: its prices are of a day before"
        yield Caution("NO_SESSION", "assets", "price", words, "ask for the day of the prices")


def _of_views(book: Book, beliefs: Mapping[str, Tilt], on: dt.date) -> Iterator[Caution]:
    views, scales = read_views(book.shared.get("views")), book.trusts()
    for view in trust(views, scales):
        if view.until and view.until <= on:
            yield Caution("VIEW_ENDED", "views", "until", f"view {view.id} ended on {view.until}", _DROP, (view.id,))
        elif view.since and view.since > on:
            words = f"view {view.id} begins only on {view.since}"
            yield Caution("VIEW_LATER", "views", "since", words, "nothing, if that is meant", (view.id,))
    for name in silenced(views, scales):
        words = f"view {name} says nothing: its source is trusted with a scale of 0"
        yield Caution("VIEW_SILENT", "confidences", "scale", words, "nothing, if that is meant", (name,))
    for name, why in dict.fromkeys(each for belief in beliefs.values() for each in belief.dropped):
        yield Caution("VIEW_SILENT", "views", "about", f"{name} says nothing: {why}", _DROP, (name,))
    seen: set[tuple[str, str]] = set()
    for belief in beliefs.values():
        for pair in _opposed(belief):
            if pair not in seen:
                seen.add(pair)
                words = f"views {pair[0]} and {pair[1]} are about the same legs and pull them opposite ways"
                yield Caution("VIEWS_OPPOSED", "views", "about", words, "let their authors agree, or drop one", pair)


def _opposed(belief: Tilt) -> Iterator[tuple[str, str]]:
    """Yield pairs of views on the same legs that would move them opposite ways, each taken by itself."""
    pulls = belief.legs * np.array([[np.sign(gain)] for gain in belief.gains]) if len(belief.views) else belief.legs
    sizes = np.sqrt((pulls * pulls).sum(-1))
    for i in range(len(belief.views)):
        for k in range(i + 1, len(belief.views)):
            if sizes[i] * sizes[k] > 0 and pulls[i] @ pulls[k] < -(1 - 1e-9) * sizes[i] * sizes[k]:
                yield belief.views[i], belief.views[k]


def _of_assets(assets: Table, market: Market) -> Iterator[Caution]:
    given, _ = numbers(assets, "price", np.nan)
    odd, unpriced, fixed = [], [], []
    for i, asset in enumerate(market.universe.assets):
        if i < len(given) and given[i] <= 0:
            odd.append(asset)
        elif not np.isfinite(market.prices[i]):
            unpriced.append(asset)
        elif not market.tradable[i]:
            fixed.append(asset)
    if odd:
        words = f"with a price of zero or below, so not traded: {', '.join(odd)}"
        yield Caution("BAD_PRICE", "assets", "price", words, "give them a price; who holds them is refused", tuple(odd))
    if unpriced:
        words = f"without a price, so not traded: {', '.join(unpriced)}"
        yield Caution("NO_PRICE", "assets", "price", words, "give them a price", tuple(unpriced))
    if fixed:
        words = f"not tradable: {', '.join(fixed)}"
        yield Caution("NOT_TRADABLE", "assets", "tradable", words, "nothing, if that is meant", tuple(fixed))


def _of_models(strategic: Table, policy: Policy) -> Iterator[Caution]:
    for model, total in strategic_sums(strategic).items():
        if model in policy.models and abs(total - 1.0) > 1e-9:
            words = f"the weights of model {model} sum to {total:.10g} and were scaled to 1"
            yield Caution("WEIGHTS_SCALED", "strategic", "weight", words, "give them more digits", (model,))


def _of_histories(book: Book, policy: Policy, market: Market, on: dt.date) -> Iterator[Caution]:
    for name, column in (("returns", "date"), ("prices", "available_at")):
        if name not in book.shared:
            continue
        table = book.shared[name]
        if name == "returns":
            yield from _of_strangers(table, market)
        dates = sorted(d for d in days(table, column)[0] if d)
        known = [d for d in dates if d <= on]
        if len(known) < len(dates):
            words = f"{len(dates) - len(known)} rows of {name} are dated after {on} and are not looked at"
            yield Caution("LATER_ROWS", name, column, words, "nothing: they were not known")
        if known and (on - known[-1]).days > STALE_DAYS:
            words = f"the newest {name.removesuffix('s')} is of {known[-1]}, {(on - known[-1]).days} days before {on}"
            yield Caution("STALE", name, column, words, "bring the table up to date")
        gaps = np.diff([d.toordinal() for d in known])
        if len(gaps) > 2 and gaps.max() > _GAP * float(np.median(gaps)):
            at = int(np.argmax(gaps))
            words = f"{name} has nothing between {known[at]} and {known[at + 1]}"
            yield Caution("GAP", name, column, words, "fill in what is missing")
    if "returns" in book.shared:
        yield from _of_jumps(book.shared["returns"], policy, market, on)


def _of_strangers(table: Table, market: Market) -> Iterator[Caution]:
    strangers = tuple(c for c in table.data.column_names if c != "date" and c not in market.universe.positions)
    if strangers:
        words = f"returns of no asset, not used: {', '.join(strangers)}"
        yield Caution("STRANGERS", table.name, strangers[0], words, "leave them out", strangers)


def _of_jumps(table: Table, policy: Policy, market: Market, on: dt.date) -> Iterator[Caution]:
    dates = [d.toordinal() if d and d <= on else -1 for d in days(table, "date")[0]]
    if not dates or max(dates) < 0:
        return
    last, scale = int(np.argmax(dates)), 1.0 / np.sqrt(policy.estimation.periods_per_year)
    sizes = market.risk.volatilities * scale
    for asset, i in market.universe.positions.items():
        if not table.has(asset) or not sizes[i] > 0:
            continue
        change = float(numbers(table, asset, np.nan)[0][last])
        if abs(change) > JUMP * sizes[i]:
            words = f"the newest return of {asset} is {change:+.1%}, {abs(change) / sizes[i]:.0f} standard deviations"
            mend = "look for a split or a wrong digit; tradable = false holds the asset meanwhile"
            yield Caution("JUMP", table.name, asset, words, mend, (asset,))


def _of_risk(book: Book, policy: Policy, market: Market) -> Iterator[Caution]:
    n = len(market.universe)
    if "returns" in book.shared and policy.estimation.method == "sample":
        dates, on = days(book.shared["returns"], "date")[0], market.on
        periods = sum(1 for d in dates if d and (on is None or d <= on))
        if periods <= n:
            words = f"a sample covariance of {n} assets from {periods} periods is singular: use shrinkage"
            yield Caution("SINGULAR", "returns", "date", words, 'method = "ledoit_wolf" in [risk]')
            return
    if n > _SMALL:
        return
    table = next(name for name in ("covariance", "exposures", "returns") if name in book.shared)
    dense = np.delete(np.delete(market.risk.covariance, market.universe.cash, 0), market.universe.cash, 1)
    values = np.linalg.eigvalsh(dense) if len(dense) else np.ones(1)
    if values[0] <= n * np.finfo(float).eps * values[-1]:
        words = "the covariance is singular: where limits leave room, the best weights may not be the only ones"
        yield Caution("SINGULAR", table, "asset_id", words, "estimate it with shrinkage, or add specific risk")
    elif values[-1] > 1e12 * values[0]:
        words = f"the covariance is nearly singular: its eigenvalues are {values[-1] / values[0]:.1e} times apart"
        yield Caution("ILL_CONDITIONED", table, "asset_id", words, "estimate it with shrinkage")


def _of_tilts(book: Book, policy: Policy, on: dt.date) -> Iterator[Caution]:
    shifts = read_shifts(book.shared.get("tilts"), policy.models)
    for name, until in [] if shifts is None else zip(shifts["tilt_id"], shifts["until"], strict=True):
        if until is not None and not pd.isna(until) and until <= on:
            yield Caution("TILT_ENDED", "tilts", "until", f"tilt {name} ended on {until}", _DROP, (name,))


def _of_folder(ignored: Iterable[str]) -> Iterator[Caution]:
    names = tuple(ignored)
    if names:
        words = f"not read, because they are no tables: {', '.join(names)}"
        yield Caution("NOT_READ", "", "", words, "nothing, if that is meant", names)


_DROP = "take it out, or give it another end"
