"""What is to be looked at when a programme is judged: every figure of an attribution, its sources, limits and promises.

A :class:`Review` is what a page shows and a folder keeps; each table is made by the module that says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..scenarios.bootstraps import Interval
from ..units import FrozenMap
from .chains import STAGES, Chain
from .decisions import Attribution, By, attribute
from .feedback import propose_confidences
from .forecasts import COLUMNS, Source, calibrate, settle
from .records import Record
from .skill import LEAST, breadth, cost_of_limits, judge_by, mean_interval, sources_of
from .yardsticks import mix, score_benchmarks

JUDGED: tuple[By, ...] = ("view", "signal", "rule", "author", "regime", "class")
CALIBRATED: tuple[Source, ...] = ("source", "view_id", "signal", "author", "regime", "class")
_NO_HURDLES: Mapping[str, float] = FrozenMap()


@dataclass(frozen=True, eq=False)
class Review:
    """An attribution and what follows from it; a table is empty where there is too little to say anything.

    Parameters
    ----------
    attribution
        Effects without a remainder.
    skill
        A row a source, with what it is ``by``: gain, ratios and rates with their intervals, hurdle, verdict.
    limits
        What each limit, waiting, phasing, lots and costs took a year, in basis points, with intervals.
    figures
        Breadth and transfer coefficient: value, low, high.
    forecasts
        Those that have ended: promised, realised.
    calibration
        A row a source of forecasts, with what it is ``by``.
    proposal
        A confidence for each source, for people to approve.
    benchmarks
        Candidates, best first, with their scores and why.
    """

    attribution: Attribution
    skill: pd.DataFrame
    limits: pd.DataFrame
    figures: pd.DataFrame
    forecasts: pd.DataFrame
    calibration: pd.DataFrame
    proposal: pd.DataFrame
    benchmarks: pd.DataFrame

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table as it is written, by its file's name."""
        return FrozenMap(
            {
                "attribution": self.attribution.to_frame(),
                "waterfall": self.attribution.waterfall().reset_index(),
                "waterfall_of_effects": self.attribution.waterfall("effect").reset_index(),
                "skill": self.skill, "limits": self.limits, "figures": self.figures, "forecasts": self.forecasts,
                "calibration": self.calibration, "proposal": self.proposal, "benchmarks": self.benchmarks,
            }
        )  # fmt: skip


def review(
    record: Record,
    *,
    start: object = None,
    end: object = None,
    hurdles: Mapping[str, float] = _NO_HURDLES,
    periods_per_year: float | None = None,
    draws: int = 1000,
    level: float = 0.90,
) -> Review:
    """Attribute a record and judge all that had a part in it.

    Parameters
    ----------
    record
        A chain, and what was promised in its time.
    start, end
        Periods that end after ``start`` and not after ``end``; forecasts that ended between them.
    hurdles
        Annual gain by source (a view's id, a signal, an author), fixed when it was approved.
    periods_per_year
        Read from the periods by default.
    draws, level
        Of the intervals.

    Raises
    ------
    InputError
        No period between the days, a return of -100 % or less, a hurdle of nobody.
    """
    one = record.chain.between(start, end) if start is not None or end is not None else record.chain
    found = attribute(one)
    year = periods_per_year or count_per_year(one.periods)
    told: dict[str, Any] = {"draws": draws, "level": level}
    long = len(one.periods) >= LEAST
    returns = pd.DataFrame(record.chain.returns, record.chain.periods, list(one.assets))
    settled = settle(record.forecasts, returns, one.periods[-1].date())
    settled = settled.loc[[start is None or until > pd.Timestamp(str(start)).date() for until in settled["until"]]]
    tables = [calibrate(settled, by, **told).reset_index().assign(by=by) for by in CALIBRATED if len(settled)]
    calibration = pd.concat(tables, ignore_index=True) if tables else _none("by", "source", "forecasts")
    sources = calibration.loc[calibration["by"] == "source"].set_index("source")
    proposal = propose_confidences(sources, level=level).reset_index() if len(sources) else _none("source", "scale")
    limits = cost_of_limits(found, periods_per_year=year, **told).reset_index() if long else _none("effect", "cost_bp")
    return Review(
        found, _skill(found, year, hurdles, told) if long else _none("by", "source", "verdict"), limits,
        _figures(found, record.transfers, told, long), settled.loc[:, list(COLUMNS)], calibration, proposal,
        _benchmarks(one, found, year) if long else _none("benchmark", "score"),
    )  # fmt: skip


def count_per_year(ends: pd.Index) -> float:
    """Return how many periods a year has, by the usual distance of their ends."""
    if len(ends) < 2:
        return 1.0
    distance = float(np.median(np.diff(pd.DatetimeIndex(ends).to_numpy()) / np.timedelta64(1, "D")))
    return 252.0 if distance < 4 else round(365.25 / distance)


def _skill(found: Attribution, year: float, hurdles: Mapping[str, float], told: dict[str, Any]) -> pd.DataFrame:
    tables, known = [], set()
    for by in JUDGED:
        names = {str(label).removeprefix("view "): str(label) for label in sources_of(found, by)}
        own = {names[name]: hurdle for name, hurdle in hurdles.items() if name in names}
        known |= {name for name in hurdles if name in names}
        if names:
            tables.append(judge_by(found, by, periods_per_year=year, hurdles=own, **told).reset_index().assign(by=by))
    strange = next((name for name in hurdles if name not in known), None)
    if strange is not None:
        raise InputError(
            f"a hurdle is fixed for {strange!r}, which did nothing in these periods", code="UNKNOWN_SOURCE",
            table="hurdles", field="source", value=strange, mend="the id of a view, a signal or an author",
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True) if tables else _none("by", "source", "verdict")


def _figures(found: Attribution, transfers: pd.Series, told: dict[str, Any], long: bool) -> pd.DataFrame:
    rows: dict[str, Interval] = {}
    views = found.series("effect").loc[:, list(sources_of(found, "effect"))]
    if long and views.shape[1]:
        rows["breadth"] = breadth(views, **told)
    own = transfers.loc[(transfers.index > found.periods[0]) & (transfers.index <= found.periods[-1])]
    if len(own) >= LEAST:
        rows["transfer_coefficient"] = mean_interval(own.to_numpy(dtype=float), **told)
    table = [(name, each.value, each.low, each.high) for name, each in rows.items()]
    return pd.DataFrame(table, columns=["figure", "value", "low", "high"])


def _benchmarks(one: Chain, found: Attribution, year: float) -> pd.DataFrame:
    """Score the strategic weights of the first period: kept, drifted, and brought back by the calendar.

    The market that all of them choose from is every asset alike.
    """
    returns = pd.DataFrame(one.returns, one.periods, list(one.assets))
    weights = dict(zip(one.assets, one.weights[0, STAGES.index("strategic")].tolist(), strict=True))
    whole = sum(weights.values())
    weights = {asset: weight / whole for asset, weight in weights.items()}
    ways = ("always", "month", "quarter", "year", "never")
    candidates = [mix(weights, returns, way, periods_per_year=year) for way in ways]
    alike = pd.Series(returns.to_numpy().mean(1), returns.index)
    return score_benchmarks(found.portfolio, candidates, alike, periods_per_year=year).reset_index()


def _none(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))
