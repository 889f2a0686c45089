"""Which tables a book may hold, and which columns each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import BookError
from ..units import FrozenMap, did_you_mean


@dataclass(frozen=True)
class Layout:
    """The columns of one table.

    Parameters
    ----------
    required, optional
        Names.
    further
        What other columns mean: ``""`` nothing (they are errors), else what each one is ("grouping", "asset" ...).
    texts
        Columns that must be text in Parquet too, so that ``007`` cannot have become 7.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    further: str = ""
    texts: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """Every column with a name of its own."""
        return self.required + self.optional


_SINCE = ("since", "until", "author", "because")
LAYOUTS: Mapping[str, Layout] = FrozenMap(
    {
        "assets": Layout(
            ("asset_id", "asset_class", "price"),
            ("name", "lot_size", "cost_bps", "adv", "tradable"),
            "grouping",
            ("asset_id", "asset_class", "name"),
        ),
        "strategic": Layout(("model_id", "asset_id", "weight"), texts=("model_id", "asset_id")),
        "accounts": Layout(
            ("account_id", "model_id"),
            ("cash_flow", "status", "last_views", "nav"),
            "override",
            ("account_id", "model_id", "status", "last_views"),
        ),
        "holdings": Layout(("account_id", "asset_id", "quantity"), texts=("account_id", "asset_id")),
        "covariance": Layout(("asset_id",), further="asset", texts=("asset_id",)),
        "exposures": Layout(("asset_id",), further="factor", texts=("asset_id",)),
        "factor_covariance": Layout(("factor",), further="factor", texts=("factor",)),
        "specific": Layout(("asset_id", "volatility"), texts=("asset_id",)),
        "returns": Layout(("date",), further="asset"),
        "views": Layout(
            ("view_id", "about", "gain", "confidence"),
            (*_SINCE, "basis", "stop", "take", "hurdle", "half_life_days"),
            texts=("view_id", "about", "author", "because", "basis"),
        ),
        "tilts": Layout(
            ("tilt_id", "channel", "about", "value"),
            (*_SINCE, "model_id"),
            texts=("tilt_id", "channel", "about", "author", "because", "model_id"),
        ),
        "restrictions": Layout(("account_id", "asset_id", "rule"), texts=("account_id", "asset_id", "rule")),
        "orders": Layout(
            ("account_id", "asset_id", "quantity"),
            ("status", "trade_id"),
            texts=("account_id", "asset_id", "status", "trade_id"),
        ),
        # Further columns are what a run says of a position or a phase, or a desk of a trade; nothing reads them.
        "positions": Layout(
            ("account_id", "asset_id", "opened"),
            ("side", "extended_until", "approval", "state", "base"),
            "column",
            ("account_id", "asset_id", "side", "approval", "state"),
        ),
        "breaches": Layout(("account_id", "limit", "since"), ("origin",), "column", ("account_id", "limit", "origin")),
        "history": Layout(("account_id", "asset_id", "date", "weight"), (), "column", ("account_id", "asset_id")),
        "phases": Layout(
            ("account_id", "asset_id", "started", "gap"),
            ("done", "step", "status"),
            "column",
            ("account_id", "asset_id", "status"),
        ),
        "confidences": Layout(
            ("source", "scale", "approved_by"),
            ("approval", "because"),
            texts=("source", "approved_by", "approval", "because"),
        ),
        # Read by what is built on a run; here only their required columns are checked.
        "prices": Layout(("date", "available_at"), (), "series"),
        "signals": Layout(("date", "available_at"), (), "series"),
    }
)
BESIDE: Mapping[str, Layout] = FrozenMap(
    {
        "fills": Layout(
            ("trade_id", "quantity", "price"), ("cost", "date", "fill_id", "status"),
            texts=("trade_id", "fill_id", "status"),
        ),
    }
)  # fmt: skip
"""Tables that are read like those of a book and stand in none."""
PER_ACCOUNT = ("accounts", "holdings", "restrictions", "orders", "positions", "breaches", "history", "phases")
"""The tables with rows an account: they may be larger than memory."""
REQUIRED = ("assets", "strategic", "accounts", "holdings")
RISKS = ("covariance", "exposures", "returns")
FACTORS = ("factor_covariance", "specific")


def check_columns(table: str, columns: list[str]) -> None:
    """Refuse columns that are missing, doubled, nameless or unknown; raise ``BookError``."""
    layout = LAYOUTS.get(table) or BESIDE[table]
    twice = next((c for c in columns if columns.count(c) > 1), None)
    if twice is not None:
        raise BookError(
            f"the column {twice!r} occurs twice",
            code="DUPLICATE_COLUMN",
            table=table,
            field=twice,
            value=twice,
            mend="keep one",
        )
    if "" in columns:
        raise BookError(
            "a column has no name", code="UNKNOWN_COLUMN", table=table, mend="write the table without its index"
        )
    for name in layout.required:
        if name not in columns:
            near = did_you_mean(name, [c for c in columns if c not in layout.known])
            semicolons = len(columns) == 1 and (";" in columns[0] or "\t" in columns[0])
            mend = (
                "separate columns by commas"
                if semicolons
                else f"rename the column {near.split(chr(39))[1]!r}"
                if near
                else f"add the column {name!r}"
            )
            raise BookError(
                f"the column {name!r} is missing", code="MISSING_COLUMN", table=table, field=name, mend=mend
            )
    for name in columns:
        if name in layout.known:
            continue
        near = did_you_mean(name.strip().lower(), [c for c in layout.known if c not in columns])
        if not layout.further or (layout.further == "grouping" and near and _nearly(name, near)):
            raise BookError(
                f"the column {name!r} is not known",
                code="UNKNOWN_COLUMN",
                table=table,
                field=name,
                value=name,
                mend=near or f"known: {', '.join(layout.known)}",
            )


def _nearly(name: str, near: str) -> bool:
    """Say whether a grouping is so near to a known column that it is a slip: ``lotsize`` is, ``theme`` is not."""
    meant = near.split("'")[1]
    plain = "".join(c for c in name.lower() if c.isalnum())
    return (
        plain == meant.replace("_", "")
        or sum(a != b for a, b in zip(plain, meant.replace("_", ""), strict=False))
        + abs(len(plain) - len(meant.replace("_", "")))
        <= 1
    )


def check_tables(names: set[str]) -> None:
    """Refuse a book without its required tables, or without exactly one kind of risk."""
    for name in REQUIRED:
        if name not in names:
            raise BookError(
                f"the table {name!r} is missing",
                code="MISSING_TABLE",
                table=name,
                mend=f"add {name}.csv or {name}.parquet",
            )
    kinds = [name for name in RISKS if name in names]
    if len(kinds) != 1:
        said = f"it has {' and '.join(kinds)}" if kinds else "it has none"
        raise BookError(
            f"a book has exactly one of covariance, exposures and returns; {said}",
            code="RISK_KINDS",
            table=kinds[0] if kinds else "covariance",
            mend="keep one kind of risk",
        )
    for name in FACTORS:
        if ("exposures" in names) != (name in names):
            raise BookError(
                f"the table {name!r} is {'missing beside' if 'exposures' in names else 'there without'} exposures",
                code="RISK_KINDS",
                table=name,
                mend="exposures, factor_covariance and specific come together",
            )
