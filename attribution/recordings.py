"""Records made: of a backtest, whose questions are asked again, and of sealed runs, from what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..batches.books import Book
from ..batches.premises import read_universe
from ..models.views import View
from ..scenarios.backtests import Backtest
from ..scenarios.chronicles import Chronicle
from ..units import FrozenMap
from .chains import STAGES
from .promises import promised_in, read_promises
from .records import Record
from .sequences import read_chain
from .traces import trace
from .transfers import find_transfers

_NOTHING: Mapping[str, Any] = FrozenMap()


def record_backtest(
    found: Backtest,
    chronicle: Chronicle,
    *,
    views: Sequence[View] = (),
    name: str = "backtest",
    about: Mapping[str, Any] = _NOTHING,
) -> Record:
    """Return the record of a backtest that was told to ``remember``.

    Parameters
    ----------
    chronicle, views
        The history it walked, and the views of people that it was given.
    about
        What it was made of.
    """
    return Record(
        trace(found, chronicle, name=name), promised_in(found, views), find_transfers(found), FrozenMap(about)
    )


def record_runs(
    runs: Sequence[str | Path],
    returns: pd.DataFrame,
    accounts: str | Iterable[str] | None = None,
    *,
    book: Book | None = None,
    fills: pd.DataFrame | None = None,
) -> Record:
    """Return the record of sealed runs.

    Parameters
    ----------
    runs, returns, accounts, fills
        As :func:`.sequences.read_chain` takes them.
    book
        Says which asset is the cash, of what class each is, and so what views on classes mean. Without it every asset
        is a class of its own, and no forecast can be settled.
    """
    if book is None:
        return Record(read_chain(runs, returns, accounts, fills=fills))
    universe = read_universe(book.shared["assets"])
    classes = dict(zip(universe.assets, universe.classes, strict=True))
    made = read_chain(runs, returns, accounts, fills=fills, cash=universe.assets[universe.cash], classes=classes)
    strategic = dict(zip(made.assets, made.weights[0, STAGES.index("strategic")].tolist(), strict=True))
    return Record(made, read_promises(runs, universe, strategic))
