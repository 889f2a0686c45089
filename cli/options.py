"""What several commands are told: books, policies and days; which ledger, where its snapshots are, who acts."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..governance.ledgers import Ledger
    from ..governance.snapshots import Store


@dataclass(frozen=True)
class Person:
    """Who acts, and the file of the key that they sign with, if they do."""

    name: str
    key: Path | None = None


@dataclass(frozen=True)
class Place:
    """Where a desk keeps its ledger, its snapshots, its signing key and its checkpoints.

    Parameters
    ----------
    where
        A file, or ``postgresql://...``; it may hold a password and is never shown.
    told
        The folder of snapshots, the signing key, the file of checkpoints, as far as they were named.
    """

    where: str
    told: tuple[Path | None, Path | None, Path | None]

    @property
    def store(self) -> Path:
        """The folder of snapshots; raise ``click.UsageError`` where nothing says which."""
        if self.told[0] is None and "://" in self.where:
            raise click.UsageError("a ledger in a database needs --store FOLDER (or TRIMTAB_STORE) for its snapshots")
        return self.told[0] or Path(f"{self.where}.store")

    @property
    def key(self) -> Path:
        """The signing key, beside the ledger's file or else beside the store."""
        return self.told[1] or self._beside("key")

    @property
    def checkpoints(self) -> Path:
        """The file of signed heads."""
        return self.told[2] or self._beside("checkpoints")

    def _beside(self, suffix: str) -> Path:
        return Path(f"{self.store if '://' in self.where else self.where}.{suffix}")

    def open_ledger(self) -> Ledger:
        """Open the ledger."""
        from ..governance.ledgers import open_ledger

        return open_ledger(self.where)

    def open_as(self, who: Person) -> Ledger:
        """Open the ledger as a person uses it, who signs what they do if they gave their key."""
        from ..governance.keyrings import signing

        opened = self.open_ledger()
        return opened if who.key is None else signing(opened, who.name, who.key)

    def open_store(self) -> Store:
        """Open the store of snapshots."""
        from ..governance.snapshots import open_store

        return open_store(self.store)

    @property
    def public(self) -> Path:
        """The public half of the key."""
        return self.key.with_name(f"{self.key.name}.pub")


def place(where: str, store: Path | None = None, key: Path | None = None, checkpoints: Path | None = None) -> Place:
    """Return where a desk keeps things."""
    return Place(where, (store, key, checkpoints))


class DayType(click.ParamType):
    """A day, written as ISO says; nothing ambiguous."""

    name = "date"

    def convert(self, value, param, ctx):
        """Read an ISO date."""
        from ..units import day

        try:
            return day(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DAY = DayType()
BOOK = click.Path(exists=True, file_okay=False, path_type=Path)
POLICY = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(path_type=Path)
LEDGER = click.option(
    "--ledger", "where", required=True, envvar="TRIMTAB_LEDGER", metavar="L", help="A file, or postgresql://host/name."
)
MAYBE_LEDGER = click.option(
    "--ledger", "where", envvar="TRIMTAB_LEDGER", metavar="L",
    help="Read clocks from this ledger, and seal the run in it.",
)  # fmt: skip
STORE = click.option("--store", type=_FILE, envvar="TRIMTAB_STORE", help="The folder of snapshots; L.store by default.")
KEY = click.option("--key", type=_FILE, help="The signing key; L.key by default.")
CHECKPOINTS = click.option("--checkpoints", type=_FILE, help="The signed heads; L.checkpoints by default.")
BECAUSE = click.option("--because", default="", help="Why.")
WHY = click.option("--because", required=True, help="Why.")


def _person(context: click.Context, __: Any, value: str | None) -> Person:
    return Person(value or getpass.getuser(), context.params.pop("sign", None))


AS = click.option("--as", "actor", envvar="TRIMTAB_AS", callback=_person, metavar="NAME", help="Who acts; you.")
# Read before --as, whose value takes it in.
SIGN = click.option("--sign", type=_FILE, envvar="TRIMTAB_SIGN", is_eager=True, help="Your own key, to sign it with.")


def acting(function: Callable) -> Callable:
    """Give a command the options that say who acts: a parameter ``actor``, a `Person`."""
    return SIGN(AS(function))


def governed(*more: Callable) -> Callable:
    """Give a command the options that say which ledger, and some more."""

    def wrap(function: Callable) -> Callable:
        for option in reversed((LEDGER, STORE, *more)):
            function = option(function)
        return function

    return wrap
