"""What a run read, beside its tables: scores and regimes, views and how they came about, tilts and who asked for them.

``signals.parquet`` has a row a signal, a row a regime's state, and a row for what part of an opinion's view each of its
signals is (section ``share``: the signal's name, about the opinion); ``views.parquet`` a row a view of the day, of the
book or made of signals, and a row an opinion that came to none, with the reason; ``tilts.parquet`` a row for everything
that overlays, rules and hands put into a channel of a model; ``beliefs.parquet`` a row an asset that a view, a shift
or a tilt of risk moves on the way from a model's strategic weights to its tactical target. They are there where nothing
was read too, with no rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..models.tilts import Tilt
from ..models.universes import Universe
from ..models.views import View
from ..optimizer.legs import Leg
from ..optimizer.reasons import OUTSIDE
from ..signals.readings import Reading
from ..units import FrozenMap
from .stores import whole
from .trusts import Trust, trust_of

_TEXT, _NUMBER, _DAY = pa.string(), pa.float64(), pa.date32()
_NO_LEGS: Mapping[str, Leg] = FrozenMap()
_NO_TRUSTS: Mapping[str, Trust] = FrozenMap()
_PARTS = ("score", "strength", "agreement", "recency", "track_record")
READ: Mapping[str, pa.Schema] = FrozenMap(
    {
        "signals": pa.schema(
            [
                *((name, _TEXT) for name in ("section", "name", "kind", "about", "state")),
                *((name, _NUMBER) for name in ("value", "raw")),
                *((name, _DAY) for name in ("date", "known")),
                ("note", _TEXT),
            ]
        ),
        "views": pa.schema(
            [
                *((name, _TEXT) for name in ("view_id", "source", "about", "basis")),
                *((name, _NUMBER) for name in ("gain", "confidence")),
                *((name, _DAY) for name in ("since", "until")),
                *((name, _TEXT) for name in ("author", "because")),
                *((name, _NUMBER) for name in (*_PARTS, "conviction")),
                ("why_not", _TEXT),
                ("trust", _NUMBER),
            ]
        ),
        "tilts": pa.schema(
            [
                *((name, _TEXT) for name in ("model_id", "by", "tilt_id", "channel", "asset_id")),
                ("value", _NUMBER),
                *((name, _TEXT) for name in ("author", "because")),
            ]
        ),
        "beliefs": pa.schema([*((name, _TEXT) for name in ("model_id", "part", "asset_id")), ("weight", _NUMBER)]),
    }
)
"""The tables of what was read, and their columns."""


def write_readings(
    folder: Path,
    reading: Reading | None,
    views: Sequence[View],
    beliefs: Mapping[str, Tilt],
    universe: Universe,
    on: dt.date,
    legs: Mapping[str, Leg] = _NO_LEGS,
    trusts: Mapping[str, Trust] = _NO_TRUSTS,
) -> None:
    """Write what a run read into its folder, each table whole or not at all.

    Parameters
    ----------
    views
        Those of the book; they are written where they are live on the day.
    beliefs
        The tilt of each model, with its causes.
    legs
        What leads each model to its tactical target at the policy's own aversion, where there is one.
    trusts
        What confidences were multiplied by, which are written as they came out.
    """
    rows = {
        "signals": list(_signals(reading)),
        "views": list(_views(reading, [view for view in views if view.live(on)], trusts)),
        "tilts": list(_tilts(beliefs, universe)),
        "beliefs": list(_parts(legs, universe)),
    }
    for name, schema in READ.items():
        table = pa.Table.from_pylist(rows[name], schema)
        with whole(folder, f"{name}.parquet") as file:
            pq.write_table(table, file, compression="zstd", write_page_checksum=True, store_schema=True)


def _signals(reading: Reading | None) -> Iterator[dict[str, Any]]:
    if reading is None:
        return
    for row in reading.scores.to_dict("records"):
        said = {name: _none(row[name]) for name in ("value", "raw", "date", "known")}
        words = {"name": row["signal"], "kind": row["kind"], "about": row["about"], "note": row["why_not"]}
        yield {"section": "signal", "state": "", **words, **said}
    for row in reading.regimes.to_dict("records"):
        words = {"name": row["regime"], "state": row["state"], "note": row["note"]}
        now = {"value": _none(row["probability"]), "raw": float(row["is_now"]), "date": reading.on, "known": reading.on}
        yield {"section": "regime", "kind": "", "about": "", **words, **now}
    for opinion, shares in reading.shares.items():
        for signal, share in shares.items():
            words = {"name": signal, "about": opinion, "value": share, "date": reading.on, "known": reading.on}
            yield {"section": "share", "kind": "", "state": "", "note": "", **words}


def _views(reading: Reading | None, views: Sequence[View], trusts: Mapping[str, Trust]) -> Iterator[dict[str, Any]]:
    for view in views:
        yield {**_view(view, trusts), "source": "book", "why_not": ""}
    if reading is None:
        return
    made = {view.id: view for view in reading.views}
    for row in reading.convictions.to_dict("records"):
        said = {name: _none(row[name]) for name in _PARTS} | {"conviction": _none(row["value"])}
        view = made.pop(row["opinion"], None)
        words = {"view_id": row["opinion"]} if view is None else _view(view, trusts)
        yield {**words, **said, "source": "signals", "why_not": row["why_not"]}
    for view in made.values():
        yield {**_view(view, trusts), "source": "signals", "why_not": ""}


def _view(view: View, trusts: Mapping[str, Trust]) -> dict[str, Any]:
    names = ("about", "basis", "gain", "confidence", "since", "until", "author", "because")
    told = {name: getattr(view, name) for name in names}
    return {"view_id": view.id, **told, "trust": trust_of(view, trusts).scale}


def _tilts(beliefs: Mapping[str, Tilt], universe: Universe) -> Iterator[dict[str, Any]]:
    """Yield what each cause puts into its channel: a row an asset on which it does anything."""
    for model, belief in beliefs.items():
        for cause in belief.causes:
            if cause.channel == "gain" or not cause.values:
                continue
            told = {"model_id": model, "by": cause.by, "tilt_id": cause.id, "channel": cause.channel}
            told |= {"author": cause.author, "because": cause.because}
            if len(cause.values) == 1:
                yield {**told, "asset_id": "", "value": cause.values[0]}
                continue
            neutral = 0.0 if cause.channel == "target" else 1.0
            for i in np.flatnonzero(np.array(cause.values) != neutral).tolist():
                yield {**told, "asset_id": universe.assets[i], "value": cause.values[i]}


def _parts(legs: Mapping[str, Leg], universe: Universe) -> Iterator[dict[str, Any]]:
    """Yield what each part of the way to the tactical target moves; they sum to tactical less strategic."""
    for model, leg in legs.items():
        strategic = leg.program.current
        for name, part in ((OUTSIDE, leg.start - strategic), *zip(leg.names, leg.parts, strict=True)):
            for i in np.flatnonzero(part).tolist():
                yield {"model_id": model, "part": name, "asset_id": universe.assets[i], "weight": float(part[i])}


def _none(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value
