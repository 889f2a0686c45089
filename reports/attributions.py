"""The page of an attribution: what each decision earned, who earned it, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..attribution.decisions import Attribution, By
from ..attribution.feedback import propose_confidences
from ..attribution.linking import compounded
from ..attribution.plots import draw_calibration, draw_course, draw_waterfall
from ..scenarios.plots import draw_intervals
from ..units import FrozenMap, basis_points, percent
from .forms import MOST, remainder, spread_out, whole
from .pages import Chart, Figures, Listing, Page, Section, Words

_WHERE = "in attribution.parquet"
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
    skill: pd.DataFrame | None = None,
    limits: pd.DataFrame | None = None,
    calibration: pd.DataFrame | None = None,
    figures: pd.DataFrame | None = None,
    benchmarks: pd.DataFrame | None = None,
    about: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of an attribution.

    Parameters
    ----------
    found
        The attribution.
    title
        Whose it is; its own name by default.
    skill
        Verdicts on its sources (:func:`trimtab.attribution.skill.judge_by`), where the history is long enough.
    limits
        What limits and delays cost (:func:`trimtab.attribution.skill.cost_of_limits`).
    calibration
        How right forecasts came (:func:`trimtab.attribution.forecasts.calibrate`).
    figures, benchmarks
        Breadth and transfer coefficient; candidates for the benchmark (:class:`trimtab.attribution.reviews.Review`).
    about
        Where it comes from, (name, value) each.
    """
    first, last = (str(period)[:10] for period in (found.periods[0], found.periods[-1]))
    own, base = (compounded(each.to_numpy()) for each in (found.portfolio, found.benchmark))
    subtitle = (
        f"{len(found.periods):,} periods ending {first} to {last}: earned {percent(own)} after costs, the strategic "
        f"weights {percent(base)}."
    )
    sections = (
        *_earned(found), *_skill(skill), *_figures(figures), *_limits(limits), *_calibration(calibration),
        *_benchmarks(benchmarks), _nothing_left(found),
    )  # fmt: skip
    return Page(title or f"What came of the decisions of {found.name}", subtitle, sections, tuple(about))


def _earned(found: Attribution) -> Iterator[Section]:
    groups = found.by("group")
    best, worst = groups["linked"].idxmax(), groups["linked"].idxmin()
    own, base = (compounded(each.to_numpy()) for each in (found.portfolio, found.benchmark))
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
    yield Chart("What did it", draw_waterfall(found), _steps(found, "group"), note, _STEPS)
    series = found.series("group")
    frame = spread_out(series.cumsum().rename_axis("period"))
    note = f"Added up period by period, not linked.{remainder(series, _WHERE)}"
    forms = FrozenMap(dict.fromkeys(frame.columns, _points))
    yield Chart("When it was earned", draw_course(series, ""), frame, note, forms)
    for by, words in _SPLITS:
        yield from _split(found, by, words)


def _split(found: Attribution, by: By, title: str) -> Iterator[Section]:
    """Yield what each label earned, where there is more than one to tell apart."""
    table = found.by(by)
    seen = table.loc[table.abs().max(axis=1) >= _SEEN]
    if len(seen) < 2 or (by not in ("asset", "class") and set(seen.index) <= set(found.by("group").index)):
        return
    order = seen["linked"].abs().sort_values(ascending=False, kind="stable").index
    shown = seen.loc[order]
    note = f"Sum over the periods, and linked: that column sums to the whole.{remainder(shown, _WHERE)}"
    yield Listing(title, shown.iloc[:MOST], note, FrozenMap({"sum": _points, "linked": _points}))


def _steps(found: Attribution, by: By) -> pd.DataFrame:
    return found.waterfall(by)


def _skill(skill: pd.DataFrame | None) -> Iterator[Section]:
    if skill is None or not len(skill):
        return
    named = skill.set_index("source") if "source" in skill.columns else skill
    ends = named.rename(columns={"gain": "value"})[["value", "low", "high"]].iloc[:, :3]
    forms = {"gain": _points, "low": _points, "high": _points, "hit_rate": whole}
    forms |= {name: _points for name in ("hurdle",) if name in named.columns}
    forms |= {name: "{:.2f}".format for name in ("information_ratio", "slugging", "t") if name in named.columns}
    verdicts = named["verdict"].value_counts()
    said = ", ".join(f"{n:,} {name}" for name, n in verdicts.items())
    note = (
        f"A year in position, with 90 % bootstrap intervals; verdicts: {said}. Skill is an interval wholly above the "
        "hurdle, none one wholly below."
    )
    yield Chart("Whether it was skill", draw_intervals(ends), named.iloc[:MOST], note, _known(forms, named))


def _figures(figures: pd.DataFrame | None) -> Iterator[Section]:
    if figures is None or not len(figures):
        return
    told = {"breadth": "independent bets", "transfer_coefficient": "of the forecasts came through"}
    rows = [
        (
            str(told.get(row["figure"], row["figure"])),
            f"{row['value']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}, 90 %",
        )
        for row in figures.to_dict("records")
    ]
    yield Figures("How broad, and how much came through", tuple(rows))


def _benchmarks(table: pd.DataFrame | None) -> Iterator[Section]:
    if table is None or not len(table):
        return
    shown = table.set_index("benchmark").loc[:, ["score", "tracking_error", "beta", "turnover", "because"]]
    forms = {"score": "{:.2f}".format, "tracking_error": percent, "beta": "{:.2f}".format, "turnover": percent}
    note = "Candidates by the properties that a valid benchmark needs, best first; the market is every asset alike."
    yield Listing("Which benchmark to be judged by", shown, note, FrozenMap(forms))


def _limits(limits: pd.DataFrame | None) -> Iterator[Section]:
    if limits is None or not len(limits):
        return
    named = limits.set_index("effect") if "effect" in limits.columns else limits
    told = named.loc[named.abs().max(axis=1) >= 1e4 * _SEEN]
    if not len(told):
        return
    drawn = draw_intervals(told.rename(columns={"cost_bp": "value"}), form="+.1~f")
    forms = FrozenMap(dict.fromkeys(("cost_bp", "low", "high"), "{:+.2f}".format))
    note = "Basis points a year with 90 % intervals: a positive cost was paid, a negative one saved something."
    yield Chart("What limits and delays cost", drawn, told, note, forms)


def _calibration(calibration: pd.DataFrame | None) -> Iterator[Section]:
    if calibration is None or not len(calibration):
        return
    table = propose_confidences(calibration)
    note = (
        "How often each source was right, with its 90 % interval, against how often its confidence says it should be; "
        "what is proposed is a proposal, until a person approves it."
    )
    joined = calibration.drop(columns=[name for name in table.columns if name in calibration.columns]).join(table)
    forms = {name: whole for name in ("stated", "proposed", "low", "high", "cleared") if name in joined.columns}
    yield Chart("Right as often as stated?", draw_calibration(calibration), joined, note, FrozenMap(forms))


def _nothing_left(found: Attribution) -> Words:
    said = [f"Nothing is left over: the largest remainder of a period is {basis_points(found.residual, 6)}."]
    if found.apart > 1e-6:
        said.append(
            f"Portfolios that runs recorded are up to {percent(found.apart, 3)} of an asset from the ones replayed: "
            "flows, fills that were not told, or prices that are not the returns."
        )
    return Words("How far to trust it", tuple(said))


def _known(forms: dict, frame: pd.DataFrame) -> FrozenMap:
    """Return the forms of columns that stand there once: intervals of two figures may share their names."""
    return FrozenMap({name: form for name, form in forms.items() if name in frame.columns})


def _points(value: float) -> str:
    return f"{1e4 * value:+.2f} bp" if np.isfinite(value) else "–"


_STEPS = FrozenMap({"start": percent, "size": _points, "end": percent})
