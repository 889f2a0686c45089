"""Everything a run would find before it solves: the tables, the accounts it would refuse, what deserves a look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..batches.books import Book
from ..batches.columns import days
from ..batches.desks import believe
from ..batches.enrolments import enrol
from ..batches.premises import read_shifts
from ..batches.rosters import Refused
from ..constraints.policies import Policy
from ..constraints.settings import Estimation
from ..constraints.tickets import Lots
from ..errors import AccountError
from ..models.accounts import Account, appraise
from ..models.markets import Market
from ..models.tilts import Tilt
from ..models.views import View
from ..optimizer.arithmetics import impossible
from ..optimizer.problems import Problem, state
from ..optimizer.tactical import place
from ..signals.readings import Reading
from ..units import FrozenMap


@dataclass(frozen=True, eq=False)
class Findings:
    """What a check found.

    Parameters
    ----------
    book, policy, market, views
        As a run would read them.
    active, standing
        Accounts that a run would ask, and those that are blocked or closed.
    refused
        Accounts whose input cannot be used.
    stuck
        Accounts whose limits contradict each other by arithmetic alone, with the sentence: they would end UNSOLVED.
    nav
        Money in the active accounts.
    reading
        What the policy's playbook says; None where it has none.
    worth_a_look
        Sentences.
    """

    book: Book
    policy: Policy
    market: Market
    views: tuple[View, ...]
    active: int
    standing: int
    refused: tuple[Refused, ...]
    stuck: tuple[tuple[str, str], ...]
    nav: float
    worth_a_look: tuple[str, ...]
    reading: Reading | None = None


def examine(book: Book, policy: Policy | None, on: dt.date) -> Findings:
    """Read everything in a book and ask of every account what can be asked without a solver.

    Without a policy, limits and overrides are not checked.

    Raises
    ------
    InputError
        A shared input that is bad.
    """
    given = book.policy(policy or _stand_in(book))
    market = book.market(given, on)
    views = book.views()
    reading = book.read(given, market, on)
    if reading is not None and given.playbook.limits:
        given = given.in_regime(reading.regime)
    beliefs = believe(book, given, market, on, reading)
    problem = state(given, market) if policy else None
    roster = enrol(book.tables, given if policy else None, market.universe)
    active = standing = 0
    nav, refused, stuck, followed = 0.0, [], [], set()
    for entry in roster:
        if isinstance(entry, Refused):
            refused.append(entry)
            continue
        try:
            worth, words = _ask(entry, given, market, problem, beliefs)
        except AccountError as error:
            refused.append(Refused(entry.id, entry.model, error))
            continue
        followed.add(entry.model)
        if entry.status == "active":
            active, nav = active + 1, nav + worth
            stuck += [(entry.id, words)] if words else []
        else:
            standing += 1
    said = tuple(_warnings(book, policy, given, market, views, beliefs, on))
    said += () if reading is None else reading.notes
    said += tuple(f"no account that is fine follows model {name}" for name in given.models if name not in followed)
    return Findings(book, given, market, views, active, standing, tuple(refused), tuple(stuck), nav, said, reading)


def _ask(
    account: Account, policy: Policy, market: Market, problem: Problem | None, beliefs: Mapping[str, Tilt]
) -> tuple[float, str]:
    """Return what an account is worth and what arithmetic rules out; raise ``AccountError`` where its data are bad."""
    policy.model(account)
    if problem is None or account.status != "active":
        return appraise(account, market).nav, ""
    case = place(problem, account, beliefs[account.model])
    return case.standing.nav, impossible(case)


def _stand_in(book: Book) -> Policy:
    """Return a policy without limits that reads returns at the pace of their dates."""
    if "returns" not in book.tables:
        return Policy()
    dates, _ = days(book.tables["returns"], "date")
    gaps = np.diff(np.array(sorted(d.toordinal() for d in dates if d)))
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    periods = 252.0 if gap < 4 else 52.0 if gap < 15 else 12.0
    return replace(Policy(), estimation=Estimation(periods_per_year=periods))


def _warnings(
    book: Book,
    policy: Policy | None,
    given: Policy,
    market: Market,
    views: Sequence[View],
    beliefs: Mapping[str, Tilt],
    on: dt.date,
) -> Iterator[str]:
    universe = market.universe
    if policy is None:
        yield "no policy was given: limits, overrides and tripwires were not checked"
    lots = int((market.lots > 0).sum())
    if policy and lots and not any(isinstance(limit, Lots) for limit in given.limits):
        yield f"{lots} assets have a lot size, but the policy has no limit of kind lots: trades are not in whole lots"
    yield from _about_bands(given)
    for view in views:
        if view.until and view.until <= on:
            yield f"view {view.id} ended on {view.until}"
        elif view.since and view.since > on:
            yield f"view {view.id} begins only on {view.since}"
    dropped = FrozenMap({(name, model): why for model, belief in beliefs.items() for name, why in belief.dropped})
    for (name, _), why in dropped.items():
        yield f"{name} says nothing: {why}"
    unpriced = [a for a, p in zip(universe.assets, market.prices, strict=True) if not np.isfinite(p)]
    if unpriced:
        yield f"without a price, so not traded: {', '.join(unpriced)}"
    fixed = [
        a for a, t, p in zip(universe.assets, market.tradable, market.prices, strict=True) if not t and np.isfinite(p)
    ]
    if fixed:
        yield f"not tradable: {', '.join(fixed)}"
    yield from _about_returns(book, given, market, on)
    shifts = read_shifts(book.tables.get("tilts"), given.models)
    for name, until in [] if shifts is None else zip(shifts["tilt_id"], shifts["until"], strict=True):
        if until is not None and not pd.isna(until) and until <= on:
            yield f"tilt {name} ended on {until}"
    if book.ignored:
        yield f"not read, because they are no tables: {', '.join(book.ignored)}"


def _about_bands(policy: Policy) -> Iterator[str]:
    """Say which bands nobody looks at."""
    rules = policy.rebalance
    if rules.destination == "edge" or "band" in rules.triggers:
        return
    for band in policy.bands:
        if not band.binds:
            yield f"{band.name} is never looked at: band is not among the triggers, nor edge the destination"


def _about_returns(book: Book, policy: Policy, market: Market, on: dt.date) -> Iterator[str]:
    if "returns" not in book.tables:
        return
    table = book.tables["returns"]
    strangers = [c for c in table.data.column_names if c != "date" and c not in market.universe.positions]
    if strangers:
        yield f"returns of no asset, not used: {', '.join(strangers)}"
    dates = [d for d in days(table, "date")[0] if d]
    known = [d for d in dates if d <= on]
    if len(known) < len(dates):
        yield f"{len(dates) - len(known)} rows of returns are dated after {on} and are not looked at"
    if known and (on - max(known)).days > 92:
        yield f"the newest return is of {max(known)}, {(on - max(known)).days} days before {on}"
    if policy.estimation.method == "sample" and len(known) <= len(market.universe):
        n, periods = len(market.universe), len(known)
        yield f"a sample covariance of {n} assets from {periods} periods is singular: use shrinkage"
