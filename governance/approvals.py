"""Who proposes, who agrees: every act an entry, bound to the SHA-256 of exact bytes, and never one's own.

The proposer submits bytes; somebody else, who did not write them, approves those very bytes for a time. One changed
byte is another version, which nobody has approved. In an emergency two people, neither of them an author, override what
is missing, and say by which day it will be reviewed.

The rules are checked here, for a clear answer, and again by the database (`guards`), for whoever comes another way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from ..constraints.quorums import MOST_DAYS, MOST_PEOPLE
from ..errors import EntryRefused
from .canonical import sha256
from .entries import Draft, Entry, person, stamp
from .folds import require
from .keyrings import SORT as PERSON
from .keyrings import keyring, public_key
from .ledgers import Ledger, read
from .statuses import act, standing

LASTS: Mapping[str, int] = {
    "run": 7,
    "view": 90,
    "extension": 90,
    **dict.fromkeys(("policy", "confidence", "person"), MOST_DAYS),
}
"""Days that an approval holds unless it says otherwise, by what it is of.

Confidences last long: when they end, every source is believed as it states itself again.
"""
REVIEW_WITHIN = 30
"""Days within which an override has to be reviewed."""


def submit(
    ledger: Ledger,
    actor: str,
    subject: str,
    data: bytes,
    *,
    because: str = "",
    since: dt.date | None = None,
    people: int = 1,
    more: Mapping[str, object] | None = None,
    at: dt.datetime | None = None,
) -> Entry:
    """Propose exact bytes for approval.

    Parameters
    ----------
    ledger, actor
        Where; who.
    subject
        ``view/...``, ``policy/...``, ``extension/...``, ``confidence/...``, ``person/...`` or ``run/...``.
    data
        The bytes themselves: the file of a policy, of a table of views, of a public key, the ``run.json`` of a run.
    because
        Why.
    since
        The day from which it is meant to hold; at once by default.
    people
        How many have to approve.
    more
        What else the entry says.
    at
        The moment; by default that of the ledger's clock.

    Raises
    ------
    EntryRefused
        It stands where nothing can be submitted (a released run), or the number of people is none.
    """
    body = _terms(subject, data, because, since, people, more)
    return _author(ledger, Draft(actor, "submit", subject, body, sha256(data)), at)


def edit(
    ledger: Ledger,
    actor: str,
    subject: str,
    data: bytes,
    *,
    because: str = "",
    since: dt.date | None = None,
    people: int = 1,
    more: Mapping[str, object] | None = None,
    at: dt.datetime | None = None,
) -> Entry:
    """Put other bytes in place of those submitted; whoever approved the former has said nothing about these."""
    body = _terms(subject, data, because, since, people, more)
    return _author(ledger, Draft(actor, "edit", subject, body, sha256(data)), at)


def _terms(
    subject: str, data: bytes, because: str, since: dt.date | None, people: int, more: Mapping[str, object] | None
) -> dict[str, object]:
    """Return what the entry of a new version says."""
    if type(people) is not int or not 1 <= people <= MOST_PEOPLE:
        raise EntryRefused(f"{people!r} people cannot approve", code="PEOPLE", mend=f"from 1 to {MOST_PEOPLE}")
    day = {} if since is None else {"since": since.isoformat()}
    shown = {}
    if subject.startswith(f"{PERSON}/"):  # a key is read from the ledger alone
        public_key(data)
        shown = {"public": data.decode("ascii")}
    return {**(more or {}), "because": because, "people": people, "bytes": len(data), **day, **shown}


def _author(ledger: Ledger, draft: Draft, at: dt.datetime | None) -> Entry:
    require(standing(ledger, draft.subject, at), draft.kind)
    return act(ledger, draft, at)


def approve(
    ledger: Ledger,
    actor: str,
    subject: str,
    data: bytes,
    *,
    because: str = "",
    days: int | None = None,
    blocked: bool = False,
    people: int = 1,
    at: dt.datetime | None = None,
) -> Entry:
    """Agree to exact bytes, for some days.

    Parameters
    ----------
    data
        The bytes that the approver has looked at.
    days
        How long it holds; `LASTS` by default, a year at most.
    blocked
        That a tripwire blocked the run, and it is approved all the same.
    people
        How many have to approve as the approver sees it; the larger number counts.

    Raises
    ------
    EntryRefused
        By its proposer, last editor or an author of these bytes (``SELF_APPROVAL``); other bytes than those submitted
        (``VERSION``); nothing that could be approved (``STATE``).
    """
    lasts = LASTS.get(subject.partition("/")[0], MOST_DAYS) if days is None else days
    if type(lasts) is not int or not 1 <= lasts <= MOST_DAYS:
        raise EntryRefused(f"an approval cannot last {lasts!r} days", code="EXPIRY", mend=f"from 1 to {MOST_DAYS}")
    until = stamp((at or _now()) + dt.timedelta(days=lasts))
    body = {"because": because, "people": people, **({"blocked": True} if blocked else {}), "until": until}
    return _sign(ledger, Draft(actor, "approve", subject, body, sha256(data)), at)


def override(
    ledger: Ledger,
    actor: str,
    subject: str,
    data: bytes,
    *,
    because: str,
    review: dt.date,
    at: dt.datetime | None = None,
) -> Entry:
    """Be one of the two people who put something in force in an emergency, whatever approvals are missing.

    Parameters
    ----------
    because
        Why it cannot wait.
    review
        The day by whose end it is reviewed, within 30 days. Until then it holds, not longer.

    Raises
    ------
    EntryRefused
        As for `approve`; without a reason; without a day of review that is near.
    """
    now = at or _now()
    if not because.strip():
        raise EntryRefused("an override says why it cannot wait", code="REASON", mend="give the reason")
    if not dt.timedelta(0) <= review - now.date() <= dt.timedelta(REVIEW_WITHIN):
        raise EntryRefused(
            f"the review on {review} is not within {REVIEW_WITHIN} days", code="REVIEW", mend="name an earlier day"
        )
    until = dt.datetime.combine(review + dt.timedelta(1), dt.time(), dt.UTC)
    body = {"because": because, "review": review.isoformat(), "until": stamp(until)}
    return _sign(ledger, Draft(actor, "override", subject, body, sha256(data)), at)


def _sign(ledger: Ledger, draft: Draft, at: dt.datetime | None) -> Entry:
    one = standing(ledger, draft.subject, at)
    require(one, draft.kind)
    if draft.version != one.current.sha256:
        raise EntryRefused(
            f"these are not the bytes submitted as {one.name} ({draft.version[:12]}, not {one.current.sha256[:12]})",
            code="VERSION", mend="look at what was submitted, or submit these",
        )  # fmt: skip
    if one.is_author(draft.actor):
        raise EntryRefused(
            f"{draft.actor} proposed or edited {one.name} and cannot {draft.kind} it",
            code="SELF_APPROVAL", mend="ask somebody else",
        )  # fmt: skip
    return act(ledger, draft, at)


def reject(ledger: Ledger, actor: str, subject: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Send back what was proposed; its approvals are gone."""
    return _say(ledger, actor, "reject", subject, because, at)


def withdraw(ledger: Ledger, actor: str, subject: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Take back what was proposed, approved or is active; of a released run see `releases.withdraw_release`."""
    if standing(ledger, subject, at).state == "released":
        raise EntryRefused(f"{subject} is released", code="STATE", mend="withdraw the release")
    return _say(ledger, actor, "withdraw", subject, because, at)


def revert(ledger: Ledger, actor: str, subject: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """End what is active and go back to the approved version before it, if its approvals still hold."""
    return _say(ledger, actor, "revert", subject, because, at)


def expire(ledger: Ledger, actor: str, subject: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """End the approvals of something before their time."""
    return _say(ledger, actor, "expire", subject, because, at)


def review(ledger: Ledger, actor: str, subject: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Say that an override was reviewed, by somebody who did not give it, and what came of it."""
    overrides = unreviewed(ledger, subject).get(subject, [])
    if not overrides:
        raise EntryRefused(
            f"no override of {standing(ledger, subject, at).name} waits for review",
            code="STATE",
            mend="see `trimtab ledger calendar`",
        )
    if person(actor) in {entry.actor for entry in overrides}:
        raise EntryRefused(f"{person(actor)} gave the override", code="SELF_REVIEW", mend="ask somebody else")
    return _say(ledger, actor, "review", subject, because, at)


def unreviewed(ledger: Ledger, subject: str = "") -> dict[str, list[Entry]]:
    """Return the overrides that nobody has reviewed, by subject: whatever became since of what they let through."""
    waiting: dict[str, list[Entry]] = {}
    entries = list(read(ledger, kind=("override", "review"), subject=subject))
    uncounted = keyring(ledger).uncounted(entries)
    for entry in entries:
        if entry.kind == "review" and entry.sequence in uncounted:
            continue
        if entry.kind == "review":
            waiting.pop(entry.subject, None)
        else:
            waiting.setdefault(entry.subject, []).append(entry)
    return waiting


def _say(ledger: Ledger, actor: str, verb: str, subject: str, because: str, at: dt.datetime | None) -> Entry:
    one = standing(ledger, subject, at)
    require(one, verb)
    return act(ledger, Draft(actor, verb, subject, {"because": because}, one.current.sha256), at)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
