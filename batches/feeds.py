"""What a book knows in time: the tables ``prices``, ``signals`` and ``returns`` as one panel of series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import BookError
from ..models.markets import Market
from ..signals.panels import KEYS, Panel
from ..signals.readings import Reading, read
from .columns import demand, demand_days, numbers
from .premises import read_returns, read_trail, read_views
from .tables import Table
from .trusts import read_trusts, trust

_PLAIN = "a plain number such as 1234.5, or empty where nothing was said"


def read_panel(tables: Mapping[str, Table]) -> Panel:
    """Read every series of a book with the days it was of and could be known.

    ``prices`` and ``signals`` say both days of every row. Where there are no prices, ``returns`` become levels of total
    return (1 before the first period), known on the day a period ends.

    Raises
    ------
    BookError, SignalError
        A cell that is no number or date, a value known before its day, a series that stands in two tables.
    """
    panel = Panel()
    for name in ("prices", "signals"):
        if name in tables:
            panel |= Panel.from_frame(_in_time(tables[name]), name)
    if "prices" not in tables and "returns" in tables:
        panel |= _levels(read_returns(tables["returns"]).sort_index(), panel)
    return panel


def read_desk(tables: Mapping[str, Table], policy: Policy, market: Market, on: dt.date) -> Reading | None:
    """Read the policy's playbook on a day; None where it has none, so that no series is looked at."""
    if policy.playbook.empty:
        return None
    trail = read_trail(tables, market.universe)
    trusts = read_trusts(tables.get("confidences"))
    manual = trust(read_views(tables.get("views")), trusts)
    said = read(policy.playbook, read_panel(tables), market, policy.models, on, trail=trail, manual=manual)
    return replace(said, views=trust(said.views, trusts)) if trusts else said


def _in_time(table: Table) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for key in KEYS:
        columns[key] = demand_days(table, key)
    for name in table.data.column_names:
        if name not in KEYS:
            columns[name] = demand(table, name, numbers(table, name, np.nan), _PLAIN)
    return pd.DataFrame(columns)


def _levels(returns: pd.DataFrame, panel: Panel) -> Panel:
    """Return levels of total return, a series a column; a gap in the returns is a gap in the levels."""
    both = [name for name in returns.columns if name in panel.names]
    if both:
        raise BookError(
            f"{both[0]!r} is a series of signals and an asset of returns",
            code="DUPLICATE_SERIES",
            table="signals",
            field=both[0],
            value=both[0],
            mend="rename the column of signals",
        )
    grown = (1.0 + returns).cumprod()
    return Panel.from_series({str(name): pd.Series(grown[name]) for name in grown.columns})
