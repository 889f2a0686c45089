"""What a person sees: aligned tables and plain sentences, at 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

from ..constraints.names import LONG_ONLY
from ..errors import InputError
from ..models.views import View
from ..optimizer.certificates import CERTAIN
from ..optimizer.proposals import Proposal
from ..optimizer.solutions import Outcome
from ..units import basis_points, percent, spoken

if TYPE_CHECKING:
    from .checks import Findings

_NOTHING = 5e-7
"""Utility a year that would be shown as 0.00 bp."""
SHOWN = 8
"""Rows of a list that may be long: the rest stands in the tables of the run."""


def page() -> Console:
    """Return the console that every page is printed on; no markup: an id may hold brackets."""
    return Console(markup=False, highlight=False, emoji=False)


def open_folder(out: Path) -> None:
    """Make a new folder for tables; raise ``InputError`` where it holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{str(out)!r} holds something already", code="OUT_TAKEN", field="out", mend="a new folder")
    out.mkdir(parents=True, exist_ok=True)


def plain(text: object) -> str:
    r"""Return text with every character that a terminal might obey written out.

    >>> plain("007\x1b[2J")
    '007\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def lay(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Iterable[str] = ()) -> None:
    """Print rows under headings."""
    _print(out, grid(columns, rows, numeric))


def _print(out: Console, what: RenderableType, style: str | None = None) -> None:
    """Print without the spaces that rich leaves at the ends of lines: they spoil what is copied or compared."""
    with out.capture() as caught:
        out.print(what, style=style)
    out.file.write("".join(f"{line.rstrip()}\n" for line in caught.get().splitlines()))


def grid(columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Iterable[str] = ()) -> Padding:
    """Lay out rows under headings (none where all are empty); numeric columns stand right, the last one wraps."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=any(columns))
    right = set(numeric)
    for i, name in enumerate(columns):
        last = i == len(columns) - 1
        table.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=not last,
            overflow="fold" if last else "ellipsis",
        )
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    return Padding(table, (0, 0, 0, 2), expand=False)


def say(out: Console, words: str, *, style: str | None = None) -> None:
    """Print a sentence."""
    _print(out, plain(words), style)


def quote(out: Console, line: str) -> None:
    """Print a path or a command in one piece, however wide: it is there to be copied."""
    out.print(plain(line), soft_wrap=True)


def head(out: Console, words: str) -> None:
    """Print a heading after an empty line."""
    out.print()
    _print(out, plain(words), "bold")


def listed(
    out: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    total: int,
    where: str,
    shown: int = SHOWN,
    numeric: Iterable[str] = (),
) -> None:
    """Print the first rows under headings, and how many more stand where."""
    lay(out, columns, [row for row, _ in zip(rows, range(shown), strict=False)], numeric)
    if total > shown:
        say(out, f"  ... and {total - shown:,} more {where}")


def show_views(out: Console, views: Iterable[View]) -> None:
    """Show who believes what, and why."""
    rows = [(v.id, v.about, f"{v.gain:+.2%}", f"{v.confidence:.0%}", v.until or "", v.author) for v in views]
    lay(out, ("view", "about", "a year", "sure", "until", "author"), rows, ("a year", "sure"))


def show_proposal(out: Console, proposal: Proposal) -> None:
    """Show one proposal in full: where the account stands and should stand, its trades with reasons, prices, proof."""
    say(
        out,
        f"Account {proposal.account} ({proposal.model}), {proposal.nav:,.0f}: "
        f"{proposal.outcome.name}, {proposal.reason}",
    )
    if proposal.weights is None:
        return
    trades = {t.asset: t for t in proposal.trades}
    rows = []
    for asset, row in proposal.weights.iterrows():
        trade = trades.get(str(asset))
        words = (f"{trade.side} {trade.quantity:,.6g}", f"{trade.value:,.0f}", trade.reason) if trade else ("", "", "")
        rows.append((asset, *(f"{row[c]:.2%}" for c in ("current", "strategic", "ideal", "target")), *words))
    weights = ("current", "strategic", "ideal", "target")
    lay(out, ("asset", *weights, "trade", "value", "because"), rows, (*weights, "value"))
    facts = [
        ("turnover", f"{percent(proposal.turnover)} one-way, at a cost of {proposal.cost:,.2f}"),
        (
            "expected",
            f"{percent(proposal.expected_gain)} a year over strategic, "
            f"at a tracking error of {percent(proposal.tracking_error)}",
        ),
    ]
    words = basis_points(abs(proposal.given_up), 2)
    if proposal.given_up > 0:
        facts.append(("given up", f"{words} of utility a year, for fewer and whole trades"))
    elif proposal.given_up < -_NOTHING:
        how = "in ticket fees" if proposal.outcome is not Outcome.RELAXED else "where limits gave way for whole trades"
        facts.append(("saved", f"{words} of utility a year against the ideal, {how}"))
    for gave in proposal.relaxed[:SHOWN]:
        on = f" on {gave.on}" if gave.on else ""
        words = f"{spoken(gave.limit)}{on}: {gave.used:.6g} where the mandate says {gave.bound:.6g}"
        facts.append(("gave way", words))
    if np.isfinite(proposal.certificate.certified_te):
        facts.append(("proof", _proof(proposal.certificate.certified_te, proposal.certificate.residual)))
    binding = [p for p in proposal.prices if p.limit != LONG_ONLY]  # not held and not missed: no news
    for price in sorted(binding, key=lambda p: -p.price)[:SHOWN]:
        on = f" on {price.on}" if price.on else ""
        facts.append(
            (
                "binding",
                f"{spoken(price.limit)}{on}: one percentage point more would add "
                f"{basis_points(price.price * 0.01, 2)} a year",
            )
        )
    facts += [("note", note) for note in proposal.notes]
    out.print()
    lay(out, ("", ""), facts)


def _proof(certified_te: float, residual: float) -> str:
    near = "less than 0.0001 bp" if certified_te < CERTAIN else f"at most {basis_points(certified_te, 4)}"
    kept = "every limit holds exactly" if residual <= 0 else f"no limit is exceeded by more than {residual:.0e}"
    return f"the ideal is {near} of tracking error from the true optimum, and {kept}"


def show_shocks(out: Console, table: pd.DataFrame) -> None:
    """Show what shocks would do to the current, strategic and target weights."""
    stands = ("current", "strategic", "target")
    rows = [
        (name, *(f"{row[s]:+.2%}" for s in stands), f"{row['target_money'] - row['current_money']:+,.0f}")
        for name, row in table.iterrows()
    ]
    lay(out, ("shock", *stands, "trading adds"), rows, (*stands, "trading adds"))


def show_findings(out: Console, found: Findings, *, whole: bool = False) -> None:
    """Show what a check found; every account concerned where ``whole``."""
    shown, more = (
        (max(len(found.refused), len(found.stuck), len(found.yielding), 1), "")
        if whole
        else (SHOWN, "(--all lists them)")
    )
    book, market = found.book, found.market
    say(out, f"Book {book.path} on {market.on}", style="bold")
    rows = [(name, f"{len(table):,}", _files(table.parts)) for name, table in book.tables.items()]
    lay(out, ("table", "rows", "file"), rows, ["rows"])
    universe, volatility = market.universe, np.delete(market.risk.volatilities, market.universe.cash)
    classes = dict.fromkeys(universe.classes)
    live = sum(v.live(market.on) for v in found.views) if market.on else len(found.views)
    span = (
        f"annual volatility {percent(volatility.min(), 1)} to {percent(volatility.max(), 1)}"
        if len(volatility)
        else "cash alone"
    )
    facts = [
        (
            "market",
            f"{len(universe)} assets in {len(classes)} classes, {span}; the cash is {universe.assets[universe.cash]}",
        ),
        ("models", ", ".join(found.policy.models)),
        ("views", f"{live} live of {len(found.views)}"),
        (
            "accounts",
            f"{found.active:,} active with {found.nav:,.0f}; {found.standing:,} blocked or closed; "
            f"{len(found.refused):,} refused",
        ),
    ]
    if found.reading is not None:
        facts.insert(3, ("signals", str(found.reading).splitlines()[0].partition(": ")[2]))
    out.print()
    lay(out, ("", ""), facts)
    if found.refused:
        head(out, "Refused accounts: they would be QUARANTINED")
        rows = [(r.account_id, r.error.code, str(r.error)) for r in found.refused]
        listed(out, ("account", "code", "why"), rows, len(found.refused), more, shown)
    if found.stuck:
        head(out, "Accounts whose limits contradict each other: they would be UNSOLVED")
        listed(out, ("account", "why"), found.stuck, len(found.stuck), more, shown)
    if found.yielding:
        head(out, "Accounts where softer limits would give way: they would be RELAXED")
        listed(out, ("account", "why"), found.yielding, len(found.yielding), more, shown)
    if found.worth_a_look:
        head(out, "Worth a look")
        lay(out, ("", ""), [("-", warning) for warning in found.worth_a_look])
    out.print()
    say(
        out,
        "Nothing that all accounts share is wrong"
        + (
            ": a run can be made."
            if not found.refused
            else f"; a run can be made without the {len(found.refused):,} refused."
        ),
    )


def _files(parts: Sequence) -> str:
    return parts[0].path.name if len(parts) == 1 else f"{len(parts)} parts in {parts[0].path.parent.name}"
