"""Where something stands: its state, folded from the entries about it. Nothing else is stored anywhere.

The fold is a pure function of the entries and of the moment it is asked for. It believes no entry: one that the
state does not allow, an approval of other bytes or by one of their authors changes nothing, and is listed as ignored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import EntryRefused
from ..units import FrozenMap
from .entries import APPROVING, AUTHORING, Entry, moment
from .guards import ENDING
from .states import BEGIN, LAPSE, MACHINES, NOTHING, QUORUM, Machine, machine_of

EMERGENCY = 2
"""People that an override takes."""
_CLEARING = (*ENDING, "revert")
_BACK = ("reject", "revert")
"""After these the version before is the current one again; after `withdraw` too, where the newer one was not active."""


@dataclass(frozen=True)
class Approval:
    """One person's yes to exact bytes.

    Parameters
    ----------
    actor, at, until
        Who, when, and until when it holds (not at that moment any more), UTC.
    sequence
        Of its entry.
    emergency
        Whether it is half of an override.
    blocked
        Whether it says that a tripwire had blocked the run.
    """

    actor: str
    at: dt.datetime
    until: dt.datetime
    sequence: int
    emergency: bool = False
    blocked: bool = False

    def holds(self, at: dt.datetime) -> bool:
        """Return whether it holds at a moment."""
        return self.at <= at < self.until


@dataclass(frozen=True)
class Version:
    """Exact bytes of something, and what people said about them.

    Parameters
    ----------
    sha256, state
        Of which bytes; where they stand.
    proposer, editor
        Who submitted last, and who submitted or edited last.
    people
        How many have to approve.
    since
        The day from which it is meant to hold.
    approvals
        Those given, also where they no longer hold.
    body
        What the submission said.
    sequence
        Of the submission or edit.
    begun
        Whether it was ever active.
    """

    sha256: str = ""
    state: str = NOTHING
    proposer: str = ""
    editor: str = ""
    people: int = 1
    since: dt.date | None = None
    approvals: tuple[Approval, ...] = ()
    body: Mapping[str, object] = field(default_factory=FrozenMap)
    sequence: int = 0
    begun: bool = False

    def signed(self, at: dt.datetime) -> bool:
        """Return whether enough approvals hold at a moment, or an override of two people."""
        return len(self.signers(at)) >= self.people or self.overridden(at)

    def signers(self, at: dt.datetime) -> frozenset[str]:
        """Return whose approvals hold."""
        return frozenset(a.actor for a in self.approvals if a.holds(at) and not a.emergency)

    def overridden(self, at: dt.datetime) -> bool:
        """Return whether two people overrode the rules for it, and neither's day of review is over."""
        return len({a.actor for a in self.approvals if a.holds(at) and a.emergency}) >= EMERGENCY


@dataclass(frozen=True)
class Standing:
    """A subject at a moment.

    Parameters
    ----------
    subject, at
        What, when.
    current
        The version last submitted or edited.
    former
        Versions that were approved when a newer one came, the newest last.
    authors
        Pairs of a version's SHA-256 and a person who submitted it or edited something into it.
    ignored
        Entries that changed nothing.
    """

    subject: str
    at: dt.datetime
    current: Version = Version()
    former: tuple[Version, ...] = ()
    authors: frozenset[tuple[str, str]] = frozenset()
    ignored: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The subject as a sentence says it: of a run the first digits of its id."""
        sort, _, name = self.subject.partition("/")
        return f"{sort}/{name[:12]}" if sort == "run" else self.subject

    @property
    def state(self) -> str:
        """Where the current version stands."""
        return self.current.state

    @property
    def in_force(self) -> Version | None:
        """The version that holds now: the current one once it is active, until then the active one before it."""
        for version in (self.current, *reversed(self.former)):
            if version.state == "active":
                return version
            if version.begun:  # what it replaced does not rise again because it ended
                return None
        return None

    def is_author(self, actor: str) -> bool:
        """Return whether a person proposed, last edited or ever wrote the current bytes."""
        now = self.current
        return actor in (now.proposer, now.editor) or (now.sha256, actor) in self.authors


def fold(entries: Iterable[Entry], at: dt.datetime, uncounted: Container[int] = ()) -> dict[str, Standing]:
    """Return where every subject stands at a moment.

    Parameters
    ----------
    entries
        In their order; those of subjects without a machine and those after ``at`` are passed over.
    at
        The moment, with its time zone.
    uncounted
        Numbers of entries that change nothing whatever they say: see `keyrings`.

    Examples
    --------
    >>> noon = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    >>> yes = {"until": "2026-12-01T00:00:00.000000Z"}
    >>> said = [Entry(1, "", noon, "ann", "submit", "policy/p", "a" * 64, "k1", {}, ""),
    ...         Entry(2, "", noon, "ben", "approve", "policy/p", "a" * 64, "k2", yes, "")]
    >>> fold(said, noon)["policy/p"].state, fold(said, noon + dt.timedelta(30))["policy/p"].state
    ('active', 'expired')
    """
    found: dict[str, Standing] = {}
    for entry in entries:
        machine = machine_of(entry.subject)
        if machine is not None and entry.at <= at:
            before = found.get(entry.subject) or Standing(entry.subject, entry.at)
            if entry.sequence in uncounted:
                found[entry.subject] = replace(before, ignored=(*before.ignored, entry.sequence))
            else:
                found[entry.subject] = _after(_settled(before, machine, entry.at), machine, entry)
    return {name: _settled(one, MACHINES[name.partition("/")[0]], at) for name, one in found.items()}


def require(one: Standing, verb: str) -> None:
    """Refuse a verb that the state does not allow; raise ``EntryRefused``."""
    machine = machine_of(one.subject)
    allowed = machine.allowed(one.state) if machine else ()
    if verb not in allowed:
        where = f"{one.name} is {one.state}" if one.state != NOTHING else f"nothing was submitted as {one.name}"
        raise EntryRefused(
            f"{where}: there is nothing to {verb}",
            code="STATE",
            mend=f"now one may {', '.join(allowed) or 'do nothing'}",
        )


def _settled(one: Standing, machine: Machine, at: dt.datetime) -> Standing:
    """Let time and signatures do what they do."""
    former = tuple(_settle(version, machine, at) for version in one.former)
    return replace(one, at=at, current=_settle(one.current, machine, at), former=former)


def _settle(version: Version, machine: Machine, at: dt.datetime) -> Version:
    signed = version.signed(at)
    events = {QUORUM: signed, BEGIN: version.since is None or version.since <= at.date(), LAPSE: not signed}
    while event := next((e for e, is_so in events.items() if is_so and (version.state, e) in machine.moves), None):
        version = replace(version, state=machine.moves[version.state, event], begun=version.begun or event == BEGIN)
    return version


def _after(one: Standing, machine: Machine, entry: Entry) -> Standing:
    """Return the standing after one more entry."""
    if entry.kind not in machine.verbs:  # a note about it
        return one
    to = machine.moves.get((one.state, entry.kind))
    approval = _approval(one, entry) if entry.kind in APPROVING else None
    if to is None or (entry.kind in APPROVING and approval is None) or (entry.kind in AUTHORING and not _whole(entry)):
        return replace(one, ignored=(*one.ignored, entry.sequence))
    now = one.current
    if entry.kind in AUTHORING:
        one = _authored(one, machine, entry, to)
    elif approval is not None:
        people = max(now.people, _people(entry))
        one = replace(one, current=replace(now, state=to, people=people, approvals=(*now.approvals, approval)))
    elif one.former and (entry.kind in _BACK or (entry.kind == "withdraw" and now.state != "active")):
        one = replace(one, current=one.former[-1], former=one.former[:-1])
    else:
        approvals = () if entry.kind in _CLEARING else now.approvals
        one = replace(one, current=replace(now, state=to, approvals=approvals))
    return _settled(one, machine, entry.at)


def _authored(one: Standing, machine: Machine, entry: Entry, to: str) -> Standing:
    """Take a new version; one that is approved stays behind it."""
    now, former = one.current, one.former
    if machine.keeps_former and now.state in ("approved", "active"):
        former = (*former, now)
    elif now.begun:
        former = ()
    current = Version(
        sha256=entry.version,
        state=to,
        proposer=entry.actor if entry.kind == "submit" else now.proposer,
        editor=entry.actor,
        people=_people(entry),
        since=_since(entry),
        body=FrozenMap(entry.body),
        sequence=entry.sequence,
    )
    return replace(one, current=current, former=former, authors=one.authors | {(entry.version, entry.actor)})


def _people(entry: Entry) -> int:
    told = entry.body.get("people")
    return told if type(told) is int and told >= 1 else 1


def _since(entry: Entry) -> dt.date | None:
    told = entry.body.get("since")
    return None if told is None else dt.date.fromisoformat(str(told))


def _whole(entry: Entry) -> bool:
    """Return whether a submission names its bytes, and a day if it names one."""
    try:
        _since(entry)
    except ValueError:
        return False
    return bool(entry.version)


def _approval(one: Standing, entry: Entry) -> Approval | None:
    """Return the approval that an entry gives, None where it gives none."""
    if entry.version != one.current.sha256 or one.is_author(entry.actor):
        return None
    try:
        until = moment(str(entry.body["until"]))
    except (KeyError, ValueError):
        return None
    blocked = entry.body.get("blocked") is True
    return Approval(entry.actor, entry.at, until, entry.sequence, entry.kind == "override", blocked)
