"""What all accounts of a book share: its universe, market, strategic models, views and tilts. A fault here raises."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import BookError
from ..models.costs import Costs
from ..models.markets import Market
from ..models.risks import Risk
from ..models.trails import Trail
from ..models.universes import Universe
from ..models.views import Basis, View
from ..units import FrozenMap, did_you_mean
from .columns import ISO, bad_cell, cell, days, demand, demand_days, demand_ids, flags, numbers, texts
from .layouts import LAYOUTS
from .tables import Table

_PLAIN = "a plain number such as 1234.5, without separators, percent or spaces"


def read_universe(assets: Table) -> Universe:
    """Read the assets, their classes and every further text column as a grouping."""
    if not len(assets):
        raise BookError("it has no rows", code="EMPTY_TABLE", table="assets", field="asset_id", mend="one row an asset")
    groupings = {}
    for column in assets.data.column_names:
        if column in LAYOUTS["assets"].known:
            continue
        labels = [cell(assets, column, i) for i in range(len(assets))]
        values, bad = numbers(assets, column, blank=0.0)
        if not bad.any() and any(labels):
            raise BookError(
                f"the column {column!r} holds numbers and is not known",
                code="UNKNOWN_COLUMN",
                table="assets",
                field=column,
                value=values[0],
                mend="further columns are groupings: give them words, or leave them out",
            )
        groupings[column] = tuple(labels)
    return Universe(tuple(demand_ids(assets, "asset_id")), tuple(demand_ids(assets, "asset_class")), groupings)


def read_market(tables: Mapping[str, Table], policy: Policy, on: dt.date) -> Market:
    """Read universe, prices, costs, lots and the one kind of risk the book has, as they are on a day."""
    assets = tables["assets"]
    universe = read_universe(assets)
    n = len(universe)

    def column(name: str, blank: float, mend: str = _PLAIN) -> np.ndarray:
        values = np.full(n, blank)  # the cash that a universe adds has no row
        values[: len(assets)] = demand(assets, name, numbers(assets, name, blank), mend)
        return values

    tradable = np.full(n, True)
    tradable[: len(assets)] = demand(assets, "tradable", flags(assets, "tradable", blank=True), "true or false")
    prices = column("price", np.nan, f"{_PLAIN}; empty where there is no price")
    # Nothing is worth nothing or less: such a price is none, its holders are refused and nobody else is touched.
    prices[: len(assets)][(prices[: len(assets)] <= 0) & (np.arange(len(assets)) != universe.cash)] = np.nan
    given = policy.assumptions
    costs = Costs(column("cost_bps", 0.0) * 1e-4, given.ticket_fee, given.impact, column("adv", np.nan))
    return Market(
        universe,
        read_risk(tables, universe, policy, on),
        costs,
        prices,
        on,
        given.cash_rate,
        column("lot_size", 0.0),
        tradable,
    )


def read_risk(tables: Mapping[str, Table], universe: Universe, policy: Policy, on: dt.date) -> Risk:
    """Read the covariance, the factor model, or the returns known on the day."""
    if "covariance" in tables:
        return Risk.from_covariance(_square(tables["covariance"], "asset_id"), universe)
    if "exposures" in tables:
        specific = pd.Series(_square(tables["specific"], "asset_id")["volatility"])
        exposures = _square(tables["exposures"], "asset_id")
        return Risk.from_factors(exposures, _square(tables["factor_covariance"], "factor"), specific, universe)
    frame = read_returns(tables["returns"])
    was_known = np.array([d <= on for d in frame.index], dtype=bool)
    known = pd.DataFrame(frame.loc[was_known]).sort_index()
    how = policy.estimation
    return Risk.from_returns(
        known, universe, method=how.method, periods_per_year=how.periods_per_year, half_life=how.half_life
    )


def read_returns(table: Table) -> pd.DataFrame:
    """Read returns by the date they were known, in the order of the table."""
    dates = demand_days(table, "date")
    frame = pd.DataFrame(
        {c: _wide(table, c) for c in table.data.column_names if c != "date"}, index=pd.Index(dates, name="date")
    )
    twice = frame.index.duplicated()
    if twice.any():
        row = int(np.argmax(twice))
        raise bad_cell(table, "date", row, "one row a date", "DUPLICATE_DATE", f"the date {dates[row]} occurs twice")
    return frame


def read_trail(tables: Mapping[str, Table], universe: Universe) -> Trail | None:
    """Read what assets have done: from ``prices`` where there is such a table, else from ``returns``."""
    if "prices" not in tables:
        return Trail.from_returns(read_returns(tables["returns"]), universe) if "returns" in tables else None
    table = tables["prices"]
    told = {name: demand_days(table, name) for name in ("date", "available_at")}
    columns = [c for c in table.data.column_names if c in universe.positions]
    frame = pd.DataFrame({c: _wide(table, c) for c in columns}, index=pd.Index(told["date"], name="date"))
    return Trail.from_prices(frame, universe, told["available_at"])


def read_models(strategic: Table, universe: Universe) -> Mapping[str, Mapping[str, float]]:
    """Read the strategic weights by model; refuse percents, doubled rows and unknown assets by name."""
    models: dict[str, dict[str, float]] = {}
    weights = demand(strategic, "weight", numbers(strategic, "weight"), f"{_PLAIN}; 0.6 for 60%")
    for row, (model, asset) in enumerate(
        zip(demand_ids(strategic, "model_id"), demand_ids(strategic, "asset_id"), strict=True)
    ):
        own = models.setdefault(model, {})
        if asset not in universe.positions:
            raise bad_cell(
                strategic,
                "asset_id",
                row,
                did_you_mean(asset, universe.assets) or "add it to the assets table",
                "UNKNOWN_ASSET",
                f"{asset!r} is not in the assets table",
            )
        if asset in own:
            raise bad_cell(
                strategic,
                "asset_id",
                row,
                "one row for each asset of a model",
                "DUPLICATE_ROW",
                f"model {model!r} holds {asset!r} twice",
            )
        own[asset] = float(weights[row])
    for model, total in strategic_sums(strategic).items():
        if not abs(total - 1.0) <= 1e-6:
            percents = abs(total - 100.0) <= 0.5
            raise BookError(
                f"the weights of model {model!r} sum to {total:.10g}"
                + (": they look like percents" if percents else ""),
                code="WEIGHTS_SUM",
                table="strategic",
                field="weight",
                value=total,
                mend="divide by 100: 0.6 for 60%" if percents else "decimals that sum to 1",
            )
    if not models:
        raise BookError(
            "it has no rows", code="EMPTY_TABLE", table="strategic", field="model_id", mend="one row a model and asset"
        )
    return FrozenMap({model: FrozenMap(own) for model, own in models.items()})


def strategic_sums(strategic: Table) -> dict[str, float]:
    """Return what the weights of each model sum to, as they are written."""
    sums: dict[str, list[float]] = {}
    for model, weight in zip(texts(strategic, "model_id"), numbers(strategic, "weight")[0].tolist(), strict=True):
        sums.setdefault(model, []).append(weight)
    return {model: math.fsum(own) for model, own in sums.items()}


def read_views(table: Table | None) -> tuple[View, ...]:
    """Read every view of the book, live or not."""
    if table is None:
        return ()
    rates = {}
    for column in ("gain", "confidence", "stop", "take", "hurdle", "half_life_days"):
        blank = None if column in LAYOUTS["views"].required else np.nan
        rates[column] = demand(table, column, numbers(table, column, blank), f"{_PLAIN}; 0.02 for 2%")
    dates = {c: demand(table, c, days(table, c), ISO) for c in ("since", "until")}
    words = {c: texts(table, c) for c in ("about", "author", "because", "basis")}
    views = []
    for i, name in enumerate(demand_ids(table, "view_id")):
        own = {c: float(v[i]) for c, v in rates.items()}
        may = {c: None if np.isnan(v) else v for c, v in own.items()}
        views.append(
            View(
                words["about"][i],
                own["gain"],
                own["confidence"],
                dates["since"][i],
                dates["until"][i],
                words["author"][i],
                words["because"][i],
                cast("Basis", words["basis"][i] or "active"),  # a View checks it
                name,
                may["half_life_days"],
                may["stop"],
                may["take"],
                may["hurdle"],
            )
        )
    return tuple(views)


def read_shifts(table: Table | None, models: Mapping[str, object]) -> pd.DataFrame | None:
    """Read the ``tilts`` table as the frame that :func:`trimtab.models.channels.read_tilts` takes."""
    if table is None or not len(table):
        return None
    frame = {
        c: demand_ids(table, c) if c == "tilt_id" else texts(table, c)
        for c in ("tilt_id", "channel", "about", "author", "because", "model_id")
    }
    frame["value"] = demand(table, "value", numbers(table, "value"), f"{_PLAIN}; 0.05 for 5%")
    for column in ("since", "until"):
        frame[column] = demand(table, column, days(table, column), ISO)
    for row, model in enumerate(frame["model_id"]):
        if model and model not in models:
            raise bad_cell(
                table,
                "model_id",
                row,
                did_you_mean(model, models) or "empty for every model",
                "UNKNOWN_MODEL",
                f"there is no model {model!r}",
            )
    return pd.DataFrame(frame)


def _square(table: Table, index: str) -> pd.DataFrame:
    labels = demand_ids(table, index)
    twice = pd.Index(labels).duplicated()
    if twice.any():
        raise bad_cell(
            table,
            index,
            int(np.argmax(twice)),
            "one row each",
            "DUPLICATE_ROW",
            f"{labels[int(np.argmax(twice))]!r} occurs twice",
        )
    columns = {c: demand(table, c, numbers(table, c), _PLAIN) for c in table.data.column_names if c != index}
    return pd.DataFrame(columns, index=pd.Index(labels, name=index))


def _wide(table: Table, column: str) -> np.ndarray:
    """Return a column of a history; an empty cell is a gap, which the estimate refuses by date if it needs it."""
    return demand(table, column, numbers(table, column, np.nan), _PLAIN)
