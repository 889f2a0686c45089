"""`book.md`: every table of a book and its columns, from the layouts that the reader checks them by."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.batches.layouts import BESIDE, LAYOUTS, PER_ACCOUNT, REQUIRED, RISKS, Layout

from .docstrings import table

_HEAD = """\
# Book reference

Every table of a book, and every column that is read. This page is written from the code by `python -m docs.reference`;
the rules that go beyond a column stand on the page about [books](../books.md).

A table is a file `NAME.csv` or `NAME.parquet`, or a folder `NAME` (or `NAME.parquet`) of such parts. Ids are text, so
`007` is not `7`. Days are ISO dates (`2026-11-20`), numbers have a point and no thousands, weights and rates are
decimals. An unknown column is refused, and the message names the nearest known one.
"""

TABLES: Mapping[str, str] = {
    "assets": "What can be held. Exactly one asset is the cash; where none is, one called `CASH` is added.",
    "strategic": "The strategic weights of each model; they sum to 1.",
    "accounts": "Who follows which model.",
    "holdings": "What each account holds.",
    "covariance": "Annual covariances, a row and a column for each asset; the cash may be left out.",
    "exposures": "A factor model: what each asset is exposed to. It needs `factor_covariance` and `specific`.",
    "factor_covariance": "Annual covariances of the factors, a row and a column for each.",
    "specific": "What the factors do not explain, asset by asset.",
    "returns": "Past returns, a row a period; `[risk]` of the policy says how a covariance is estimated from them.",
    "views": "What the desk believes.",
    "tilts": "What the desk wants in one channel of the tilt, without a gain: a shift, a risk, a band, a pace.",
    "restrictions": "What may not be traded or held.",
    "orders": "Orders that are under way: held and paid for, and their assets frozen.",
    "positions": "Open tactical positions, for time limits. A run's own `positions` fits as it is.",
    "breaches": "Since when an account stands outside of a grandfathered limit. A run's own `breaches` fits as it is.",
    "history": "Past trades, for turnover a year, cooldown, holding and the calendar.",
    "phases": "Schedules that accounts are in. A run's own `phases` fits as it is.",
    "confidences": "How much a source is believed, after its record was looked at.",
    "prices": "Levels of series in time: for signals, and for `stop` and `take` of views.",
    "signals": "Any other series in time that signals read.",
    "fills": "Not part of a book: what `trimtab fills` reads.",
}
"""What each table is."""

_SINCE = {
    "since": "it speaks from this day on; empty: always",
    "until": "... and before this day",
    "author": "who says so",
    "because": "why",
}
COLUMNS: Mapping[tuple[str, str], str] = {
    ("*", "asset_id"): "text; an asset of `assets`",
    ("*", "account_id"): "text; an account of `accounts`",
    ("*", "model_id"): "text; a model of `strategic`",
    ("*", "date"): "the day that the row is of",
    ("*", "available_at"): "the day, or the moment with its zone, from which the row could be known",
    ("*", "trade_id"): "text; the id that a run gave the trade",
    ("assets", "asset_id"): "text; its id everywhere else",
    ("assets", "asset_class"): "text; `cash` marks the cash",
    ("assets", "price"): "money a unit; without one, or at 0 and below, it is not traded",
    ("assets", "name"): "text; what people call it",
    ("assets", "lot_size"): "units a lot; 0, the default: fractional",
    ("assets", "cost_bps"): "what a trade costs one way, basis points of its value",
    ("assets", "adv"): "what is traded of it a day, money: for market impact and participation",
    ("assets", "tradable"): "true or false; true by default",
    ("strategic", "model_id"): "text; its id everywhere else",
    ("strategic", "weight"): "decimal of the whole",
    ("accounts", "account_id"): "text; its id everywhere else",
    ("accounts", "cash_flow"): "money that comes (or, negative, goes) today; 0 by default",
    ("accounts", "status"): "`active`, the default, `blocked` or `closed`",
    ("accounts", "last_views"): "the `views` of the `run.json` that decided it last: for the trigger `views`",
    ("accounts", "nav"): "what its keeper says it is worth before the cash flow; more than 1 bp from ours refuses it",
    ("holdings", "quantity"): "units",
    ("factor_covariance", "factor"): "text; a column of `exposures`",
    ("specific", "volatility"): "annual decimal",
    ("returns", "date"): "the end of the period",
    ("views", "view_id"): "text; its name in reasons, prices and the ledger",
    ("views", "about"): 'its legs: `"equity - bonds"`, `"GOLD - 0.5*FIN"`; terms joined by ` + ` and ` - ` with spaces',
    ("views", "gain"): "what the legs earn, annual decimal, over what `basis` says",
    ("views", "confidence"): "above 0 and at most 1; with 1 it is met exactly",
    ("views", "basis"): "over what: `active`, the default (what strategic weights imply), `excess` (cash) or `total`",
    ("views", "stop"): "decimal; it closes for good once its legs have lost so much",
    ("views", "take"): "decimal; it closes for good once its legs have won so much",
    ("views", "hurdle"): "it speaks only while its gain exceeds so many round trips of cost",
    ("views", "half_life_days"): "days in which its confidence halves",
    ("tilts", "tilt_id"): "text; its name in reasons",
    ("tilts", "channel"): "`target`, `risk`, `aversion`, `band_low`, `band_high`, `buy_pace`, `sell_pace`, `frequency`",
    ("tilts", "about"): "legs for `target`; an asset, class or group for the others; empty for `aversion`, `frequency`",
    ("tilts", "value"): "`target`: decimal of the whole; all others: a multiplier, 1 is neutral",
    ("tilts", "model_id"): "text; only in this model. Empty: in all",
    ("restrictions", "account_id"): "text; `*`: all accounts",
    ("restrictions", "rule"): "`no_buy`, `no_sell`, `no_hold` or `frozen`",
    ("orders", "quantity"): "units, signed: positive buys",
    (
        "orders",
        "status",
    ): "text of your own; rows that are `filled`, `cancelled`, `rejected` or `expired` count for nothing",
    ("positions", "opened"): "the day it opened",
    ("positions", "side"): "`over` or `under`; empty: the side it leans on",
    ("positions", "extended_until"): "it lives until this day; needs `approval`",
    ("positions", "approval"): "text; the reference of the approval",
    ("positions", "state"): "`open`, `reverting`, `resting` or `closed`",
    ("positions", "base"): "decimal; how far it leaned when its way back began",
    ("breaches", "limit"): "text; the limit's name",
    ("breaches", "since"): "the day on which it was first seen outside",
    ("breaches", "origin"): "`passive` (markets did it) or `active`",
    ("history", "date"): "the day of the trade; later days than the run's are not looked at",
    ("history", "weight"): "traded, signed, decimal of the NAV of its day",
    ("phases", "started"): "the day the schedule began",
    ("phases", "gap"): "decimal, signed: target less weight at the start",
    ("phases", "done"): "decimal, signed: what was traded of it",
    ("phases", "step"): "phases behind; read off `done` where it is left out",
    ("phases", "status"): "rows that are `finished` or `cancelled` count for nothing",
    ("confidences", "source"): "text; a view, an opinion or an author",
    ("confidences", "scale"): "times the stated confidence; 0 silences it",
    ("confidences", "approved_by"): "text; a row without a name is refused",
    ("confidences", "approval"): "text; the reference of the approval",
    ("fills", "quantity"): "units filled, positive",
    ("fills", "price"): "money a unit",
    ("fills", "cost"): "money",
    ("fills", "date"): "the day; the day of the decision by default",
    ("fills", "fill_id"): "text; one of several fills of a trade",
    ("fills", "status"): "`cancelled`: what is left will not come",
    **{("*", name): words for name, words in _SINCE.items()},
}
"""What each column says; `*` where it says the same in several tables."""

_FURTHER = {
    "grouping": "any further column of text groups assets: a sector, a region; views and limits may name a group",
    "override": "`risk_aversion`, or the name of a limit: the account's own number, which may only tighten",
    "asset": "a column for each asset",
    "factor": "a column for each factor",
    "series": "a column for each series; an empty cell says nothing",
    "column": "any further column is left alone",
}


def words(name: str, column: str) -> str:
    """Return what a column of a table says; raise ``KeyError`` where nobody has written it down."""
    own = COLUMNS.get((name, column))
    return COLUMNS[("*", column)] if own is None else own


def _need(name: str) -> str:
    if name in REQUIRED:
        return "Required."
    if name in RISKS:
        return f"One of {', '.join(f'`{other}`' for other in RISKS)} is required."
    return "Optional."


def _section(name: str, layout: Layout) -> list[str]:
    rows = [(f"**{column}**", words(name, column)) for column in layout.required]
    rows += [(column, words(name, column)) for column in layout.optional]
    if layout.further:
        rows.append(("...", _FURTHER[layout.further]))
    size = " It may be larger than memory." if name in PER_ACCOUNT else ""
    need = "" if name in BESIDE else f" {_need(name)}{size}"
    return [f"## {name}", "", f"{TABLES[name]}{need}", "", table(("column", "says"), rows), ""]


def page() -> str:
    """Return the page."""
    layouts = {**LAYOUTS, **BESIDE}
    index = ", ".join(f"[`{name}`](#{name})" for name in layouts)
    lines = [_HEAD, f"Required columns are **bold**. {index}.", ""]
    for name, layout in layouts.items():
        lines += _section(name, layout)
    return "\n".join(lines)
