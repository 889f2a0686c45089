"""Books of any size, up to a million accounts, from the demo's real universe or an invented one; fixed seeds.

    python -m benchmarks.books FOLDER --accounts N [--assets N] [--seed N] [--poisoned SHARE] [--overrides] [--parts N]

Accounts are drawn in blocks of a fixed size, each block from its own seed: memory is that of one block, and the first
accounts of a larger book are those of the smaller one. The folder is the book; among its tables stand four variants of
a policy (``policy-plain.toml`` and so on) and, where accounts are poisoned, ``_poisoned.parquet`` with their ids.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.demo import ON

from .holders import BLOCK, OVERRIDES, Rows, draw
from .poisons import poison
from .universes import POLICIES, invented_ground, invented_policy, real_ground, real_policy

__all__ = ["MOST", "ON", "make_book", "poisoned_ids", "policy_of"]

MOST = 1_000_000
PART = 100_000
_PARTED = ("accounts", "holdings")


def make_book(
    folder: str | Path,
    accounts: int,
    *,
    assets: int | None = None,
    seed: int = 7,
    poisoned: float = 0.0,
    overrides: bool = False,
    parts: int | None = None,
) -> Path:
    """Write a book and return its plain policy; :func:`policy_of` finds the others. The day is :data:`ON`.

    Parameters
    ----------
    folder
        Where the tables go: new or empty.
    accounts
        At most a million.
    assets
        None for the demo's 16, else so many invented ones, the cash among them.
    poisoned
        The share of accounts with something wrong; the others are what they are in the sound book.
    overrides
        Whether ``accounts`` has the columns risk_aversion and turnover, filled for a few percent.
    parts
        Of ``accounts`` and of ``holdings``; by default one for each 100,000 accounts.
    """
    if not 1 <= accounts <= MOST:
        raise ValueError(f"{accounts} accounts: between 1 and {MOST:,}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder.name} is not empty: what an older book left there would be read with the new one")
    ground = real_ground(folder) if assets is None else invented_ground(folder, assets, seed)
    for name in POLICIES:
        text = real_policy(name) if assets is None else invented_policy(name, assets)
        policy_of(folder, name).write_text(text, "utf-8")
    spoilt: dict[str, list[str]] = {"account_id": [], "kind": []}
    with Sink(folder, -(-accounts // parts) if parts else PART) as sink:
        for start in range(0, accounts, BLOCK):
            drawn = draw(ground, start // BLOCK, seed, overrides)
            tables = {name: rows.between(0, accounts - start) for name, rows in drawn.items()}
            if poisoned:
                tables, wrong = poison(tables, poisoned, [seed, start // BLOCK, 1], overrides)
                for name, values in wrong.items():
                    spoilt[name] += values
            sink.write(start, min(BLOCK, accounts - start), tables)
    if poisoned:
        pq.write_table(pa.table(spoilt), folder / "_poisoned.parquet")
    return policy_of(folder, "plain")


def policy_of(folder: str | Path, name: str) -> Path:
    """Return the path of a variant of a book's policy: plain, whole, capped or capped_whole."""
    if name not in POLICIES:
        raise ValueError(f"no variant {name!r}; there are {', '.join(POLICIES)}")
    return Path(folder) / f"policy-{name.replace('_', '-')}.toml"


def poisoned_ids(folder: str | Path) -> dict[str, str]:
    """Return what is wrong with each poisoned account of a book, by id; nothing where none is."""
    path = Path(folder) / "_poisoned.parquet"
    return dict(zip(*pq.read_table(path).to_pydict().values(), strict=True)) if path.exists() else {}


@dataclass
class Sink:
    """Open files of a book: the large tables in parts of ``size`` accounts, a row group a block; the others in one."""

    folder: Path
    size: int
    _open: dict[str, tuple[Path, pq.ParquetWriter]] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Sink:
        """Open nothing yet."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close every file."""
        self._stack.close()

    def write(self, start: int, accounts: int, tables: dict[str, Rows]) -> None:
        """Write the tables of a block whose first account is number ``start`` of the book."""
        for part in range(start // self.size, (start + accounts - 1) // self.size + 1):
            for name, rows in tables.items():
                own = rows.between(part * self.size - start, (part + 1) * self.size - start)
                path = f"{name}/part-{part:05d}.parquet" if name in _PARTED else f"{name}.parquet"
                self._append(name, self.folder / path, own)

    def _append(self, name: str, path: Path, rows: Rows) -> None:
        table = pa.table({column: _array(column, values) for column, values in rows.columns.items()})
        at, writer = self._open.get(name, (None, None))
        if writer is None or at != path:
            if writer is not None:
                writer.close()
            path.parent.mkdir(exist_ok=True)
            writer = self._stack.enter_context(
                pq.ParquetWriter(path, table.schema, write_page_checksum=True, store_schema=False)
            )
            self._open[name] = (path, writer)
        writer.write_table(table)


def _array(column: str, values: np.ndarray) -> pa.Array:
    """Return a column for Parquet: text for objects, and an empty cell, not NaN, where an override is not given."""
    if values.dtype == object:
        return pa.array(values, pa.string())
    return pa.array(values, mask=np.isnan(values)) if column in OVERRIDES else pa.array(values)


def main(arguments: list[str] | None = None) -> None:
    """Write a book as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks.books", description="Write a book of made-up accounts.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--assets", type=int, help="so many invented assets; by default the demo's 16")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--poisoned", type=float, default=0.0, metavar="SHARE", help="accounts with something wrong")
    parser.add_argument("--overrides", action="store_true", help="some accounts with limits of their own")
    parser.add_argument("--parts", type=int, help="of accounts and holdings; by default one for each 100,000 accounts")
    given = vars(parser.parse_args(arguments))
    began = time.perf_counter()
    policy = make_book(given.pop("folder"), given.pop("accounts"), **given)
    size = sum(file.stat().st_size for file in policy.parent.rglob("*.parquet"))
    print(f"{policy.parent}: {size / 1e6:,.1f} MB of Parquet in {time.perf_counter() - began:.1f} s, for the day {ON}")


if __name__ == "__main__":
    main()
