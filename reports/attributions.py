"""The page of an attribution: what each decision earned, who earned it, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..attribution.decisions import UNNAMED, Attribution, By
from ..attribution.feedback import propose_confidences
from ..attribution.linking import compounded
from ..attribution.plots import draw_calibration, draw_course, draw_waterfall
from ..scenarios.plots import draw_intervals
from ..units import FrozenMap, basis_points, percent, signed
from .forms import MOST, remainder, spread_out, whole
from .pages import Chart, Figures, Listing, Page, Section, Words

_WHERE = "in attribution.parquet"
_EMPTY = pd.DataFrame()
_CANDIDATES = ("score", "tracking_error", "beta", "turnover", "because")
_SEEN = 5e-7
"""Half a hundredth of a basis point: what is below it everywhere has no row."""
_SPLITS: tuple[tuple[By, str], ...] = (
    ("view", "By view"), ("signal", "By signal"), ("author", "By author"), ("effect", "By effect: each limit apart"),
    ("class", "By asset class"), ("asset", "By asset"), ("regime", "By regime"),
)  # fmt: skip


def attribution_page(
    found: Attribution,
    title: str = "",
    *,
    skill: pd.DataFrame = _EMPTY,
    limits: pd.DataFrame = _EMPTY,
    calibration: pd.DataFrame = _EMPTY,
    figures: pd.DataFrame = _EMPTY,
    forecasts: pd.DataFrame = _EMPTY,
    benchmarks: pd.DataFrame = _EMPTY,
    about: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of an attribution.

    Parameters
    ----------
    found
        The attribution.
    title
        Whose it is; its own name by default.
    skill, limits, calibration, figures, forecasts, benchmarks
        Verdicts on sources, what limits and delays cost, how right forecasts came, breadth and transfer, forecasts that
        have ended, candidates to be judged by: as :class:`trimtab.attribution.reviews.Review` has them, or as the
        functions that make them return them. What is empty has no section.
    about
        Where it comes from, (name, value) each.
    """
    first, last = (str(period)[:10] for period in (found.periods[0], found.periods[-1]))
    own, base = (compounded(each.to_numpy()) for each in (found.portfolio, found.benchmark))
    count = len(found.periods)
    when = f"One period ending {last}" if count == 1 else f"{count:,} periods ending {first} to {last}"
    subtitle = f"{when}: earned {percent(own)} after costs, the strategic weights {percent(base)}."
    sections = (
        *_earned(found, own, base), *_skill(skill), *_figures(figures), *_limits(limits),
        *_forecasts(calibration, forecasts), *_benchmarks(benchmarks), _nothing_left(found),
    )  # fmt: skip
    return Page(title or f"What came of the decisions of {found.name}", subtitle, sections, tuple(about))


def _earned(found: Attribution, own: float, base: float) -> Iterator[Section]:
    groups = found.by("group")
    best, worst = groups["linked"].idxmax(), groups["linked"].idxmin()
    yield Figures(
        "In short",
        (
            ("earned", percent(own), "after costs, compounded"),
            ("strategic", percent(base), "the benchmark, compounded"),
            ("apart", _points(found.excess), "what all effects sum to"),
            ("added most", str(best), _points(float(groups.loc[best, "linked"]))),
            ("cost most", str(worst), _points(float(groups.loc[worst, "linked"]))),
            ("unexplained", basis_points(found.residual, 6), "the largest remainder of any period"),
        ),
    )
    note = "From the benchmark's return to the account's: beliefs, then what stood between them and what was held."
    yield Chart("What did it", draw_waterfall(found), found.waterfall("group"), note, _STEPS)
    series = found.series("group")
    frame = spread_out(series.cumsum().rename_axis("period"))
    note = f"Added up period by period, not linked.{remainder(series, _WHERE)}"
    forms = FrozenMap(dict.fromkeys(frame.columns, _points))
    yield Chart("When it was earned", draw_course(series, ""), frame, note, forms)
    told: set[frozenset[str]] = {frozenset(groups.index)}
    for by, words in _SPLITS:
        table = found.by(by)
        labels = frozenset(table.index)
        if labels not in told:  # of views without signals, "by signal" would say the same again
            yield from _split(table, words)
        told.add(labels)


def _split(table: pd.DataFrame, title: str) -> Iterator[Section]:
    """Yield what each label earned, where there is more than one to tell apart."""
    seen = table.loc[table.abs().max(axis=1) >= _SEEN]
    if len(seen) < 2:
        return
    order = seen["linked"].abs().sort_values(ascending=False, kind="stable").index
    shown = seen.loc[order]
    note = f"Sum over the periods, and linked: that column sums to the whole.{remainder(shown, _WHERE)}"
    yield Listing(title, shown.iloc[:MOST], note, FrozenMap({"sum": _points, "linked": _points}))


def _skill(skill: pd.DataFrame) -> Iterator[Section]:
    """Yield the verdicts by each kind of source that was judged; of kinds that say the same, the first."""
    told: set[tuple] = set()
    judged = skill.loc[skill["periods"].to_numpy() > 0] if len(skill) else skill
    kinds = list(dict.fromkeys(judged["by"])) if "by" in judged.columns else [""]
    for kind in kinds if len(judged) else []:
        own = judged.loc[(judged["by"] == kind).to_numpy()].drop(columns="by") if kind else judged
        named = _by_name(own, "source")
        key = tuple(zip(named.index, named["gain"], strict=True))
        if key not in told and list(named.index) != [UNNAMED]:
            yield _verdicts(named, f"Whether it was skill{f', by {kind}' if kind else ''}")
        told.add(key)


def _verdicts(named: pd.DataFrame, title: str) -> Chart:
    counts = ", ".join(f"{n:,} {name}" for name, n in named["verdict"].value_counts().items())
    note = (
        f"A year in position, with 90 % bootstrap intervals; verdicts: {counts}. Skill is an interval wholly above the "
        "hurdle, none one wholly below."
    )
    drawn = draw_intervals(named.rename(columns={"gain": "value"}))
    return Chart(title, drawn, named.iloc[:MOST], note, _forms(named))


def _figures(figures: pd.DataFrame) -> Iterator[Section]:
    told = {"breadth": "independent bets", "transfer_coefficient": "of the forecasts came through"}
    rows = [
        (
            told.get(str(row["figure"]), str(row["figure"])),
            f"{row['value']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}, 90 %",
        )
        for row in figures.to_dict("records")
    ]
    if rows:
        yield Figures("How broad, and how much came through", tuple(rows))


def _limits(limits: pd.DataFrame) -> Iterator[Section]:
    if not len(limits):
        return
    named = _by_name(limits, "effect")
    told = named.loc[named[["cost_bp", "low", "high"]].abs().max(axis=1).to_numpy() >= 1e4 * _SEEN]
    if len(told):
        drawn = draw_intervals(told.rename(columns={"cost_bp": "value"}), form="+.1~f")
        forms = FrozenMap(dict.fromkeys(("cost_bp", "low", "high"), "{:+.2f}".format))
        note = "Basis points a year with 90 % intervals: a positive cost was paid, a negative one saved something."
        yield Chart("What limits and delays cost", drawn, told, note, forms)


def _forecasts(calibration: pd.DataFrame, forecasts: pd.DataFrame) -> Iterator[Section]:
    own = calibration
    if "by" in own.columns:
        own = own.loc[(own["by"] == "source").to_numpy()].drop(columns="by")
    if len(own):
        named = _by_name(own, "source")
        told = propose_confidences(named).rename(columns={"confidence": "proposed"})
        told = told.drop(columns=["approved_by", "approval"])
        joined = told.join(named.drop(columns=[*{"confidence", *told.columns} & set(named.columns)]))
        note = (
            "How often each source was right, with its 90 % interval, against how often its confidence says it should "
            "be; what is proposed is a proposal, until a person approves it."
        )
        forms = FrozenMap(dict.fromkeys(("stated", "proposed", "low", "high"), whole))
        yield Chart("Right as often as stated?", draw_calibration(named), joined, note, forms)
    if len(forecasts):
        shown = forecasts.drop(columns=[name for name in ("legs", "shares") if name in forecasts.columns])
        forms = {name: signed for name in ("promised", "realised", "gain", "hurdle") if name in shown.columns}
        note = f"Promised and realised over the life of each.{remainder(shown, 'in forecasts.parquet')}"
        yield Listing("Forecasts that have ended", shown.iloc[:MOST], note, FrozenMap(forms))


def _benchmarks(benchmarks: pd.DataFrame) -> Iterator[Section]:
    if len(benchmarks):
        shown = pd.DataFrame(_by_name(benchmarks, "benchmark").loc[:, list(_CANDIDATES)])
        forms = {"score": "{:.2f}".format, "tracking_error": percent, "beta": "{:.2f}".format, "turnover": percent}
        note = "Candidates by the properties that a valid benchmark needs, best first; the market is every asset alike."
        yield Listing("Which benchmark to be judged by", shown, note, FrozenMap(forms))


def _by_name(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table whose rows are named: tables that come from files have the name as a column."""
    return frame.set_index(name) if name in frame.columns else frame


def _forms(frame: pd.DataFrame) -> FrozenMap:
    """Return how the figures of verdicts are written, the ends of their intervals as the figures themselves."""
    ways = {"gain": _points, "low": _points, "high": _points, "hurdle": _points, "hit_rate": whole}
    ways |= dict.fromkeys(("information_ratio", "slugging", "t"), "{:.2f}".format)
    bare = {name: str(name).removesuffix("_low").removesuffix("_high") for name in frame.columns}
    return FrozenMap({name: ways[known] for name, known in bare.items() if known in ways})


def _nothing_left(found: Attribution) -> Words:
    said = [f"Nothing is left over: the largest remainder of a period is {basis_points(found.residual, 6)}."]
    if found.apart > 1e-6:
        said.append(
            f"Portfolios that were recorded are up to {percent(found.apart, 4)} of an asset from the ones replayed: "
            "flows, fills that were not told, prices that are not the returns, what costs take from the cash."
        )
    return Words("How far to trust it", tuple(said))


def _points(value: float) -> str:
    return f"{1e4 * value:+.2f} bp" if np.isfinite(value) else "–"


_STEPS = FrozenMap({"start": percent, "size": _points, "end": percent})
