"""Everything a run would find before it solves: the tables, the accounts it would refuse, what deserves a look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..batches.books import Book
from ..batches.cautions import list_cautions
from ..batches.columns import days
from ..batches.desks import believe
from ..batches.enrolments import enrol
from ..batches.rosters import Refused
from ..constraints.policies import Policy
from ..constraints.settings import Estimation
from ..errors import AccountError
from ..models.accounts import Account, appraise
from ..models.markets import Market
from ..models.tilts import Tilt
from ..models.views import View
from ..optimizer.arithmetics import impossible
from ..optimizer.problems import Case, Problem, state
from ..optimizer.programs import build
from ..optimizer.tactical import place
from ..signals.readings import Reading


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
    yielding
        Those where limits of a tier above 0 would give way, with the sentence: they would end RELAXED.
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
    yielding: tuple[tuple[str, str], ...]
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
    nav, refused, stuck, yielding, followed = 0.0, [], [], [], set()
    for entry in roster:
        if isinstance(entry, Refused):
            refused.append(entry)
            continue
        try:
            worth, words, soft = _ask(entry, given, market, problem, beliefs)
        except AccountError as error:
            refused.append(Refused(entry.id, entry.model, error))
            continue
        followed.add(entry.model)
        if entry.status == "active":
            active, nav = active + 1, nav + worth
            (yielding if soft else stuck).extend([(entry.id, words)] if words else [])
        else:
            standing += 1
    said = ("no policy was given: limits, overrides and tripwires were not checked",) if policy is None else ()
    said += tuple(str(caution) for caution in list_cautions(book, given, market, beliefs, on))
    said += () if reading is None else reading.notes
    said += tuple(f"no account that is fine follows model {name}" for name in given.models if name not in followed)
    return Findings(
        book, given, market, views, active, standing, tuple(refused), tuple(stuck), tuple(yielding), nav, said, reading
    )


def _ask(
    account: Account, policy: Policy, market: Market, problem: Problem | None, beliefs: Mapping[str, Tilt]
) -> tuple[float, str, bool]:
    """Return what an account is worth, what arithmetic rules out, and whether limits of a tier above 0 would give way.

    Raises ``AccountError`` where its data are bad.
    """
    policy.model(account)
    if problem is None or account.status != "active":
        return appraise(account, market).nav, "", False
    case = place(problem, account, beliefs[account.model])
    words = impossible(case)
    return case.standing.nav, words, bool(words) and not impossible(_hard(policy, case))


def _hard(policy: Policy, case: Case) -> Case:
    """Return the case with its limits of tier 0 alone; a phase or a pace gives way before any other."""
    soft = {limit.name for limit in (*policy.limits, policy.pace) if limit.tier}
    named = [(name, term) for name, term in case.program.named if name not in soft]
    return replace(case, program=build(case.context, named, case.belief, case.aversion, case.horizon))


def _stand_in(book: Book) -> Policy:
    """Return a policy without limits that reads returns at the pace of their dates."""
    if "returns" not in book.tables:
        return Policy()
    dates, _ = days(book.tables["returns"], "date")
    gaps = np.diff(np.array(sorted(d.toordinal() for d in dates if d)))
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    periods = 252.0 if gap < 4 else 52.0 if gap < 15 else 12.0
    return replace(Policy(), estimation=Estimation(periods_per_year=periods))
