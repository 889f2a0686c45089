"""Whose key is whose, from the ledger itself: what is done in the name of who has a key there, and not signed, is void.

A person's public key is a subject like others, ``person/NAME``: somebody submits it, another approves it, and it is in
force. From then on every act in that name (submit, approve, release, lift ...) counts only with a signature by the key
in force at its moment. A key that ended is no way round: its holder's acts do not count until another key is approved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..errors import EntryRefused, LedgerError
from .canonical import sha256
from .checkpoints import read_key
from .entries import APPROVING, GENESIS, Entry, person
from .folds import Version, fold
from .guards import SWITCH
from .ledgers import Ledger, read, read_acts
from .signatures import Signer, is_signed
from .states import MACHINES

SORT = "person"


@dataclass(frozen=True)
class Keyring:
    """The keys of people.

    Parameters
    ----------
    origin
        The digest of the ledger's first record.
    said
        What people said about keys, as far as it counts, in order.
    unsigned
        Entries about keys that do not count.
    """

    origin: str
    said: tuple[Entry, ...] = ()
    unsigned: frozenset[int] = frozenset()

    def refuses(self, entry: Entry) -> bool:
        """Return whether an act does not count: its actor has a key in the ledger and did not sign it by that."""
        return self.vouches(entry) is False

    def vouches(self, entry: Entry) -> bool | None:
        """Return whether an entry is signed by its actor's key of that moment; None where they had none."""
        has_key, public = self.key_of(entry.actor, entry.at, entry.sequence)
        return None if not has_key else public is not None and is_signed(entry, public, self.origin)

    def key_of(self, actor: str, at: dt.datetime, before: int | None = None) -> tuple[bool, Ed25519PublicKey | None]:
        """Return whether a person ever had a key, and the one in force.

        Parameters
        ----------
        before
            Only by what stands before this record.
        """
        subject = f"{SORT}/{actor}"
        own = [e for e in self.said if e.subject == subject and (before is None or e.sequence < before)]
        one = fold(own, at).get(subject)
        if one is None or not any(e.kind in APPROVING and e.sequence not in one.ignored for e in own):
            return False, None
        return True, _public(one.in_force)

    def owners(self, public: Ed25519PublicKey, at: dt.datetime) -> tuple[str, ...]:
        """Return whose key a key is."""
        names = dict.fromkeys(e.subject.partition("/")[2] for e in self.said)
        return tuple(name for name in names if self.key_of(name, at)[1] == public)

    def uncounted(self, entries: Iterable[Entry]) -> frozenset[int]:
        """Return the numbers of those entries that do not count."""
        if not self.said:
            return frozenset()
        return self.unsigned | {entry.sequence for entry in entries if self.refuses(entry)}


def keyring(ledger: Ledger, read_already: Iterable[Entry] | None = None) -> Keyring:
    """Return the keys of people, from what the ledger says of them.

    Parameters
    ----------
    read_already
        Entries among which all about keys are, where somebody has them at hand.
    """
    found = read_acts(ledger, MACHINES[SORT].verbs, sorts=[SORT]) if read_already is None else read_already
    told = [entry for entry in found if entry.subject.startswith(f"{SORT}/")]
    if not told:
        return Keyring(GENESIS)
    ring = Keyring(_origin(ledger))
    for entry in told:  # in order: a new key is asked for by the old one
        if ring.refuses(entry):
            ring = replace(ring, unsigned=ring.unsigned | {entry.sequence})
        else:
            ring = replace(ring, said=(*ring.said, entry))
    return ring


def counted(ledger: Ledger, entries: Iterable[Entry]) -> list[Entry]:
    """Return those entries that count: all but what somebody with a key did not sign."""
    told = list(entries)
    uncounted = keyring(ledger).uncounted(told)
    return [entry for entry in told if entry.sequence not in uncounted]


def signing(ledger: Ledger, actor: str, key: str | Path) -> Ledger:
    """Return the ledger as a person uses it who signs what they do.

    Parameters
    ----------
    key
        The file of their secret key (`make_key`), readable by them alone.

    Raises
    ------
    LedgerError
        The key cannot be used, or the ledger is empty.
    """
    return replace(ledger, signer=Signer(person(actor), read_key(Path(key)), _origin(ledger)))


def check_signer(ledger: Ledger, actor: str, at: dt.datetime | None = None) -> None:
    """Refuse what somebody would do in vain.

    Raises
    ------
    EntryRefused
        They have a key in the ledger, and the ledger was not opened with it; or they use somebody else's
        (``UNSIGNED``).
    """
    name, now, ring = person(actor), at or dt.datetime.now(dt.UTC), keyring(ledger)
    has_key, public = ring.key_of(name, now)
    if has_key and public is None:
        raise EntryRefused(
            f"the key of {name} has ended", code="UNSIGNED", mend="have a new one submitted and approved by others"
        )
    own = ledger.signer.key.public_key() if ledger.signer and ledger.signer.actor == name else None
    if has_key and public != own:
        raise EntryRefused(
            f"{name} has a key in the ledger, and this was not signed by it", code="UNSIGNED",
            mend="sign with it: `--sign KEY`, or TRIMTAB_SIGN",
        )  # fmt: skip
    if own is not None and not has_key and (whose := ring.owners(own, now)):
        raise EntryRefused(f"this key is that of {', '.join(whose)}", code="UNSIGNED", mend=f"{name} takes their own")


def unsigned_acts(ledger: Ledger) -> list[Entry]:
    """Return the acts in the name of people who have a key that they did not sign: none of them counts."""
    ring = keyring(ledger)
    if not ring.said:
        return []
    acts = (e for sort, machine in MACHINES.items() for e in read_acts(ledger, machine.verbs, sorts=[sort]))
    found = [entry for entry in (*acts, *read(ledger, subject=SWITCH)) if ring.refuses(entry)]
    return sorted(found, key=lambda entry: entry.sequence)


def public_key(data: bytes) -> Ed25519PublicKey:
    """Read a public key from the bytes of its file.

    Raises
    ------
    EntryRefused
        They are no Ed25519 key in PEM.
    """
    try:
        key = serialization.load_pem_public_key(data)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise EntryRefused("this is no public Ed25519 key", code="KEY_FILE", mend="give the .pub file")
    return key


def _public(version: Version | None) -> Ed25519PublicKey | None:
    """Return the key in force; what was approved are its file's bytes, which the submission repeats."""
    if version is None:
        return None
    data = str(version.body.get("public", "")).encode()
    return public_key(data) if sha256(data) == version.sha256 else None


def _origin(ledger: Ledger) -> str:
    first = next(iter(read(ledger, most=1)), None)
    if first is None:
        raise LedgerError("the ledger is empty", code="EMPTY", mend="submit a key first, without a signature")
    return first.digest
