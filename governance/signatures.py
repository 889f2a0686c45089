"""An act signed by who does it: Ed25519 over all that the entry says, in this one ledger, once.

A signature stands in the body of its entry and is over the canonical JSON of {actor, body, key, kind, ledger, subject,
version}, the body without it, after a prefix that no other document has. ``ledger`` is the digest of the ledger's first
record, so that it says nothing in another ledger; ``key`` is the entry's own and stands once, so that it says nothing
twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .canonical import canonical_json, parse
from .entries import Draft, Entry

PREFIX = b"trimtab act 1\n"
FIELD = "signature"


@dataclass(frozen=True)
class Signer:
    """A person at work, with their key.

    Parameters
    ----------
    actor
        Whose acts are signed; acts in other names are left as they are.
    key
        Their secret key.
    origin
        The digest of the ledger's first record.
    """

    actor: str
    key: Ed25519PrivateKey = field(repr=False)
    origin: str

    def sign(self, draft: Draft) -> Draft:
        """Return the draft with this person's signature, if it is theirs; the same draft gives the same signature."""
        if draft.actor != self.actor:
            return draft
        body = _rest(parse(draft.text))
        data = _signed(self.origin, draft, body)
        return Draft(
            draft.actor, draft.kind, draft.subject, {**body, FIELD: self.key.sign(data).hex()}, draft.version, draft.key
        )


def is_signed(entry: Entry, public: Ed25519PublicKey, origin: str) -> bool:
    """Return whether an entry of the ledger that began with ``origin`` carries a signature by a key."""
    try:
        public.verify(bytes.fromhex(str(entry.body[FIELD])), _signed(origin, entry, _rest(entry.body)))
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True


def _rest(body: Any) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != FIELD}


def _signed(origin: str, act: Draft | Entry, body: Mapping[str, object]) -> bytes:
    told = {
        "actor": act.actor, "body": dict(body), "key": act.key, "kind": act.kind, "ledger": origin,
        "subject": act.subject, "version": act.version,
    }  # fmt: skip
    return PREFIX + canonical_json(told)
