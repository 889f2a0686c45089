"""What a rule would have done in the history of a book: tables in a folder, and a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from ..attribution.recordings import record_backtest
from ..attribution.records import Record, write_record
from ..batches.books import read_book
from ..batches.seals import code, mandate, versions
from ..constraints.documents import read_policy
from ..scenarios.backtests import Backtest
from ..scenarios.baselines import make_baselines, strategic_returns, take_apart
from ..scenarios.chronicles import read_chronicle
from ..scenarios.conducts import Conduct
from ..scenarios.grids import Course, Doubt, Grid, Trial, doubt, try_all, try_grid
from ..scenarios.knobs import spread
from ..units import basis_points, percent, spoken
from .pages import head, lay, listed, say

POLICY = "the policy"
_SHOWN = 12
_TABLES = ("days", "weights", "trades", "audit")


@dataclass(frozen=True, eq=False)
class Tested:
    """A policy, its baselines and its grid, led through one history.

    Parameters
    ----------
    rules
        The policy, the plain rules, and the policy with one part of its playbook alone.
    grid
        The points that were asked for; None without.
    statistics
        A row a rule and statistic: value, low, high; active figures against the strategic weights.
    doubt
        Of the grid, or of the policy alone.
    record
        The decisions of the policy, for `trimtab attribute`.
    """

    rules: Grid
    grid: Grid | None
    statistics: pd.DataFrame
    doubt: Doubt
    record: Record

    @property
    def tests(self) -> Mapping[str, Backtest]:
        """Every rule that was tried."""
        return {**self.rules.tests, **({} if self.grid is None else self.grid.tests)}


def try_policy(
    book: Path,
    policy: Path,
    start: dt.date | None,
    end: dt.date | None,
    *,
    knobs: Sequence[str] = (),
    model: str = "",
    conduct: Conduct,
    workers: int = 1,
) -> Tested:
    """Lead a policy, its baselines and the points of its grid through the history of a book.

    Raises
    ------
    InputError
        A shared input that is bad, an unknown model or knob.
    """
    read = read_book(book)
    given = read.policy(read_policy(policy))
    chronicle = read_chronicle(read, given)
    name, views = model or next(iter(given.models)), read.views()
    course = Course(chronicle, start, end, name, conduct=conduct)
    parts = take_apart(given) if not given.playbook.empty else {}
    others = {**make_baselines(given, every_sessions=sessions_of_quarter(given.estimation.periods_per_year)), **parts}
    trials = {POLICY: Trial(given, views, remember=True)} | {key: Trial(own) for key, own in others.items()}
    rules = try_all(trials, course, workers=workers)
    grid = try_grid(given, course, [spread(text) for text in knobs], views=views, workers=workers) if knobs else None
    tests = {**rules.tests, **({} if grid is None else grid.tests)}
    free = strategic_returns(given, chronicle, name, rules.tests[POLICY])
    home = chronicle.universe.vector(given.models[name])
    rows = {key: each.judge(free, home=home, draws=1000) for key, each in tests.items()}
    table = pd.concat(rows, names=["rule"])
    tried = Grid({POLICY: rules.tests[POLICY]}, rules.points.iloc[:1]) if grid is None else grid
    about = {
        "book": {each: list(digests) for each, digests in read.digests.items()}, "policy": given.hash,
        "mandate": mandate(given), "model": name, "conduct": asdict(conduct), "versions": versions(), "code": code(),
    }  # fmt: skip
    record = record_backtest(rules.tests[POLICY], chronicle, views=views, name=f"{policy.stem}: {name}", about=about)
    return Tested(rules, grid, table, doubt(tried), record)


def sessions_of_quarter(periods_per_year: float) -> int:
    """Return after how many sessions of an exchange a quarter is over.

    From month end to month end three months have held 59 (with September 2001) to 65 of them, two at most 44: a
    history of month ends is done with a quarter after 59.

    >>> sessions_of_quarter(252), sessions_of_quarter(12)
    (63, 59)
    """
    return 63 if periods_per_year > 12 else 59


def write_tested(tested: Tested, out: Path) -> list[Path]:
    """Write the tables of a test as Parquet, its page and its decisions into a folder (:func:`.pages.open_folder`)."""
    tables = {
        name: pd.concat({rule: getattr(test, name) for rule, test in tested.tests.items()}, names=["rule"])
        for name in _TABLES
    }
    tables["trades"] = tables["trades"].droplevel(1)
    tables["statistics"] = tested.statistics
    if tested.grid is not None:
        tables["grid"] = tested.grid.points
    files = []
    for name, table in tables.items():
        files.append(out / f"{name}.parquet")
        table.reset_index().to_parquet(files[-1], index=False)
    return [*files, _write_page(tested, out), write_record(tested.record, out / "decisions")]


def _write_page(tested: Tested, out: Path) -> Path:
    from ..reports.backtests import backtest_page
    from ..reports.pages import write_page

    made = backtest_page(tested.tests, tested.statistics, tested.doubt, "What the policy would have done", asked=POLICY)
    return write_page(made, out / "backtest.html")


def show_tested(out: Console, tested: Tested) -> None:
    """Show a test on a page: what became of each rule, what it took, what asked for trades, and what to doubt."""
    test = tested.tests[POLICY]
    say(out, f"{POLICY.capitalize()}, {test}", style="bold")
    head(
        out,
        "A year, after costs of so many bp; TE and IR from the strategic weights, rebalanced for nothing",
    )
    _show_rules(out, tested, tested.rules)
    _show_intervals(out, tested.statistics.loc[POLICY])
    asked = test.days.loc[test.days["trades"] > 0, "cause"].str.replace(r"[-\d.]+%?", "#", regex=True)
    if len(asked):
        head(out, "What asked for trades")
        counts = asked.value_counts()
        rows = [(f"{n:,}", words) for words, n in counts.items()]
        listed(out, ("days", "because"), rows, len(counts), "in days.parquet",
               numeric=["days"])  # fmt: skip
    if tested.grid is not None:
        head(out, f"The grid: {len(tested.grid.tests):,} rules")
        _show_rules(out, tested, tested.grid)
    _show_doubt(out, tested.doubt)


def _show_rules(out: Console, tested: Tested, grid: Grid) -> None:
    columns = ("rule", "return", "sharpe", "fall", "TE", "IR", "turned", "bp")
    rows = []
    for name in grid.tests:
        own = tested.statistics.loc[name]["value"]
        parts = (
            percent(own["return"]),
            f"{own['sharpe']:.2f}",
            percent(own["drawdown"], 1),
        )
        active = (percent(own["tracking_error"]), f"{own['information_ratio']:+.2f}")
        rows.append((name, *parts, *active, percent(own["turnover"], 1), f"{1e4 * own['cost']:.1f}"))
    listed(out, columns, rows, len(rows), "in statistics.parquet", shown=_SHOWN, numeric=columns[1:])


def _show_intervals(out: Console, table: pd.DataFrame) -> None:
    head(out, "The policy with 90 % bootstrap intervals")
    written: dict[str, Callable[[float], str]] = {"cost": lambda x: basis_points(x, 1)}
    written |= dict.fromkeys(("sharpe", "information_ratio"), "{:+.2f}".format)
    known = table.loc[table["low"].notna()]
    rows = [
        (spoken(name), *(written.get(name, percent)(row[c]) for c in ("value", "low", "high")))
        for name, row in known.iterrows()
        if isinstance(name, str)
    ]
    lay(out, ("", "value", "low", "high"), rows, ("value", "low", "high"))


def _show_doubt(out: Console, found: Doubt) -> None:
    head(out, "How much of it is luck")
    rows = [
        ("rules tried", f"{found.trials:,}", ""),
        ("best Sharpe ratio", f"{found.sharpe:.2f}", found.best),
        ("deflated", percent(found.deflated, 0), "the chance that it beats the best of so many without skill"),
    ]
    if found.overfitting == found.overfitting:
        rows.append(
            ("overfitting", percent(found.overfitting, 0), "how often the best half was below the median after")
        )
    if found.forward_sharpe == found.forward_sharpe:
        words = "choosing the best of five years, holding it for the next"
        rows.append(("chosen forward", f"{found.forward_sharpe:.2f}", words))
    lay(out, ("", "", ""), rows)
    if found.warning:
        say(out, f"Mind: {found.warning}.", style="bold")
