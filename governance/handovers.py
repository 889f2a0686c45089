"""What the ledger knows put in place of what a book says: the tables that the next run is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..batches.books import Book
from ..constraints.policies import Policy
from ..units import FrozenMap
from .clocks import CARRIED

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""


def hand_over(book: Book, derived: Mapping[str, pa.Table], policy: Policy | None = None) -> Mapping[str, pa.Table]:
    """Return the tables that take the place of a book's own, only those that change.

    - `positions`, `phases`, `breaches` ...: of an account that the ledger knows, the ledger's rows; of others the
      book's, which says how they stood before the ledger began.
    - `positions` again: a longer life that is in force, with its approval.
    - `history`: the book's rows of each account up to the day before its first fill, then the fills.
    - `orders`: the book's rows but for trades that the ledger knows, and what is left of those.
    - `confidences`: those in force, in place of all of the book's; a run that read others is not released.
    - `accounts`: ``last_views`` where the policy's triggers ask for it and the book does not say.

    Parameters
    ----------
    derived
        Of `clocks.derive`.
    policy
        Whose triggers ask; without one, `accounts` stays.
    """
    known = derived["views"]["account_id"].combine_chunks()
    found: dict[str, pa.Table] = {}
    for name in CARRIED:
        if len(derived[name]) or (len(known) and name in book.stored):
            kept = _own(book, name)
            kept = kept and kept.filter(_pc.invert(_pc.is_in(_text(kept, "account_id"), known)))
            found[name] = _joined(kept, derived[name])
    if len(derived["extensions"]):
        positions = found.get("positions", _own(book, "positions"))
        if positions is not None:
            found["positions"] = _extended(positions, derived["extensions"])
    if len(derived["history"]):
        found["history"] = _joined(_before(_own(book, "history"), derived["history"]), derived["history"])
    if len(derived["orders"]) or (len(known) and "orders" in book.stored):
        found["orders"] = _joined(_others(_own(book, "orders"), derived["trades"], known), derived["orders"])
    if len(derived["confidences"]):
        found["confidences"] = derived["confidences"]
    asked = policy is not None and "views" in policy.rebalance.triggers and "last_views" not in _columns(book)
    if asked and len(known):
        found["accounts"] = _with_views(book, derived["views"])
    return FrozenMap(found)


def _own(book: Book, table: str) -> pa.Table | None:
    return book.stored[table].read().data if table in book.stored else None


def _columns(book: Book) -> list[str]:
    return book.stored["accounts"].schema.names


def _before(own: pa.Table | None, history: pa.Table) -> pa.Table | None:
    """Return the book's rows that no fill reaches back to."""
    if own is None:
        return None
    first = history.group_by("account_id").aggregate([("date", "min")])
    begins = dict(
        zip(first["account_id"].to_pylist(), (str(day) for day in first["date_min"].to_pylist()), strict=True)
    )
    pairs = zip(_text(own, "account_id").to_pylist(), _text(own, "date").to_pylist(), strict=True)
    return own.filter(pa.array([day[:10] < begins.get(account, "9999") for account, day in pairs], pa.bool_()))


def _extended(positions: pa.Table, extensions: pa.Table) -> pa.Table:
    """Return positions with the extensions that are in force; one for an account outranks one for all."""
    told = {(e["account_id"], e["asset_id"], e["side"]): e for e in extensions.to_pylist()}
    sides = _text(positions, "side").to_pylist() if "side" in positions.column_names else [""] * len(positions)
    keys = zip(*(_text(positions, name).to_pylist() for name in ("account_id", "asset_id")), sides, strict=True)
    found = [told.get(key) or told.get(("*", *key[1:])) for key in keys]
    columns = {name: positions[name] for name in positions.column_names}
    for name in ("extended_until", "approval"):
        old = _text(positions, name).to_pylist() if name in columns else [""] * len(positions)
        new = [str(e[name]) if e else was for e, was in zip(found, old, strict=True)]
        columns[name] = pa.array(new, pa.string())
    return pa.table(columns)


def _others(own: pa.Table | None, released: pa.Table, known: pa.Array) -> pa.Table | None:
    """Return the book's orders that are not trades of ours; of an account the ledger knows, only those with an id."""
    if own is None:
        return None
    if "trade_id" not in own.column_names:
        return own.filter(_pc.invert(_pc.is_in(_text(own, "account_id"), known)))
    ids = _text(own, "trade_id")
    ours = _pc.or_(
        _pc.is_in(ids, released["trade_id"].combine_chunks()),
        _pc.and_(_pc.equal(ids, ""), _pc.is_in(_text(own, "account_id"), known)),
    )
    return own.filter(_pc.invert(ours))


def _with_views(book: Book, views: pa.Table) -> pa.Table:
    accounts = book.stored["accounts"].read().data
    at = _pc.index_in(_text(accounts, "account_id"), value_set=views["account_id"].combine_chunks())
    return accounts.append_column("last_views", _pc.fill_null(views["last_views"].combine_chunks().take(at), ""))


def _joined(own: pa.Table | None, ours: pa.Table) -> pa.Table:
    """Put the ledger's rows behind the book's; a column that is text in one of them is text."""
    if own is None or not len(own):
        return ours
    texts = {
        name for name in {*own.column_names, *ours.column_names} if any(_is_text(table, name) for table in (own, ours))
    }
    return pa.concat_tables([_as_text(own, texts), _as_text(ours, texts)], promote_options="permissive")


def _is_text(table: pa.Table, column: str) -> bool:
    if column not in table.column_names:
        return False
    kind = table.schema.field(column).type
    return pa.types.is_string(kind) or pa.types.is_dictionary(kind)


def _as_text(table: pa.Table, columns: set[str]) -> pa.Table:
    return pa.table({n: _text(table, n) if n in columns else table[n] for n in table.column_names})


def _text(table: pa.Table, column: str) -> pa.ChunkedArray:
    return _pc.fill_null(table[column].cast(pa.string()), "")
