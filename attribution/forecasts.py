"""What became of views: what each promised over its life, and what its legs did.

A view promises ``gain * years`` from ``since`` to ``until``; its legs earn ``sum_i p_i (L_i(end)/L_i(start) - 1)``.
Calibration compares the two by source, with one forecast a view, so that forecasts do not overlap by themselves::

    slope   sum promised realised / sum promised^2      1: as promised; 0: worth nothing      (through the origin)
    ic      rank correlation of promised with realised, with its t (:func:`trimtab.signals.diagnostics`)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from ..models.universes import Universe
from ..models.views import View
from ..signals.diagnostics import information_coefficient
from ..signals.subjects import legs_row
from ..units import day

COLUMNS = (
    "view_id", "about", "author", "confidence", "since", "until", "promised", "realised", "right", "hurdle", "cleared",
    "days_to_pay_off", "regime",
)  # fmt: skip


def settle_views(
    views: Sequence[View],
    returns: pd.DataFrame,
    universe: Universe,
    strategic: np.ndarray,
    on: dt.date | str,
    *,
    regimes: pd.Series | None = None,
) -> pd.DataFrame:
    """Return a row a view that has ended by a day: what it promised over its life, and what came of it.

    Parameters
    ----------
    views, returns
        Views without ``since`` or ``until``, or still live, are left out. Returns are those of the assets, indexed by
        the end of each period; an asset without a column earns nothing.
    universe, strategic
        What legs mean; classes and groups in the mix of these weights.
    on
        The day on which it is asked: later returns are not looked at.
    regimes
        The state of each period, by its end: a view stands with the state it began in.

    Returns
    -------
    pandas.DataFrame
        promised and realised are decimals over the view's life, both in favour of the legs as written; ``right``
        whether they agree in sign (None where nothing moved); ``hurdle`` what had to be gained (annual decimals times
        years; 0 where none was fixed) and ``cleared`` whether it was; ``days_to_pay_off`` when what was promised had
        been earned for the first time, missing where it never was.
    """
    on, rows = day(on), []
    frame = returns.sort_index()
    ends = pd.DatetimeIndex(pd.to_datetime(frame.index))
    moves = frame.reindex(columns=list(universe.assets)).fillna(0.0).to_numpy(dtype=float)
    states = [""] * len(frame) if regimes is None else regimes.reindex(frame.index).fillna("").astype(str).tolist()
    for view in views:
        if view.since is None or view.until is None or view.until > on:
            continue
        kept = np.asarray((ends > pd.Timestamp(view.since)) & (ends <= pd.Timestamp(view.until)))
        if not kept.any():
            continue
        legs = legs_row(view.about, universe, strategic, name=view.id)
        path = (np.cumprod(1.0 + moves[kept], axis=0) - 1.0) @ legs
        years = (view.until - view.since).days / 365.25
        promised, realised = view.gain * years, float(path[-1])
        sign = np.sign(view.gain)
        paid = np.flatnonzero(sign * path >= abs(promised))
        since = np.datetime64(view.since)
        waited = float((ends[kept].to_numpy()[paid[0]] - since) / np.timedelta64(1, "D")) if len(paid) else np.nan
        state = states[int(np.argmax(kept))]
        rows.append(
            (
                view.id, view.about, view.author, view.confidence, view.since, view.until, promised, realised,
                None if realised == 0 or sign == 0 else bool(sign * realised > 0), 0.0, bool(sign * realised > 0.0),
                waited, state,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def against_hurdles(settled: pd.DataFrame, hurdles: pd.Series) -> pd.DataFrame:
    """Return the same with the hurdles fixed at approval, annual decimals by view: did what came of it clear them?"""
    lives = pd.to_datetime(settled["until"]).to_numpy() - pd.to_datetime(settled["since"]).to_numpy()
    fixed = hurdles.reindex(settled["view_id"].tolist()).fillna(0.0).to_numpy(dtype=float)
    least = fixed * (lives / np.timedelta64(1, "D")) / 365.25
    gained = np.sign(settled["promised"].to_numpy(dtype=float)) * settled["realised"].to_numpy(dtype=float)
    return settled.assign(hurdle=least, cleared=gained > least)


def calibrate(settled: pd.DataFrame, by: Literal["view_id", "about", "author", "regime"] = "author") -> pd.DataFrame:
    """Return a row a source: forecasts, right and wrong ones, promised and realised means, slope, ic and its t.

    Also ``cleared``, the share that cleared its hurdle; ``confidence``, the mean that was stated; and ``days``, the
    median time to pay-off of those that paid.
    """
    if by not in settled.columns:
        raise InputError(
            f"forecasts have no {by!r}",
            code="UNKNOWN_COLUMN",
            field="by",
            value=by,
            mend="view_id, about, author, regime",
        )
    rows = {}
    for name, own in settled.groupby(by, sort=False):
        promised, realised = own["promised"].to_numpy(dtype=float), own["realised"].to_numpy(dtype=float)
        right = np.array([bool(x) for x in own["right"] if x is not None], dtype=bool)
        cleared, stated, days = (own[c].to_numpy(dtype=float) for c in ("cleared", "confidence", "days_to_pay_off"))
        paid = days[np.isfinite(days)]
        ic = information_coefficient(promised, realised)
        size = float(promised @ promised)
        rows[name] = {
            "forecasts": len(own), "right": int(right.sum()), "wrong": int((~right).sum()),
            "promised": float(np.abs(promised).mean()), "realised": float((np.sign(promised) * realised).mean()),
            "slope": float(promised @ realised / size) if size > 0 else np.nan, "ic": ic.coefficient, "ic_t": ic.t,
            "cleared": float(cleared.mean()), "confidence": float(stated.mean()),
            "days": float(np.median(paid)) if len(paid) else np.nan,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")
