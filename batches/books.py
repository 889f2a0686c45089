"""A book: the tables of one day, checked and digested once, handed out as nouns.

What accounts share is kept in memory. The tables with rows an account stay in their files: they are read when they are
asked for, and refused if they have changed since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..constraints.policies import Policy
from ..errors import BookError
from ..models.accounts import Account, Model
from ..models.channels import read_tilts
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.universes import Universe
from ..models.views import View
from ..signals.panels import Panel
from ..signals.readings import Reading
from ..units import FrozenMap, day, did_you_mean
from .enrolments import enrol
from .feeds import read_desk, read_panel
from .layouts import LAYOUTS, PER_ACCOUNT, check_tables
from .parts import SUFFIXES
from .premises import read_market, read_models, read_shifts, read_trail, read_universe, read_views
from .rosters import Refused, Roster
from .tables import Stored, Table, read_table, store_table
from .trusts import Trust, read_trusts, trust


@dataclass(frozen=True, eq=False)
class Book:
    """The tables of a book, as they were read.

    Parameters
    ----------
    path
        The folder.
    shared
        The tables that all accounts share, by name.
    stored
        Those with rows an account, by name.
    ignored
        Names in the folder that are no tables (a README, say).
    """

    path: Path
    shared: Mapping[str, Table]
    stored: Mapping[str, Stored]
    ignored: tuple[str, ...] = ()

    @property
    def tables(self) -> Mapping[str, Any]:
        """Every table by name, in memory (:class:`Table`) or in its files (:class:`Stored`)."""
        found: dict[str, Table | Stored] = {**self.shared, **self.stored}
        return FrozenMap({name: found[name] for name in LAYOUTS if name in found})

    @property
    def digests(self) -> Mapping[str, tuple[str, ...]]:
        """The SHA-256 of every file, by table."""
        return FrozenMap({name: tuple(p.digest for p in table.parts) for name, table in sorted(self.tables.items())})

    def market(self, policy: Policy, on: dt.date | str) -> Market:
        """Return the market of a day: no row of the returns dated later is looked at.

        Raises
        ------
        BookError, MarketError
            A cell that is not what its column says, or numbers no market can have.
        """
        return read_market(self.shared, policy, day(on))

    def policy(self, policy: Policy) -> Policy:
        """Return the policy with the strategic models of this book."""
        return policy.with_models(read_models(self.shared["strategic"], read_universe(self.shared["assets"])))

    def views(self, on: dt.date | str | None = None) -> tuple[View, ...]:
        """Return the views as far as their sources are trusted, or those live on a day."""
        views = trust(read_views(self.shared.get("views")), self.trusts())
        return views if on is None else tuple(v for v in views if v.live(day(on)))

    def trusts(self) -> Mapping[str, Trust]:
        """Return how far each source of views is trusted, as somebody approved."""
        return read_trusts(self.shared.get("confidences"))

    def trail(self, universe: Universe, views: Sequence[View] | None = None) -> Trail | None:
        """Return what assets have done, from ``prices`` or else ``returns``; None where no view asks for it.

        ``views`` are those of the book unless others are given.
        """
        asked = self.views() if views is None else views
        if not any(view.stop is not None or view.take is not None for view in asked):
            return None
        return read_trail(self.shared, universe)

    def panel(self) -> Panel:
        """Return the series of ``prices``, ``signals`` and ``returns`` in time."""
        return read_panel(self.shared)

    def read(self, policy: Policy, market: Market, on: dt.date | str) -> Reading | None:
        """Return what the policy's playbook says on a day; None where it has none.

        Raises
        ------
        BookError, SignalError, ViewError
            A series that nobody has, a cell that is none, a name that means nothing.
        """
        return read_desk(self.shared, policy, market, day(on))

    def tilts(self, market: Market, model: Model, on: dt.date | str) -> Tilt:
        """Return what the rows of ``tilts`` that are live on a day do to one model."""
        models = read_models(self.shared["strategic"], market.universe)
        shifts = read_shifts(self.shared.get("tilts"), models)
        return NO_TILT if shifts is None else read_tilts(shifts, market, model, day(on))

    def roster(self, policy: Policy) -> Roster:
        """Return the accounts with their number; :meth:`accounts` walks them.

        Raises
        ------
        BookError
            A column of ``accounts`` that is no limit of the policy, a restriction of the desk that cannot be read, a
            table that has changed since the book was read.
        """
        return enrol(self.stored, policy, read_universe(self.shared["assets"]))

    def accounts(self, policy: Policy) -> Iterator[Account | Refused]:
        """Walk the accounts in the order of their table, one item a distinct id.

        Ids that only other tables know come last, refused.
        """
        return iter(self.roster(policy))

    def __str__(self) -> str:
        """Return a line a table."""
        return "\n".join(f"{name:<18}{len(table):>12,}" for name, table in self.tables.items())


def read_book(path: str | Path) -> Book:
    """Read a book: a folder of tables, each a ``.csv`` or ``.parquet`` file or a folder of that name with parts.

    Raises
    ------
    BookError
        No folder, a table missing or there twice, a file that is empty, cut off or not what its name says, columns that
        are missing or unknown. Cells are read, and refused, when they are asked for.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise BookError(
            f"{str(path)!r} is not a folder", code="NO_BOOK", value=path, mend="name the folder that holds the tables"
        )
    found: dict[str, Path] = {}
    ignored = []
    for entry in sorted(folder.iterdir(), key=lambda p: p.name):
        if entry.name.startswith((".", "_")):
            continue
        is_table = entry.suffix in SUFFIXES or (entry.is_dir() and not entry.suffix)
        name = entry.name.removesuffix(entry.suffix) if entry.suffix in SUFFIXES else entry.name
        if not is_table or name not in LAYOUTS:
            _check_stray(entry, name)
            ignored.append(entry.name)
            continue
        if name in found:
            raise BookError(
                f"{found[name].name} and {entry.name} are both there",
                code="TABLE_TWICE",
                table=name,
                value=entry.name,
                mend="keep one",
            )
        found[name] = entry
    check_tables(set(found))
    shared, stored = {}, {}
    for name in (name for name in LAYOUTS if name in found):
        if name in PER_ACCOUNT:
            stored[name] = store_table(name, found[name])
        else:
            shared[name] = read_table(name, found[name])
    return Book(folder, FrozenMap(shared), FrozenMap(stored), tuple(ignored))


def _check_stray(entry: Path, name: str) -> None:
    """Refuse what looks like a misspelt table: a restriction that is not read protects nobody."""
    near = did_you_mean(name.partition(".")[0].lower(), LAYOUTS)
    if near and (
        entry.is_dir()
        or entry.suffix.lower() in (*SUFFIXES, ".gz", ".zip", ".tsv", ".txt", ".xlsx", ".pq", ".json", ".pkl")
    ):
        words = "is no table of a book" if name not in LAYOUTS else "is in no format that is read"
        raise BookError(
            f"{entry.name} {words}",
            code="UNKNOWN_TABLE",
            value=entry.name,
            mend=near if name not in LAYOUTS else "write it as .csv or .parquet",
        )
