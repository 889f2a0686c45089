"""What a decision was made from, kept by content: the name of a file is the SHA-256 of its bytes.

Whatever a run read (tables, policy) and wrote is copied here once, however many runs share it, and is checked whenever
it is read. No name that anybody chose enters a path. ::

    objects/3f/9a...          the bytes whose SHA-256 is 3f9a...
    inputs/<sha256>/          a book and its policy put together from objects, for a run or a replay to read

Folders have mode 0700, files 0600.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..batches.layouts import LAYOUTS
from ..batches.parts import SUFFIXES
from ..batches.stores import sync_folder
from ..errors import LedgerBroken, LedgerError
from ..units import FrozenMap
from .canonical import canonical_json, parse, sha256

POLICY = "_policy.toml"
"""The policy's name beside the tables of a book; a book skips names that begin with ``_``."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Store:
    """A folder of objects, opened; its owner alone may read it."""

    path: Path


@dataclass(frozen=True)
class Piece:
    """One file of a table: the SHA-256 of its bytes, its format, and whether it is the whole table by itself."""

    sha256: str
    suffix: str
    alone: bool = True


@dataclass(frozen=True)
class Inputs:
    """What a run reads: the files of each table in their order, and the SHA-256 of the policy's file."""

    tables: Mapping[str, tuple[Piece, ...]]
    policy: str

    def plain(self) -> dict[str, object]:
        """Return it as canonical JSON has it."""
        tables = {
            name: [{"sha256": p.sha256, "suffix": p.suffix, "alone": p.alone} for p in own]
            for name, own in sorted(self.tables.items())
        }
        return {"tables": tables, "policy": self.policy}


def read_inputs(told: object) -> Inputs:
    """Return what :meth:`Inputs.plain` gave; raise ``LedgerBroken`` for anything else."""
    try:
        tables, policy = told["tables"], told["policy"]  # type: ignore[index]
        read = {
            str(name): tuple(Piece(p["sha256"], p["suffix"], p["alone"]) for p in own) for name, own in tables.items()
        }
    except (TypeError, KeyError, AttributeError):
        raise LedgerBroken("a snapshot does not say what a snapshot says", code="SNAPSHOT") from None
    for name, own in read.items():
        if name not in LAYOUTS or any(p.suffix not in SUFFIXES or not _DIGEST.fullmatch(p.sha256) for p in own):
            raise LedgerBroken("a snapshot names something that is no table", code="SNAPSHOT")
    return Inputs(FrozenMap(read), str(policy))


def make_store(folder: str | Path) -> Store:
    """Make a store, or open the one that is there.

    Raises
    ------
    LedgerError
        The folder cannot be made, or others than its owner may read it.
    """
    try:
        for path in (Path(folder), Path(folder) / "objects", Path(folder) / "inputs"):
            path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"{folder} cannot be made: {error.strerror}", code="STORE", mend="choose another") from None
    return open_store(folder)


def open_store(folder: str | Path) -> Store:
    """Open a store that is there; raise ``LedgerError`` where there is none or it is not private."""
    path = Path(folder).absolute()
    for one in (path, path / "objects", path / "inputs"):
        try:
            mode = one.lstat().st_mode
        except OSError:
            raise LedgerError(
                f"{path} is no store of snapshots", code="STORE", mend="make it: `trimtab ledger init`"
            ) from None
        if not stat.S_ISDIR(mode) or (os.name == "posix" and mode & 0o077):
            raise LedgerError(f"{one} is a link, or others may read it", code="PERMISSIONS", mend="chmod 700")
    return Store(path)


def put(store: Store, source: bytes | Path) -> str:
    """Keep bytes, or the bytes of a file, and return their SHA-256; what is there already is not written again.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = put(make_store(Path(folder) / "store"), b"0.05")
    ...     kept[:8], fetch(open_store(Path(folder) / "store"), kept)
    ('0602d7c8', b'0.05')
    """
    if isinstance(source, bytes) and _sound(path := _object(store, digest := sha256(source))):
        return digest
    hidden = store.path / "objects" / f".{secrets.token_hex(8)}"
    handle = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as sink:
            if isinstance(source, bytes):
                sink.write(source)
                digest = sha256(source)
            else:
                with source.open("rb") as file:
                    digest = _copy(file, sink)
            sink.flush()
            os.fsync(sink.fileno())
        path = _object(store, digest)
        if not _sound(path):  # new, or damaged: then this is the mend
            path.parent.mkdir(mode=0o700, exist_ok=True)
            hidden.replace(path)
            sync_folder(path.parent)
    finally:
        hidden.unlink(missing_ok=True)
    return digest


def _copy(file: BinaryIO, sink: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
        sink.write(block)
    return digest.hexdigest()


def fetch(store: Store, digest: str) -> bytes:
    """Return the bytes of an object; raise ``LedgerBroken`` where they are gone or are not what the name says."""
    path = _object(store, digest)
    try:
        data = path.read_bytes()
    except OSError:
        raise _lost(digest) from None
    if sha256(data) != digest:
        raise _changed(digest)
    return data


def locate(store: Store, digest: str) -> Path:
    """Return the file of an object after reading it through, like :func:`fetch` for what is large."""
    path = _object(store, digest)
    if not path.exists():
        raise _lost(digest)
    if not _sound(path):
        raise _changed(digest)
    return path


def fetch_json(store: Store, digest: str) -> object:
    """Return an object that is canonical JSON."""
    return parse(fetch(store, digest))


def put_json(store: Store, value: object) -> str:
    """Keep a value as canonical JSON and return its SHA-256."""
    return put(store, canonical_json(value))


def lay_out(store: Store, inputs: Inputs) -> Path:
    """Return a folder that is a book, the policy beside its tables as :data:`POLICY`; every byte is checked.

    The folder's name is the hash of what is in it, so that two of the same inputs are one.
    """
    told = inputs.plain()
    folder = store.path / "inputs" / sha256(canonical_json(told))
    files = dict(_files(inputs))
    if folder.is_dir() and not folder.is_symlink():
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
        if names == set(files) and all(_sound(folder / name, digest) for name, digest in files.items()):
            return folder
        shutil.rmtree(folder)  # somebody changed it; what it was is in the objects
    hidden = store.path / "inputs" / f".{secrets.token_hex(8)}"
    hidden.mkdir(mode=0o700)
    try:
        for name, digest in files.items():
            (hidden / name).parent.mkdir(mode=0o700, exist_ok=True)
            # A copy: whoever writes into the folder must not reach the object.
            shutil.copyfile(locate(store, digest), hidden / name)
            (hidden / name).chmod(0o600)
        try:
            hidden.rename(folder)
        except OSError:  # made by somebody else at this moment
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return folder


def _files(inputs: Inputs) -> Sequence[tuple[str, str]]:
    """Return name and SHA-256 of every file of the folder; names come from the list of tables and from numbers."""
    found = [(POLICY, inputs.policy)]
    for table, own in inputs.tables.items():
        for place, piece in enumerate(own):
            single = len(own) == 1 and piece.alone
            name = f"{table}{piece.suffix}" if single else f"{table}/part-{place:06d}{piece.suffix}"
            found.append((name, piece.sha256))
    return found


def _object(store: Store, digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise LedgerError("an object is named by a SHA-256, 64 hex digits", code="STORE")
    return store.path / "objects" / digest[:2] / digest[2:]


def _sound(path: Path, digest: str = "") -> bool:
    """Whether the bytes of a file are what its name, or a digest, says."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == (digest or path.parent.name + path.name)
    except OSError:
        return False


def _lost(digest: str) -> LedgerBroken:
    return LedgerBroken(f"the object {digest[:12]} is gone from the store", code="SNAPSHOT", mend="restore a backup")


def _changed(digest: str) -> LedgerBroken:
    return LedgerBroken(f"the object {digest[:12]} was changed", code="SNAPSHOT", mend="restore a backup")
