"""What the ledger is made of: drafts go in, entries stand.

    digest_n = SHA-256(canonical JSON of {actor, at, body, key, kind, previous, sequence, subject, version})
    sequence = n, previous = digest_{n-1}

so that whoever changes one record must change all that follow, and any one digest vouches for everything before it.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring

from ..errors import EntryRefused
from .canonical import canonical_json, parse, sha256

GENESIS = "0" * 64
"""What the first record has for a previous digest."""
AUTHORING = ("submit", "edit")
"""Kinds whose entry sets the current version of a subject; the database reads them too."""
APPROVING = ("approve",)
"""Kinds that the database refuses from the proposer and the last editor."""

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VERSION = re.compile(r"(?:[0-9a-f]{64})?")
_LONGEST = 200


@dataclass(frozen=True)
class Draft:
    """What someone wants recorded.

    Parameters
    ----------
    actor
        Who acts. Stored in lower case and composed form, so that Ann and ANN are one person.
    kind
        The verb: ``submit``, ``edit``, ``approve``, ``fill`` ...; lower case letters, digits, underscores.
    subject
        What it is about, e.g. ``policy/balanced`` or ``run/4f2a...``.
    body
        Anything that `canonical_json` takes.
    version
        SHA-256 of the exact bytes that are meant, or nothing. ``submit`` and ``edit`` set a subject's current version;
        ``approve`` must name it.
    key
        A name for this one act: appending it again records nothing twice. Random unless given.
    """

    actor: str
    kind: str
    subject: str
    body: Mapping[str, object] = field(default_factory=dict)
    version: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        """Refuse names that could be mistaken for others, or that break a line."""
        object.__setattr__(self, "actor", person(self.actor))
        _check_name("subject", self.subject)
        _check_name("key", self.key)
        if not _KIND.fullmatch(self.kind):
            raise EntryRefused("a kind is lower case letters, digits and _", code="BAD_NAME", mend="rename it")
        if not _VERSION.fullmatch(self.version):
            raise EntryRefused(
                "a version is a SHA-256, 64 hex digits", code="BAD_NAME", mend="give the hash or nothing"
            )
        if not isinstance(self.body, Mapping):
            raise EntryRefused("a body is a mapping", code="BAD_JSON", mend="give a dictionary")


@dataclass(frozen=True)
class Entry:
    """One record as it stands; fields as in `Draft`, and where it stands.

    Parameters
    ----------
    sequence
        1, 2, 3 ... without gaps.
    previous, digest
        SHA-256 of the record before and of this one, hex.
    at
        When it was appended, UTC.
    """

    sequence: int
    previous: str
    at: dt.datetime
    actor: str
    kind: str
    subject: str
    version: str
    key: str
    body: Mapping[str, object]
    digest: str


COLUMNS = ("sequence", "previous", "at", "actor", "kind", "subject", "version", "key", "body", "digest")
"""The columns of the table, in this order; all text but the sequence, the body canonical JSON."""


def person(name: str) -> str:
    """Return the one spelling of a person's id.

    >>> person("Ann"), person("BÖRSE/Ann")
    ('ann', 'börse/ann')
    """
    _check_name("actor", name)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check_name(what: str, name: str) -> None:
    # Cc, Cf: line breaks, NUL, marks that turn the reading direction; Cs: no UTF-8; Z: blanks that look like another
    if not isinstance(name, str) or not name or len(name) > _LONGEST or name != name.strip():
        raise EntryRefused(
            f"{what} is empty, longer than {_LONGEST} characters or has blanks at an end",
            code="BAD_NAME",
            mend="rename it",
        )
    if any(c != " " and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp") for c in name):
        raise EntryRefused(f"{what} holds a character that cannot be seen", code="BAD_NAME", mend="take it out")


def stamp(moment: dt.datetime) -> str:
    """Return a moment as text whose order is that of time.

    >>> stamp(dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC))
    '2026-11-20T09:30:00.000000Z'
    """
    if moment.tzinfo is None:
        raise EntryRefused("a moment has no time zone", code="CLOCK", mend="give UTC")
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> dt.datetime:
    """Read what `stamp` wrote.

    >>> moment("2026-11-20T09:30:00.000000Z")
    datetime.datetime(2026, 11, 20, 9, 30, tzinfo=datetime.timezone.utc)
    """
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)


def preimage(sequence: int, previous: str, at: str, draft: Draft, body: str) -> bytes:
    """Return the bytes whose SHA-256 is the digest: canonical JSON put together from its parts, keys in order."""
    return (
        f'{{"actor":{encode_basestring(draft.actor)},"at":"{at}","body":{body},"key":{encode_basestring(draft.key)},'
        f'"kind":"{draft.kind}","previous":"{previous}","sequence":{sequence},'
        f'"subject":{encode_basestring(draft.subject)},"version":"{draft.version}"}}'
    ).encode()


def chain(drafts: list[Draft], sequence: int, previous: str, at: str) -> list[tuple]:
    """Return the rows of drafts that follow the record ``sequence`` with digest ``previous``, columns as `COLUMNS`."""
    rows = []
    for draft in drafts:
        sequence += 1
        body = canonical_json(draft.body).decode()
        digest = sha256(preimage(sequence, previous, at, draft, body))
        rows.append((
            sequence, previous, at, draft.actor, draft.kind, draft.subject, draft.version, draft.key, body, digest
        ))  # fmt: skip
        previous = digest
    return rows


def entry(row: tuple) -> Entry:
    """Return a row of the table as an entry."""
    sequence, previous, at, actor, kind, subject, version, key, body, digest = row
    found = parse(body)
    if not isinstance(found, dict):
        raise EntryRefused("a body is a mapping", code="BAD_JSON", mend="run `trimtab ledger verify`")
    return Entry(sequence, previous, moment(at), actor, kind, subject, version, key, found, digest)
