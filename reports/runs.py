"""The page of a run for a desk head: how accounts ended, what is traded and why, what bound them, who deserves a look.

However many accounts there are the page holds aggregates and lists of a bounded length.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.impacts import Impact, read_impact
from ..batches.openings import open_run
from ..batches.plots import draw_averages, draw_counts, draw_flows, draw_outcomes, draw_spreads
from ..batches.profiles import Profile, profile
from ..batches.runs import Run
from ..batches.stores import read_seal
from ..batches.summaries import Summary, summarise
from ..optimizer.certificates import CERTAIN
from ..optimizer.solutions import Outcome
from ..units import FrozenMap, basis_points, percent, signed, spoken
from .forms import money, narrow
from .pages import Chart, Figures, Listing, Page, Section, Words

_ROWS = 500
"""Rows of a list at most; the rest stands in the tables of the run."""


def run_page(run: Run | str | Path) -> Page:
    """Return the page of a finished run; memory and page do not grow with its accounts.

    Parameters
    ----------
    run
        A run, or its folder.

    Raises
    ------
    RunError
        It is not finished, or a table is missing or damaged.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    seal = read_seal(opened.path) or {}
    summary, shape = summarise(opened), profile(opened)
    total = sum(summary.outcomes.values())
    state = "BLOCKED: people have to look at it before it trades. " if opened.blocked else ""
    policy = str(seal.get("inputs", {}).get("policy", ""))
    return Page(
        f"Run of {seal.get('on', '')}: {total:,} {'account' if total == 1 else 'accounts'}",
        f"{state}{_first(summary)}",
        tuple(_sections(opened, summary, shape, total)),
        (
            ("run", opened.run_id),
            ("day", str(seal.get("on", ""))),
            ("book", str(seal.get("book", ""))),
            *((("policy", policy),) if policy else ()),
        ),
    )


def _first(summary: Summary) -> str:
    """Return a sentence on what is traded."""
    money = summary.money
    if not money["orders"]:
        return "No trades."
    return (
        f"{money['orders']:,.0f} trades in {money['trading_accounts']:,.0f} accounts move {money['traded']:,.0f} of "
        f"{money['nav']:,.0f}, at a cost of {money['cost']:,.0f}."
    )


def _sections(run: Run, summary: Summary, shape: Profile, total: int) -> Iterator[Section]:
    yield _in_short(summary, shape, total)
    said = [f"Blocked: {why}." for why in run.why if run.blocked] + list(run.warnings)
    if said:
        yield Words("Worth a look", tuple(said[:_ROWS]))
    yield _outcomes(summary, total)
    if len(summary.assets):
        yield _flows(summary)
        yield _pulls(shape)
    yield _averages(shape)
    if len(summary.limits):
        yield _limits(summary, total)
    yield _spreads(shape)
    yield _models(shape)
    yield from _impact(read_impact(run.path))
    yield _reasons(summary)
    yield _accounts(shape)
    yield _largest(shape)
    yield Words("The proof", tuple(_proof(summary)))


def _in_short(summary: Summary, shape: Profile, total: int) -> Figures:
    money, te, active = summary.money, shape.spreads["tracking_error"], shape.spreads["active_share"]
    decided = summary.outcomes[Outcome.OPTIMAL.name] + summary.outcomes[Outcome.RELAXED.name]
    refused = summary.outcomes[Outcome.QUARANTINED.name] + summary.outcomes[Outcome.UNSOLVED.name]
    return Figures(
        "In short",
        (
            ("accounts", f"{total:,}", f"worth {money['nav']:,.0f}"),
            ("decided", f"{decided:,}", f"{_share(decided, total)}; {refused:,} unsolved or refused"),
            ("trades", f"{money['orders']:,.0f}", f"in {money['trading_accounts']:,.0f} accounts"),
            ("one-way turnover", percent(summary.share("turnover")), f"{money['turnover']:,.0f}"),
            ("cost", f"{money['cost']:,.0f}", basis_points(summary.share("cost"), 2)),
            ("median tracking error", percent(te.quantile(0.5)), f"active share {percent(active.quantile(0.5), 1)}"),
        ),
    )


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else 0.0, 1)


def _outcomes(summary: Summary, total: int) -> Chart:
    rows = [(o.name, summary.outcomes[o.name], summary.outcomes[o.name] / max(total, 1), o.value) for o in Outcome]
    frame = pd.DataFrame(rows, columns=["outcome", "accounts", "share", "meaning"])
    note = "Every account ends in exactly one of these."
    forms = FrozenMap({"share": percent})
    return Chart("How accounts ended", draw_outcomes(summary.outcomes), frame, note, forms)


def _flows(summary: Summary) -> Chart:
    assets = summary.assets.iloc[:_ROWS]
    note = "Money bought and sold over all accounts; the mark is the net of both. The largest net trade stands first."
    forms = dict.fromkeys(("buys", "sells", "net", "cost"), money)
    return Chart("What is traded", draw_flows(assets), assets, note, FrozenMap(forms))


def _pulls(shape: Profile) -> Chart:
    frame = shape.reasons.iloc[:_ROWS]
    total = max(float(frame["value"].sum()), 1e-12)
    frame = frame.assign(share=frame["value"] / total)
    words = [
        f"{n:,} {'trade' if n == 1 else 'trades'}, {share:.1%}"
        for n, share in zip(frame["orders"], frame["share"], strict=True)
    ]
    chart = draw_counts(list(frame["reason"]), frame["value"].to_numpy(), words)
    note = "Each trade counts, with its money, for what pulls it most; what held it back is left out."
    return Chart("What pulls the trades", chart, frame, note, FrozenMap({"value": money, "share": percent}))


def _averages(shape: Profile) -> Section:
    frame = shape.averages.iloc[:_ROWS]
    if not len(frame):
        return Words("The average account", ("No account was decided.",))
    note = "The mean over accounts, each counting the same, of the weight less its strategic weight."
    forms = dict.fromkeys(frame.columns, narrow)
    return Chart("The average account", draw_averages(frame), frame, note, FrozenMap(forms))


def _limits(summary: Summary, total: int) -> Chart:
    names = [spoken(name) for name in summary.limits["limit"]]
    counts = summary.limits["accounts"].to_numpy(dtype=float)
    words = [f"{n:,.0f} ({n / max(total, 1):.1%})" for n in counts]
    places = summary.places.iloc[:_ROWS].assign(share=lambda own: own["accounts"] / max(total, 1))
    note = "How many accounts each limit binds; the table says on what, one row a limit and what it binds on."
    forms = FrozenMap({"share": percent})
    return Chart("Limits that bind", draw_counts(names, counts, words), places, note, forms)


def _spreads(shape: Profile) -> Section:
    parts = [own.histogram().assign(measure=spoken(name)) for name, own in shape.spreads.items() if own.count]
    if not parts:
        return Words("How accounts are spread", ("No account was decided.",))
    said = [
        f"{spoken(name)} {percent(own.quantile(0.05))} to {percent(own.quantile(0.95))}, median "
        f"{percent(own.quantile(0.5), 3)}"
        for name, own in shape.spreads.items()
        if own.count
    ]
    frame = pd.DataFrame(pd.concat(parts, ignore_index=True), columns=["measure", "low", "high", "accounts"])
    forms = dict.fromkeys(("low", "high"), narrow)
    note = f"Nine accounts in ten: {'; '.join(said)}. A bin at the end holds what lies beyond it too."
    return Chart("How accounts are spread", draw_spreads(frame), frame, note, FrozenMap(forms))


def _models(shape: Profile) -> Listing:
    more = f" The first {_ROWS} of {len(shape.models):,}." if len(shape.models) > _ROWS else ""
    forms = FrozenMap({"nav": money})
    return Listing("Models", shape.models.iloc[:_ROWS], f"The largest by value first.{more}", forms)


def _impact(impact: Impact | None) -> Iterator[Section]:
    if impact is None or not len(impact.assets):
        return
    frame = impact.to_frame().sort_values("most", ascending=False, kind="stable").head(_ROWS)
    if not impact.paces:
        frame = frame.drop(columns=["buy_pace", "sell_pace"])
    forms = dict.fromkeys(("buys", "sells", "net", "adv"), money)
    forms |= dict.fromkeys(("buy_participation", "sell_participation", "most"), narrow)
    forms |= dict.fromkeys(("buy_pace", "sell_pace") if impact.paces else (), percent)
    note = "What all accounts together trade of each asset beside what the market trades of it in a day."
    yield Listing("Of a day's trading", frame, note, FrozenMap(forms))


def _reasons(summary: Summary) -> Listing:
    note = "Accounts that ended alike in a row, with one of them and its own words."
    return Listing("Why accounts ended so", summary.reasons.iloc[:_ROWS], note)


def _accounts(shape: Profile) -> Listing:
    more = "".join(f" The run has {n:,} {name}: the first are here." for name, n in shape.listed.items())
    note = f"Refused, unsolved and relaxed accounts, the largest figures, the least certain proofs.{more}"
    forms = {"nav": money, "cost": "{:,.2f}".format, "turnover": percent, "tracking_error": percent}
    forms |= {"certified_te": lambda x: basis_points(x, 4)}
    frame = shape.accounts.iloc[:_ROWS]
    first = [name for name in ("account_id", "because", "reason") if name in frame]  # the words before the figures
    frame = frame[first + [name for name in frame if name not in first]]
    return Listing("Accounts that deserve a look", frame, note, FrozenMap(forms))


def _largest(shape: Profile) -> Listing:
    forms = {"value": money, "weight": signed, "cost": "{:,.2f}".format}
    known = {name: form for name, form in forms.items() if name in shape.trades.columns}
    return Listing("The largest trades", shape.trades.iloc[:_ROWS], "By money, over all accounts.", FrozenMap(known))


def _proof(summary: Summary) -> Iterator[str]:
    uncertain, gap = summary.uncertain, summary.trade_gap
    if not len(uncertain):
        yield "No account has an ideal that was to be proved."
        return
    worst = uncertain.iloc[0]
    if worst["certified_te"] < CERTAIN:
        yield "Every ideal is proved to be less than 0.0001 bp of tracking error from the true optimum."
    else:
        yield (
            f"Every ideal is proved to be within {basis_points(worst['certified_te'], 4)} of tracking error of the "
            f"true optimum; the least certain is that of account {worst['account_id']}."
        )
    yield "Nothing is released above 0.1 bp, or with a limit exceeded by more than 1e-9."
    sampled = gap.get("sampled", 0)
    if sampled and np.isfinite(gap["median"]) and gap["largest"] > 0:
        yield (
            f"Turnover, each trade counted with its worth, is within {percent(gap['median'], 3)} of value of the least "
            f"there could be: the median of {sampled:,.0f} {'account' if sampled == 1 else 'accounts'} sampled, "
            f"{percent(gap['largest'], 3)} the most."
        )
