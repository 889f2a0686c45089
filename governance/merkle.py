"""One number for many records, and a proof for one of them that shows nothing of the others.

    leaf_i = SHA-256(0x00 ‖ salt_i ‖ record_i)      salt_i = SHA-256(0x02 ‖ secret ‖ i as 8 bytes)
    node   = SHA-256(0x01 ‖ left ‖ right)           split at the largest power of two below the count

as in RFC 6962 (Certificate Transparency) section 2.1, with salts: a neighbour's leaf stands in a proof, and without its
salt nobody can find the record by trying all likely ones. The root is worth what vouches for it: it stands in a record
of the ledger, whose head is signed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import LedgerBroken

SECRET_BYTES = 32
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Proof:
    """Why a record is one of a root's.

    Parameters
    ----------
    index, size
        The record's place, from 0, and how many records the root stands for.
    salt
        Of this record, hex.
    path
        The digests beside the way up, from the leaf on, hex: about log2(size) of them.
    """

    index: int
    size: int
    salt: str
    path: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        """Return the proof as what `canonical_json` takes."""
        return {"index": self.index, "path": list(self.path), "salt": self.salt, "size": self.size}


def read_proof(said: Mapping[str, object]) -> Proof:
    """Read what `Proof.plain` gave.

    Raises
    ------
    LedgerBroken
        It is no proof.
    """
    index, size, salt, path = (said.get(name) for name in ("index", "size", "salt", "path"))
    texts = [salt, *path] if isinstance(path, list) else [None]
    if type(index) is int and type(size) is int and all(isinstance(t, str) and _HEX.fullmatch(t) for t in texts):
        return Proof(index, size, str(salt), tuple(map(str, texts[1:])))
    raise LedgerBroken("this is no proof", code="PROOF", mend="ask for it again")


def new_secret() -> str:
    """Return what the salts of one run are made from, hex; it is kept with the records, never given with a proof."""
    return secrets.token_hex(SECRET_BYTES)


def merkle_root(records: Sequence[bytes], secret: str) -> str:
    """Return the one number that stands for records in their order.

    Parameters
    ----------
    records
        The bytes of each, at least one.
    secret
        From `new_secret`.

    Examples
    --------
    >>> records = [b"account 7", b"account 8", b"account 9"]
    >>> root = merkle_root(records, secret="ab" * 32)
    >>> proof = prove(records, "ab" * 32, 1)
    >>> len(proof.path), is_proved(b"account 8", proof, root), is_proved(b"account 8!", proof, root)
    (2, True, False)
    """
    return _levels(records, secret)[-1][0].hex()


def prove(records: Sequence[bytes], secret: str, index: int) -> Proof:
    """Return the proof of one record.

    Raises
    ------
    LedgerBroken
        There is no such record.
    """
    if not 0 <= index < len(records):
        raise LedgerBroken(f"there is no record {index} of {len(records)}", code="PROOF", mend="name one that is there")
    path, place = [], index
    for level in _levels(records, secret)[:-1]:
        beside = place ^ 1
        if beside < len(level):  # the last of an odd level goes up by itself
            path.append(level[beside].hex())
        place >>= 1
    return Proof(index, len(records), _salt(bytes.fromhex(secret), index).hex(), tuple(path))


def is_proved(record: bytes, proof: Proof, root: str) -> bool:
    """Return whether a proof leads from a record to a root.

    Parameters
    ----------
    record
        The bytes that are claimed to be among the records.
    proof
        From `prove`.
    root
        From the ledger, not from who gave the proof.
    """
    if not 0 <= proof.index < proof.size:
        return False
    digest = hashlib.sha256(b"\x00" + bytes.fromhex(proof.salt) + record).digest()
    place, last, path = proof.index, proof.size - 1, list(proof.path)
    while last:
        if place ^ 1 <= last:
            if not path:
                return False
            beside = bytes.fromhex(path.pop(0))
            digest = _node(beside, digest) if place & 1 else _node(digest, beside)
        place, last = place >> 1, last >> 1
    return not path and secrets.compare_digest(digest.hex(), root)


def _levels(records: Sequence[bytes], secret: str) -> list[list[bytes]]:
    """Return the digests of each level, leaves first. Pairing up and lifting an odd last one is RFC 6962's tree."""
    if not records:
        raise LedgerBroken("nothing has no root", code="PROOF", mend="give at least one record")
    seed = bytes.fromhex(secret)
    levels = [[hashlib.sha256(b"\x00" + _salt(seed, i) + record).digest() for i, record in enumerate(records)]]
    while len(level := levels[-1]) > 1:
        above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        levels.append([*above, level[-1]] if len(level) % 2 else above)
    return levels


def _salt(seed: bytes, index: int) -> bytes:
    return hashlib.sha256(b"\x02" + seed + index.to_bytes(8, "big")).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
