"""Who there is: every distinct account id of a book, in order, and what is wrong with ids as such.

Whatever needs all ids at once is found here and handed on (an id that occurs twice, two forms of one id, strangers and
whom they probably mean), so that the rest can be asked of a chunk of accounts alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..errors import AccountError
from ..units import FrozenMap, did_you_mean
from .columns import id_fault, tidy
from .parts import Part
from .tables import place

_pc: Any = pyarrow.compute
EVERYBODY = "*"
MOST_COMPARED = 5000
"""Among how many ids the nearest is looked for: a message is not worth minutes."""


@dataclass(frozen=True, eq=False)
class Census:
    """The ids of a book or of a chunk of it.

    Parameters
    ----------
    ids
        Accounts in the order of their table, then strangers: ids that only other tables know.
    accounts
        How many of them are no strangers.
    first
        What is wrong with ids of the accounts table, by id: it goes before whatever else is wrong with the account.
    last
        What strangers bring about, by id: it goes before everything for a stranger, and after everything for the
        account that was probably meant.
    """

    ids: tuple[str, ...]
    accounts: int
    first: Mapping[str, AccountError]
    last: Mapping[str, AccountError]


@dataclass(eq=False)
class Register:
    """A census being taken, table by table and batch by batch: the ranks of ids, and rows to be told of later."""

    ranks: dict[str, int] = field(default_factory=dict)
    accounts: int = 0
    rows: list[np.ndarray] = field(default_factory=list)
    repeated: dict[str, int] = field(default_factory=dict)
    strangers: dict[str, tuple[str, int]] = field(default_factory=dict)


def enter_accounts(register: Register, ids: pa.Array, start: int) -> np.ndarray:
    """Enter a batch of ids of the accounts table whose first row is ``start``; return the rank of each."""
    before = len(register.ranks)
    ranks, new = _ranks(ids, register.ranks)
    is_first = np.zeros(len(ranks), dtype=bool)
    is_first[new] = True
    register.rows.append(start + new)
    for row in np.flatnonzero(~is_first):
        register.repeated.setdefault(ids[int(row)].as_py(), start + int(row))
    register.accounts += len(register.ranks) - before
    return ranks


def enter_others(register: Register, table: str, ids: pa.Array, rows: np.ndarray) -> np.ndarray:
    """Enter a batch of ids of another table, in these rows of it, once all accounts are; return the rank of each."""
    ranks, new = _ranks(ids, register.ranks)
    for i in new.tolist():
        register.strangers[ids[i].as_py()] = (table, int(rows[i]))
    return ranks


def close(register: Register, parts: Mapping[str, Sequence[Part]]) -> Census:
    """Say what is wrong with the ids; ``parts`` are the files of each table that was entered."""
    ids = tuple(register.ranks)
    accounts = ids[: register.accounts]
    firsts = np.concatenate(register.rows) if register.rows else np.zeros(0, dtype=np.int64)
    first: dict[str, AccountError] = {}
    for name, row in register.repeated.items():
        first[name] = _fault(
            parts,
            ("accounts", row),
            name,
            "DUPLICATE_ACCOUNT",
            f"the account {name!r} occurs twice",
            "keep one row an account",
        )
    _check_ids(accounts, register.ranks, firsts, parts, first)
    last: dict[str, AccountError] = {}
    for name, seen in register.strangers.items():
        _refuse_stranger(name, seen, accounts, register, parts, last)
    return Census(ids, len(accounts), FrozenMap(first), FrozenMap(last))


def _ranks(ids: pa.Array, ranks: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rank ids, entering new ones in the order of their rows; return also the rows of the new ones."""
    encoded = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    first = np.full(len(encoded.dictionary), -1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one written stays: the first row
    used = np.flatnonzero(first >= 0)
    names = encoded.dictionary.take(pa.array(used)).to_pylist()
    known = np.fromiter(map(ranks.get, names, repeat(-1)), dtype=np.int64, count=len(names))
    new = np.flatnonzero(known < 0)
    new = new[np.argsort(first[used[new]])]
    fresh = [i for i in new.tolist() if names[i] not in ranks and ranks.setdefault(names[i], len(ranks)) >= 0]
    known[new] = [ranks[names[i]] for i in new.tolist()]
    of_code = np.zeros(len(first), dtype=np.int64)
    of_code[used] = known
    return of_code[codes], first[used[fresh]]


def _check_ids(
    accounts: Sequence[str],
    ranks: Mapping[str, int],
    firsts: np.ndarray,
    parts: Mapping[str, Sequence[Part]],
    first: dict[str, AccountError],
) -> None:
    for rank in np.flatnonzero(_is_odd(accounts)).tolist():
        name = accounts[rank]
        fault = "means every account and is no id" if name == EVERYBODY else id_fault(name)
        if not fault:
            continue
        meant = tidy(name)
        twin = ranks.get(meant, len(accounts))
        is_twin = twin < len(accounts)
        words = f"the id {name[:40]!r} {fault}" + (f"; the account {meant!r} is there too" if is_twin else "")
        mend = f"did you mean {meant[:40]!r}?" if meant and meant != name else "give it an id"
        first.setdefault(name, _fault(parts, ("accounts", int(firsts[rank])), name, "BAD_ID", words, mend))
        if is_twin and meant != name:  # which rows belong to which of the two, nobody can say
            words = f"the accounts {name[:40]!r} and {meant!r} differ only in what nobody can see"
            first.setdefault(
                meant, _fault(parts, ("accounts", int(firsts[twin])), meant, "ID_FORMS", words, "keep one")
            )


def _is_odd(ids: Sequence[str]) -> np.ndarray:
    """Mark the ids that are not short plain ASCII without spaces around: those few are looked at one by one."""
    texts = pa.array(ids, pa.string())
    length = _pc.binary_length(texts)
    plain = _pc.and_(_pc.ascii_is_printable(texts), _pc.string_is_ascii(texts))
    plain = _pc.and_(plain, _pc.and_(_pc.greater(length, 0), _pc.less_equal(length, 200)))
    plain = _pc.and_(plain, _pc.equal(_pc.binary_length(_pc.ascii_trim_whitespace(texts)), length))
    return ~np.asarray(_pc.and_(plain, _pc.not_equal(texts, EVERYBODY)).to_numpy(zero_copy_only=False), dtype=bool)


def _refuse_stranger(
    name: str,
    seen: tuple[str, int],
    accounts: Sequence[str],
    register: Register,
    parts: Mapping[str, Sequence[Part]],
    last: dict[str, AccountError],
) -> None:
    """Refuse an id that ``accounts`` does not know, and the account that was probably meant.

    Half of an account's holdings may stand under the other form of its id: trading on the rest would be wrong.
    """
    meant = tidy(name)
    is_twin = register.ranks.get(meant, len(accounts)) < len(accounts)
    near = did_you_mean(name, accounts) if len(accounts) <= MOST_COMPARED and not is_twin else ""
    mend = f"did you mean {meant!r}?" if is_twin else near or "add it to accounts"
    words = f"{name[:40]!r} is not in the accounts table"
    last[name] = _fault(parts, seen, name, "UNKNOWN_ACCOUNT", words, mend)
    if is_twin:
        words = f"rows stand under {name[:40]!r} and under {meant!r}"
        last.setdefault(meant, _fault(parts, seen, name, "ID_FORMS", words, f"write {meant!r} everywhere"))


def _fault(
    parts: Mapping[str, Sequence[Part]], seen: tuple[str, int], value: str, code: str, words: str, mend: str
) -> AccountError:
    table, row = seen
    return AccountError(
        f"{words} ({place(table, parts[table], row)})",
        code=code,
        table=table,
        field="account_id",
        value=value,
        mend=mend,
    )
