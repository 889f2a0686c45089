"""What a desk head sees of a run: how it ended, what it trades and costs, what bound it and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console

from ..batches.impacts import Impact, read_impact
from ..batches.summaries import Summary, summarise
from ..optimizer.certificates import CERTAIN
from ..optimizer.solutions import Outcome
from ..units import basis_points, percent, spoken
from .pages import SHOWN, head, lay, listed, say

if TYPE_CHECKING:
    from ..batches.runs import Run

_EXPLAINED = (Outcome.RELAXED, Outcome.HELD, Outcome.UNSOLVED, Outcome.QUARANTINED)
_WIDE = 1e11
"""Money from which a page is in millions: three columns of it would not fit."""
_FELT = 0.001
"""Share of a day's trading below which a desk's orders are no news to the market."""


def show_run(out: Console, run: Run) -> None:
    """Show a run on a page: outcomes, money, net trades, shares of a day, limits, reasons, proof and time."""
    total = sum(run.counts.values())
    say(
        out,
        f"Run {run.run_id[:12]}: {total:,} accounts"
        + ("" if run.fresh else "; it was finished before, nothing was computed"),
        style="bold",
    )
    ended = [(o.name, f"{run.counts[o.name]:,}", o.value) for o in Outcome if run.counts[o.name]]
    lay(out, ("outcome", "accounts", "meaning"), ended, ["accounts"])
    for why in run.why if run.blocked else ():
        say(
            out,
            f"BLOCKED: {why}. The run is sealed, but people have to look at it before it trades.",
            style="bold red",
        )
    summary = summarise(run)
    _show_money(out, summary)
    _show_assets(out, summary)
    if (impact := read_impact(run.path)) is not None:
        _show_impact(out, impact)
    _show_limits(out, summary, total)
    for outcome in _EXPLAINED:
        _show_reasons(out, summary, outcome)
    if run.warnings:
        head(out, "Worth a look")
        listed(out, ("", ""), [("-", words) for words in run.warnings], len(run.warnings), "in run.json")
    _show_proof_and_time(out, summary)


def _show_money(out: Console, summary: Summary) -> None:
    money = summary.money
    if not money["orders"]:
        say(out, f"No trades; all accounts are worth {money['nav']:,.0f}.")
        return
    out.print()
    say(
        out,
        f"{money['orders']:,} trades in {money['trading_accounts']:,} accounts; "
        f"all accounts are worth {money['nav']:,.0f}.",
    )
    rows = [
        (words, f"{money[name]:,.0f}", percent(summary.share(name)))
        for words, name in (("one-way turnover", "turnover"), ("bought", "buys"), ("sold", "sells"))
    ]
    rows.append(("cost", f"{money['cost']:,.0f}", basis_points(summary.share("cost"), 2)))
    lay(out, ("", "money", "of the whole"), rows, ("money", "of the whole"))


def _show_assets(out: Console, summary: Summary) -> None:
    if not len(summary.assets):
        return
    sides = ["buys", "sells", "net"]
    scale, unit = (1e6, ", in millions") if summary.assets[sides].abs().max().max() >= _WIDE else (1.0, "")
    head(out, f"Net trades by asset, the largest first{unit}")
    rows = [
        (
            asset,
            f"{row['orders']:,.0f}",
            *(f"{row[side] / scale:,.0f}" for side in sides[:2]),
            f"{row['net'] / scale:+,.0f}",
        )
        for asset, row in summary.assets.head(SHOWN).iterrows()
    ]
    columns = ("asset", "orders", "bought", "sold", "net")
    listed(out, columns, rows, len(summary.assets), "in trades.parquet", numeric=columns[1:])


def _show_impact(out: Console, impact: Impact) -> None:
    """Show what is felt of a day's trading, and what was slowed."""
    felt = impact.assets.loc[(impact.assets["most"] >= _FELT) | impact.assets.index.isin(list(impact.paces))]
    if not len(felt):
        parts = zip(impact.assets["most"].tolist(), impact.assets.index, strict=True)
        share, asset = max(parts, default=(0.0, ""), key=lambda part: part[0])
        if share > 0:
            say(out, f"The largest part of a day's trading is {percent(share, 3)}, of {asset}.")
        return
    head(out, "Of a day's trading in the market, all accounts together")
    slowed = bool(impact.paces)
    columns = ("asset", "bought", "sold", "a day's trading", *(("slowed to",) if slowed else ()))
    rows = []
    for asset, row in felt.sort_values("most", ascending=False, kind="stable").head(SHOWN).iterrows():
        shares = (percent(row["buy_participation"]), percent(row["sell_participation"]), f"{row['adv']:,.0f}")
        rows.append((asset, *shares, *((_slowed(impact, str(asset)),) if slowed else ())))
    listed(out, columns, rows, len(felt), "in impact.parquet", numeric=columns[1:4])


def _slowed(impact: Impact, asset: str) -> str:
    """Say what part of their first trades accounts were held to."""
    sides = zip(("buys", "sells"), impact.paces.get(asset, (1.0, 1.0)), strict=True)
    return ", ".join(f"{percent(pace, 0)} of {side}" for side, pace in sides if pace < 1)


def _show_limits(out: Console, summary: Summary, total: int) -> None:
    if not len(summary.limits):
        return
    head(out, "Limits most often binding")
    rows = []
    for limit, accounts in summary.limits.head(SHOWN).itertuples(index=False, name=None):
        on = summary.places.loc[(summary.places["limit"] == limit) & (summary.places["on"] != "")]
        most = ", ".join(f"{place} {n:,}" for _, place, n in on.head(3).itertuples(index=False, name=None))
        more = f" and {len(on) - 3:,} more" if len(on) > 3 else ""
        rows.append((spoken(limit), f"{accounts:,}", percent(accounts / total, 1), most + more))
    columns = ("limit", "accounts", "of all", "most of all on")
    listed(out, columns, rows, len(summary.limits), "in accounts.parquet", numeric=columns[1:3])


def _show_reasons(out: Console, summary: Summary, outcome: Outcome) -> None:
    """Show why accounts ended so, the like ones in a row, with the first of them and its own words."""
    reasons = summary.reasons.loc[summary.reasons["outcome"] == outcome.name]
    if not len(reasons) or list(reasons["reason"]) == [outcome.value]:
        return
    head(out, f"{outcome.name.capitalize()}: {summary.outcomes[outcome.name]:,}")
    coded = ["code"] if reasons["code"].any() else []
    rows = [
        (f"{row['accounts']:,}", row["account_id"], *(row[name] for name in coded), row["reason"])
        for row in reasons.head(SHOWN).to_dict("records")
    ]
    where = "in quarantine.parquet" if outcome is Outcome.QUARANTINED else "in accounts.parquet"
    listed(out, ("accounts", "one is", *coded, "because"), rows, len(reasons), f"kinds {where}", numeric=["accounts"])


def _show_proof_and_time(out: Console, summary: Summary) -> None:
    """Show the least certain and the slowest accounts."""
    uncertain, slowest = summary.uncertain, summary.slowest
    if not len(uncertain) and not len(slowest):
        return
    head(out, "Proof and time")
    if len(uncertain) and uncertain["certified_te"].iloc[0] < CERTAIN:
        say(out, "  Every ideal is less than 0.0001 bp of tracking error from the true optimum.")
    elif len(uncertain):
        say(out, f"  Least certain, tracking error to the true optimum at most: {_named(uncertain, _in_basis_points)}.")
    gap = summary.trade_gap
    if gap["sampled"] and gap["largest"] > 0:
        sampled = f"median of {gap['sampled']:,} accounts sampled; the widest {percent(gap['largest'], 3)}"
        sampled = sampled if gap["sampled"] > 1 else "of the 1 account sampled"
        say(
            out,
            f"  Turnover, each trade counted with its worth: within {percent(gap['median'], 3)} of NAV of the least "
            f"there could be ({sampled}).",
        )
    if len(slowest):
        say(out, f"  Slowest: {_named(slowest, _in_seconds)}.")


def _named(accounts: pd.DataFrame, written: Callable[[float], str]) -> str:
    return ", ".join(f"{row[0]} {written(row[1])}" for row in accounts.head(3).itertuples(index=False))


def _in_basis_points(value: float) -> str:
    return basis_points(value, 4)


def _in_seconds(value: float) -> str:
    return f"{value:.3f} s"
