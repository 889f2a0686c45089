"""The demo: the main job on the demo book, told step by step."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from ..batches.books import read_book
from ..batches.desks import open_desk
from ..batches.rosters import Refused
from ..batches.runs import Run, run
from ..batches.stores import SCHEMAS, SEAL
from ..constraints.documents import read_policy
from ..demo import ON, book_path, policy_path
from ..models.accounts import Account
from ..models.shocks import Shock
from ..optimizer.legs import trace_model
from ..optimizer.rebalancing import decide
from ..optimizer.solutions import Outcome
from ..scenarios.shocks import shock
from ..units import day
from .overviews import show_run
from .pages import head, lay, page, quote, say, show_proposal, show_shocks, show_views
from .progress import meter

# A par bond's modified duration at the yields of that day; gold and shares are left where they are.
RATES = {"TBILL": -0.0025, "UST2": -0.0195, "UST5": -0.047, "UST10": -0.088, "UST20": -0.152, "BAA": -0.127}
SHOCKS = (
    Shock("equity -30%, bonds +5%", {"equity": -0.30, "bonds": 0.05}),
    Shock("rates +1 point", RATES),
    Shock("Baa bonds -10%, equity -15%", {"BAA": -0.10, "equity": -0.15}),
)


def show_demo(out: Path) -> Run:
    """Run the demo book into a folder and show what a desk would look at."""
    console = page()
    book = read_book(book_path())
    policy = book.policy(read_policy(policy_path()))
    say(
        console,
        f"The demo book on {ON}: {len(book.tables['assets'])} assets, {len(policy.models)} models, "
        f"{len(book.tables['accounts'])} accounts.",
    )
    head(console, "What the desk believes")
    show_views(console, book.views(ON))
    head(console, "What the mandate says")
    for line in str(policy).splitlines():
        say(console, f"  {line}")
    console.print()
    with meter("deciding") as progress:
        done = run(book, policy, ON, out, progress=progress)
    show_run(console, done)
    accounts = [a for a in book.accounts(policy) if not isinstance(a, Refused)]
    _show_ends(console, accounts, done)
    desk = open_desk(book, policy, day(ON))
    account = _busiest(accounts, done)
    belief = desk.beliefs[account.model]
    leg = trace_model(desk.problem, account.model, policy.aversion(account), belief)
    proposal = decide(desk.problem, account, belief, desk.on, leg)
    head(console, "One proposal in full: the account with the most trades")
    show_proposal(console, proposal)
    head(console, f"What shocks would do to account {account.id}")
    show_shocks(console, shock(proposal, SHOCKS, desk.problem.market))
    head(console, "Where it is")
    for name in SCHEMAS:
        quote(console, f"  {out / name}.parquet")
    quote(console, f"  {out / SEAL}")
    head(console, "Next")
    quote(console, f"  {_command()} why {_near(out)} {account.id} --policy {_near(policy_path())}")
    quote(console, f"  {_command()} check {_near(book_path())} --policy {_near(policy_path())} --on {ON}")
    return done


def _command() -> str:
    """Return what to type for this program: its name where a shell finds it, else the way to it."""
    own = Path(sys.executable).with_name("trimtab")
    return "trimtab" if shutil.which("trimtab") or not own.exists() else _near(own)


def _near(path: Path) -> str:
    """Return a path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _show_ends(out: Console, accounts: Sequence[Account], done: Run) -> None:
    """Show an account of each outcome: one with rules of its own where there is one, and one in a schedule."""
    ends: pd.DataFrame = done.table("accounts").set_index("account_id")
    own = {a.id: _own_words(a) for a in accounts}
    scheduled = {a.id: f"a schedule of {a.phases[0].started}" for a in accounts if a.phases}
    rows = []
    for outcome in Outcome:
        here = list(ends.index[(ends["outcome"] == outcome.name).to_numpy()])
        if here:
            chosen = max(here, key=lambda name: bool(own.get(name)))
            rows.append((outcome.name, chosen, own.get(chosen, ""), ends.at[chosen, "reason"]))
        some = [name for name in here if name in scheduled][:1]
        rows += [(outcome.name, name, scheduled[name], ends.at[name, "reason"]) for name in some]
    head(out, "An account of each outcome, and its sentence")
    lay(out, ("outcome", "account", "of its own", "because"), rows)


def _own_words(account: Account) -> str:
    """Say what an account brings to the mandate: its restrictions and its own numbers."""
    rules = [f"{rule} {asset}" for asset, rule in account.restrictions]
    return ", ".join([*rules, *(f"{name} {value:g}" for name, value in account.overrides.items())])


def _busiest(accounts: Sequence[Account], done: Run) -> Account:
    """Return the account with the most trades, the first of several."""
    counts = done.table("trades")["account_id"].value_counts(sort=False).to_dict()
    return max(accounts, key=lambda a: int(counts.get(a.id, 0)))
