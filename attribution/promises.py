"""What was promised, by whom and until when: one row a forecast, so that what came of it can be counted once.

A view of people is one forecast, from the day it was first read to its ``until``. An opinion speaks anew whenever its
playbook is read; its next forecast begins where the last one ended, because promises over the same days come true or
fail together. What was said is what was said on the first day: nobody's forecast becomes better afterwards.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.stores import read_seal
from ..errors import SignalError
from ..models.universes import Universe
from ..models.views import View
from ..scenarios.backtests import Backtest
from ..signals.subjects import legs_row
from ..units import day
from .sheets import read_said

COLUMNS = (
    "view_id", "source", "author", "about", "class", "gain", "confidence", "since", "until", "regime", "legs", "shares",
)  # fmt: skip
PEOPLE, SIGNALS = "people", "signals"
"""Who speaks: the ``source`` of a forecast."""


def promise(
    view: View,
    legs: Mapping[str, float],
    classes: Mapping[str, str],
    *,
    on: dt.date | None = None,
    source: str = PEOPLE,
    regime: str = "",
    shares: Mapping[str, float] | None = None,
    trust: float = 1.0,
) -> dict[str, object]:
    """Return the forecast of a view as a row of :data:`COLUMNS`; ``legs`` and ``shares`` are written as JSON.

    Parameters
    ----------
    legs, classes
        Weights of the assets that the view is about; the class of each asset.
    on
        The day it was first heard; the later of it and the view's own ``since`` is where the forecast begins.
    shares
        What part of the view each signal is.
    trust
        What the stated confidence had been multiplied by; the forecast has the stated one, or less where the product
        was cut at 1.
    """
    begun = max(d for d in (view.since, on, dt.date.min) if d is not None)
    kinds = sorted({classes.get(asset, asset) for asset, weight in legs.items() if abs(weight) > 1e-12})
    values = (
        view.id, source, view.author, view.about, " and ".join(kinds), view.gain, min(1.0, view.confidence / trust),
        begun, view.until, regime, json.dumps({a: w for a, w in legs.items() if w}), json.dumps(dict(shares or {})),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def promised_in(found: Backtest, views: Sequence[View] = ()) -> pd.DataFrame:
    """Return the forecasts of a backtest that was told to ``remember``: those of its opinions and of ``views``."""
    rows = []
    for asked in found.asked:
        universe = asked.problem.market.universe
        strategic = asked.problem.policy.model(asked.account).vector(universe)
        classes = dict(zip(universe.assets, universe.classes, strict=True))
        reading = asked.reading
        told = [(view, PEOPLE, {}) for view in views if view.live(asked.on)]
        told += [(v, SIGNALS, reading.shares.get(v.id, {})) for v in reading.views] if reading is not None else []
        for view, source, shares in told:
            legs = _legs(view.about, universe, strategic, view.id)
            climate = "" if reading is None else reading.climate
            if legs is not None:
                rows.append(promise(view, legs, classes, on=asked.on, source=source, regime=climate, shares=shares))
    return one_at_a_time(rows)


def read_promises(runs: Iterable[str | Path], universe: Universe, strategic: Mapping[str, float]) -> pd.DataFrame:
    """Return the forecasts of sealed runs.

    Parameters
    ----------
    runs
        Folders.
    universe, strategic
        What names of classes and groups in the views mean: their mix in these weights. A view about something that is
        not in them is left out.
    """
    rows, weights = [], universe.vector({a: w for a, w in strategic.items() if a in universe.positions})
    classes = dict(zip(universe.assets, universe.classes, strict=True))
    for run in runs:
        folder, seal = Path(run), read_seal(Path(run)) or {}
        state, shares = read_said(folder)
        on = day(str(seal["on"]))
        for row in pd.read_parquet(folder / "views.parquet").to_dict("records"):
            if row["why_not"] or pd.isna(row["gain"]):
                continue
            since, until = (None if pd.isna(row[name]) else row[name] for name in ("since", "until"))
            view = View(
                row["about"], row["gain"], row["confidence"], since, until, row["author"] or "", id=row["view_id"]
            )
            legs = _legs(view.about, universe, weights, view.id)
            if legs is not None:
                source = SIGNALS if row["source"] == "signals" else PEOPLE
                told = {
                    "source": source,
                    "regime": state,
                    "shares": shares.get(view.id),
                    "trust": row.get("trust", 1.0),
                }
                rows.append(promise(view, legs, classes, on=on, **told))
    return one_at_a_time(rows)


def one_at_a_time(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return the forecasts that do not overlap another of their view, in the order of their days.

    One without an end is kept until its view says something else; it is settled by nobody until then.

    >>> view = lambda d: View("A - B", 0.02, 0.5, until=dt.date(2020, 1, d + 20), id="v")
    >>> rows = [promise(view(d), {"A": 1.0, "B": -1.0}, {}, on=dt.date(2020, 1, d)) for d in (1, 5, 11)]
    >>> rows.append(promise(view(11), {"A": 1.0, "B": -1.0}, {}, on=dt.date(2020, 1, 21)))
    >>> [str(each) for each in one_at_a_time(rows)["since"]]
    ['2020-01-01', '2020-01-21']
    """
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS)).sort_values("since", kind="stable", ignore_index=True)
    ends: dict[str, dt.date] = {}
    kept = []
    for k, row in enumerate(frame.to_dict("records")):
        if row["since"] >= ends.get(row["view_id"], dt.date.min):
            kept.append(k)
            ends[row["view_id"]] = row["until"] or dt.date.max
    return frame.iloc[kept].reset_index(drop=True)


def _legs(about: str, universe: Universe, strategic: np.ndarray, name: str) -> dict[str, float] | None:
    """Return what a view is about as weights by asset; None where the model holds nothing of a leg."""
    try:
        row = legs_row(about, universe, strategic, name=name)
    except SignalError:  # the run said so too, and believed nothing of it
        return None
    return {asset: float(weight) for asset, weight in zip(universe.assets, row, strict=True) if weight}
