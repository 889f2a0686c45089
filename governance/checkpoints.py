"""Signed heads: one digest, signed and kept elsewhere, vouches for every record up to it.

A checkpoint is a line of canonical JSON in a file beside or, better, away from the ledger:

    {"at", "digest", "key", "previous", "sequence", "signature"}

``previous`` is the SHA-256 of the line before, so that no line is taken out of the middle; the signature is Ed25519
over the line without it, after a prefix that no other document has.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import exc

from ..errors import EntryRefused, LedgerBroken, LedgerError
from .canonical import canonical_json, parse, sha256
from .connections import Ledger, check_private, refused, writing
from .entries import GENESIS
from .schemas import ENTRIES

PREFIX = b"trimtab checkpoint 1\n"
_STOP = "stop, keep every file as it is, look who had access"


@dataclass(frozen=True)
class Checkpoint:
    """A head that was signed.

    Parameters
    ----------
    sequence, digest, at
        Of the head: its number, its SHA-256 and its moment (text as in the ledger).
    key
        SHA-256 of the public key's 32 bytes.
    previous
        SHA-256 of the line before in the file.
    signature
        Ed25519, 128 hex digits.
    """

    sequence: int
    digest: str
    at: str
    key: str
    previous: str
    signature: str = ""

    def signed(self) -> bytes:
        """Return the bytes that the signature is over."""
        return PREFIX + canonical_json(self._plain())

    def line(self) -> bytes:
        """Return the checkpoint as it stands in the file, without the line's end."""
        return canonical_json({**self._plain(), "signature": self.signature})

    def _plain(self) -> dict[str, object]:
        return {
            "at": self.at,
            "digest": self.digest,
            "key": self.key,
            "previous": self.previous,
            "sequence": self.sequence,
        }


def make_key(path: str | Path) -> Path:
    """Make a signing key (permissions 0600) and, beside it, its public half ``PATH.pub``; return the latter.

    Raises
    ------
    LedgerError
        Something stands there already: a key is never written over.
    """
    path = Path(path)
    public = path.with_name(path.name + ".pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write_new(path, secret, 0o600)
    _write_new(public, shown, 0o644)
    return public


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}", code="KEY_FILE", mend="choose another name") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a secret key that its owner alone may read.

    Raises
    ------
    LedgerError
        There is none, or others may read it.
    """
    try:
        check_private(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError(f"{path} is no Ed25519 key", code="KEY_FILE", mend="make one: `trimtab ledger init`")
    return key


def read_public_key(path: str | Path) -> Ed25519PublicKey:
    """Read a public key in PEM.

    Raises
    ------
    LedgerError
        There is none.
    """
    try:
        key = serialization.load_pem_public_key(Path(path).read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise LedgerError(f"{path} is no public Ed25519 key", code="KEY_FILE", mend="name the .pub file")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's 32 bytes."""
    return sha256(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def sign_head(ledger: Ledger, file: str | Path, key: str | Path) -> Checkpoint:
    """Sign the head and append it to the file of checkpoints, durably.

    Parameters
    ----------
    ledger
        Which.
    file
        The checkpoints; made with permissions 0600 where there is none.
    key
        The signing key's file.

    Raises
    ------
    LedgerBroken
        The records that the last checkpoint vouches for are not there any more: nothing is signed over them.
    LedgerError
        The key or the file cannot be used, or the ledger is empty.
    """
    file, secret = Path(file), read_key(Path(key))
    public = secret.public_key()
    try:
        with writing(ledger) as connection:  # one at a time: the line before is known
            standing = read_checkpoints(file, public) if file.exists() else ()
            head = _record(connection, None)
            if head is None:
                raise LedgerError("the ledger is empty", code="EMPTY", mend="append something first")
            if standing and (_record(connection, standing[-1].sequence) or (0, ""))[1] != standing[-1].digest:
                raise LedgerBroken(f"the checkpoint at {standing[-1].sequence} vouches for other records",
                                   code="CHECKPOINT", mend=_STOP)  # fmt: skip
            previous = sha256(standing[-1].line()) if standing else GENESIS
            made = Checkpoint(head[0], head[1], head[2], fingerprint(public), previous)
            made = Checkpoint(made.sequence, made.digest, made.at, made.key, previous, secret.sign(made.signed()).hex())
            _append_line(file, made.line())
    except exc.DBAPIError as error:
        raise refused(ledger, error) from None
    return made


def _record(connection: sa.Connection, sequence: int | None) -> tuple[int, str, str] | None:
    chosen = sa.select(ENTRIES.c.sequence, ENTRIES.c.digest, ENTRIES.c.at).order_by(ENTRIES.c.sequence.desc()).limit(1)
    row = connection.execute(chosen if sequence is None else chosen.where(ENTRIES.c.sequence == sequence)).first()
    return None if row is None else (row[0], row[1], row[2])


def _append_line(file: Path, line: bytes) -> None:
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "r+b") as opened:
            whole = opened.read()
            opened.seek(whole.rfind(b"\n") + 1)  # a line that a crash left unfinished is written again
            opened.truncate()
            opened.write(line + b"\n")
            opened.flush()
            os.fsync(handle)
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}", code="CHECKPOINT_FILE", mend="choose another file") from None


def read_checkpoints(file: str | Path, public: Ed25519PublicKey | str | Path) -> tuple[Checkpoint, ...]:
    """Read checkpoints and believe none that the key did not sign.

    Parameters
    ----------
    file
        The checkpoints. A last line without its end (a crash) does not count.
    public
        The public key, or its file: from someone other than who may write the checkpoints.

    Raises
    ------
    LedgerBroken
        A line that is no checkpoint, is not signed by this key, does not follow the one before or goes back.
    """
    key = public if isinstance(public, Ed25519PublicKey) else read_public_key(public)
    try:
        lines = Path(file).read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}", code="CHECKPOINT_FILE", mend="name the file") from None
    found: list[Checkpoint] = []
    for number, line in enumerate(lines, 1):
        made = _checked(line, key)
        follows = made is not None and made.previous == (sha256(lines[number - 2]) if found else GENESIS)
        if made is None or not follows or (found and made.sequence < found[-1].sequence):
            raise LedgerBroken(
                f"{file}, line {number}: this key signed no such checkpoint here", code="CHECKPOINT", mend=_STOP
            )
        found.append(made)
    return tuple(found)


def _checked(line: bytes, key: Ed25519PublicKey) -> Checkpoint | None:
    """Return the checkpoint that a line is, None where it is none of this key's."""
    try:
        said = parse(line)
        if not isinstance(said, dict):
            return None
        made = Checkpoint(**said)
        key.verify(bytes.fromhex(made.signature), made.signed())
    except (EntryRefused, InvalidSignature, TypeError, ValueError):
        return None
    return made if made.line() == line and made.key == fingerprint(key) else None
