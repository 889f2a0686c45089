"""What the ledger is made of: drafts go in, entries stand.

    digest_n = SHA-256(canonical JSON of {actor, at, body, key, kind, previous, sequence, subject, version})
    sequence = n, previous = digest_{n-1}

so that whoever changes one record must change all that follow, and any one digest vouches for everything before it.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring

from ..errors import EntryRefused, LedgerBroken
from .canonical import canonical_json, parse, sha256

GENESIS = "0" * 64
"""What the first record has for a previous digest."""
AUTHORING = ("submit", "edit")
"""Kinds whose entry sets the current version of a subject; the database reads them too."""
APPROVING = ("approve", "override")
"""Kinds that the database refuses from the proposer and the last editor."""

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VERSION = re.compile(r"(?:[0-9a-f]{64})?")
_LONGEST = 200


def new_key() -> str:
    """Return a key that nobody else makes; later ones sort later, which keeps the index of a large ledger quick."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


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
        A name for this one act: appending it again records nothing twice. New unless given.

    Attributes
    ----------
    text
        The body's canonical JSON.
    """

    actor: str
    kind: str
    subject: str
    body: Mapping[str, object] = field(default_factory=dict)
    version: str = ""
    key: str = field(default_factory=new_key)
    text: str = field(init=False, repr=False, compare=False)

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
        # The text is fixed here: whoever changes the dictionary afterwards changes nothing that is recorded.
        object.__setattr__(self, "text", canonical_json(dict(self.body)).decode())


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
    if not name.isprintable() and any(
        c != " " and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp") for c in name
    ):
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
    return dt.datetime.fromisoformat(text)


def chain(drafts: Iterable[Draft], sequence: int, previous: str, at: str) -> Iterator[tuple]:
    """Yield the rows of drafts that follow the record ``sequence`` with digest ``previous``, columns as `COLUMNS`."""
    for draft in drafts:
        sequence += 1
        row = (sequence, previous, at, draft.actor, draft.kind, draft.subject, draft.version, draft.key, draft.text)
        previous = sha256(preimage(row))
        yield (*row, previous)


def preimage(row: tuple) -> bytes:
    """Return the bytes whose SHA-256 is the digest: canonical JSON put together from a row, keys in order."""
    sequence, previous, at, actor, kind, subject, version, key, body = row[:9]
    return (
        f'{{"actor":{encode_basestring(actor)},"at":"{at}","body":{body},"key":{encode_basestring(key)},"kind":"{kind}",'
        f'"previous":"{previous}","sequence":{sequence},"subject":{encode_basestring(subject)},"version":"{version}"}}'
    ).encode()


def entry(row: tuple) -> Entry:
    """Return a row of the table as an entry.

    Raises
    ------
    LedgerBroken
        The row is not one that was ever written here.
    """
    sequence, previous, at, actor, kind, subject, version, key, body, digest = row
    try:
        found, when = parse(body), moment(at)
    except (EntryRefused, ValueError, TypeError):
        found = when = None
    if not isinstance(found, dict) or when is None:
        raise LedgerBroken(f"record {sequence} cannot be read", code="RECORD", mend="run `trimtab ledger verify`")
    return Entry(sequence, previous, when, actor, kind, subject, version, key, found, digest)
