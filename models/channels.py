"""The ``tilts`` table: shifts and multipliers that somebody sets by hand, read into the channels of a tilt."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import ViewError
from ..units import day, decimal
from .accounts import Model
from .causes import CHANNELS, Cause
from .markets import Market
from .tilts import NO_TILT, Tilt
from .universes import Universe


def read_tilts(table: pd.DataFrame, market: Market, model: Model, on: dt.date) -> Tilt:
    """Combine the rows of a ``tilts`` table that are live on a day and meant for this model.

    Columns ``tilt_id``, ``channel``, ``about``, ``value``, and optionally ``since``, ``until``, ``author``,
    ``because``, ``model_id`` (empty: every model). ``target`` shifts weight by value times the legs,
    which must cancel; the other channels multiply: per asset over the members of ``about``, as a whole for aversion
    and frequency.
    """
    universe, strategic = market.universe, model.vector(market.universe)
    total = NO_TILT
    for record in table.to_dict("records"):
        text = {k: ("" if pd.isna(v) else v) for k, v in record.items()}
        name = str(text["tilt_id"])
        try:
            since, until = (day(text[k]) if text.get(k) else None for k in ("since", "until"))
            value = decimal(text["value"])
        except ValueError as error:
            raise ViewError(
                f"tilt {name!r}: {error}", code="BAD_TILT", table="tilts", field="value", value=text.get("value")
            ) from None
        if (since and on < since) or (until and on >= until) or (text.get("model_id") or model.id) != model.id:
            continue
        cause = Cause(str(text["channel"]), name, str(text.get("author", "")), str(text.get("because", "")))
        total += tilt_channel(cause, str(text.get("about", "")), value, universe, strategic)
    return total


def tilt_channel(cause: Cause, about: str, value: float, universe: Universe, strategic: np.ndarray) -> Tilt:
    """Put one number into one channel: a shift of weight along the legs of ``about``, or a multiplier of its members.

    Raises
    ------
    ViewError
        No such channel, an unknown name, legs that do not cancel, a number nobody can mean.
    """
    if cause.channel not in CHANNELS:
        raise ViewError(
            f"{cause.by} {cause.id!r}: {cause.channel!r} is no channel",
            code="BAD_TILT",
            table="tilts",
            field="channel",
            value=cause.channel,
            mend=f"one of {', '.join(CHANNELS)}",
        )
    if cause.channel in ("aversion", "frequency"):
        return _multiplier(cause, value, np.ones(1))
    if cause.channel != "target":
        multipliers = np.ones(len(universe))
        for _, name in universe.legs(about):
            multipliers[universe.members(name)] *= value
        return _multiplier(cause, 1.0, multipliers)
    shift = np.zeros(len(universe))
    for size, name in universe.legs(about):
        mix = universe.mix(name, strategic)
        if mix is None:
            return Tilt(dropped=((cause.id, f"{name} has no strategic weight in this model"),))
        shift += value * size * mix
    if np.abs(shift).max() > 1.0:
        raise ViewError(
            f"{cause.by} {cause.id!r} shifts a weight by {100 * np.abs(shift).max():.0f}%",
            code="BAD_TILT",
            table="tilts",
            field="value",
            value=value,
            mend="a decimal: 0.05 for 5%",
        )
    return Tilt(target=shift, causes=(replace(cause, values=tuple(shift)),))


def _multiplier(cause: Cause, whole: float, each: np.ndarray) -> Tilt:
    """Put a multiplier into its channel: ``whole`` into aversion or frequency, ``each`` into a channel per asset."""
    cause = replace(cause, values=(whole,) if cause.channel in ("aversion", "frequency") else tuple(each))
    tilts = {
        "aversion": lambda: Tilt(aversion=whole, causes=(cause,)),
        "frequency": lambda: Tilt(frequency=whole, causes=(cause,)),
        "risk": lambda: Tilt(risk=each, causes=(cause,)),
        "band_low": lambda: Tilt(band_low=each, causes=(cause,)),
        "band_high": lambda: Tilt(band_high=each, causes=(cause,)),
        "buy_pace": lambda: Tilt(buy_pace=each, causes=(cause,)),
        "sell_pace": lambda: Tilt(sell_pace=each, causes=(cause,)),
    }
    return tilts[cause.channel]()
