"""The commands. Heavy libraries are imported inside them, so that ``--help`` answers at once."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import click

from ..errors import GovernanceError, InputError, LedgerBroken, NotApproved, RunError
from .approvals import ACTS
from .calendars import calendar  # noqa: F401  (it stands in the group `ledger`)
from .endings import ENDINGS
from .ledgers import ledger, policy_stands, seal_checkpoint
from .look_backs import attribute
from .options import BOOK, DAY, MAYBE_LEDGER, POLICY, STORE, Person, acting, place
from .papers import report
from .replays import replay
from .rule_tests import backtest
from .what_ifs import WHAT_IFS

FINE, OURS, BAD_INPUT, BLOCKED, INTERRUPTED = 0, 1, 2, 3, 130
WAITS = ("KILLED", "BLOCKED")
"""Refusals that people have to look at before anything goes on."""


class _Commands(click.Group):
    """Commands in the order a newcomer meets them."""

    def list_commands(self, ctx):
        """List them as they were written."""
        return list(self.commands)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
A first look, with nothing but what is installed:
  trimtab demo

\b
Every morning:
  trimtab check BOOK --policy policy.toml --on 2017-02-28
  trimtab signals BOOK --policy policy.toml --on 2017-02-28
  trimtab rebalance BOOK --policy policy.toml --on 2017-02-28 --out runs/2017-02-28
  trimtab export runs/2017-02-28 --table trades
  trimtab report runs/2017-02-28 --out run.html

\b
Before trading, and before believing:
  trimtab board BOOK --policy policy.toml --account 001 --on 2017-02-28
  trimtab sweep BOOK --policy policy.toml --account 001 --on 2017-02-28 --knob tracking_error=0.5%:4%:50
  trimtab backtest BOOK --policy policy.toml --from 2005-01-31 --to 2017-02-28 --out tests/policy

\b
With a ledger of who decided what (export TRIMTAB_LEDGER=desk.ledger):
  trimtab ledger init
  trimtab rebalance BOOK --policy policy.toml --on 2017-02-28 --out runs/2017-02-28
  trimtab submit runs/2017-02-28 --as ann
  trimtab approve runs/2017-02-28 --as ben
  trimtab release runs/2017-02-28 --as ann
  trimtab fills fills.csv
  trimtab replay runs/2017-02-28 007

\b
Exit status:
  0  sealed, every account accounted for (refused ones too)
  1  our fault: please report it
  2  bad shared input or usage, --out holds another run, or a run cannot go on: the message says what to do
  3  sealed, but BLOCKED by a tripwire of the policy, a kill or a broken ledger: people have to look at it
""",
)
@click.version_option(package_name="trimtab", message="trimtab %(version)s")
def trimtab() -> None:
    """Turn tactical views into trades.

    A desk holds strategic weights and has opinions; its mandate says how far and how fast it may lean on them. trimtab
    states that as one convex problem for each account, solves it, proves the answer, and writes target weights and the
    fewest trades that get there, each with its reason.

    A BOOK is a folder of tables (CSV or Parquet): assets, strategic weights, accounts, holdings, a covariance or
    returns, and as you need them views, tilts, restrictions and orders. A policy is a TOML file. A run is a folder of
    Parquet tables: accounts, targets, trades, quarantine.
    """


@trimtab.command(short_help="Run the demo book and show what a desk would look at.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("trimtab-demo"),
    show_default=True,
    help="A folder for the run.",
)
def demo(out: Path) -> int:
    """Run the demo book: 16 assets and 36 accounts on 28 February 2017.

    Shows the views of that day, how the accounts ended, an account of each outcome with its sentence, one proposal in
    full, and what three shocks would do to it.
    """
    from .demos import show_demo

    return BLOCKED if show_demo(out).blocked else FINE


@trimtab.command()
@click.argument("book", type=BOOK)
@click.option("--policy", type=POLICY, help="The mandate; without it limits and overrides are not checked.")
@click.option("--on", type=DAY, help="The day; today by default.")
@click.option("--all", "whole", is_flag=True, help="List every account concerned, not the first few.")
def check(book: Path, policy: Path | None, on: dt.date | None, whole: bool) -> int:
    """Say what a run of BOOK would find, without solving anything.

    Lists the tables, the accounts that would be refused with the reason, and what deserves a look.
    """
    from ..batches.books import read_book
    from ..constraints.documents import read_policy
    from .checks import examine
    from .pages import page, show_findings

    read = read_policy(policy) if policy else None
    show_findings(page(), examine(read_book(book), read, on or dt.datetime.now(dt.UTC).date()), whole=whole)
    return FINE


@trimtab.command()
@click.argument("book", type=BOOK)
@click.option("--policy", required=True, type=POLICY, help="The mandate with its playbook, a TOML file.")
@click.option("--on", required=True, type=DAY, help="The day, like 2017-02-28; nothing known later is looked at.")
def signals(book: Path, policy: Path, on: dt.date) -> int:
    """Say what the playbook of a policy reads in BOOK on a day.

    Shows the score of each signal and when it could be known, the regimes with their probabilities, how much each
    opinion is believed and the view it makes, and what overlays and rules do, conflicts between them included.
    """
    from .pages import page
    from .readings import hear, show_heard

    show_heard(page(), hear(book, policy, on), on)
    return FINE


@trimtab.command()
@click.argument("book", type=BOOK)
@click.option("--policy", required=True, type=POLICY, help="The mandate, a TOML file.")
@click.option("--on", required=True, type=DAY, help="The day, like 2017-02-28.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder for the run.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes at most; all processors by default.")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler (tcp://...) whose workers decide instead.")
@click.option(
    "--chunk", type=click.IntRange(min=1), default=5000, show_default=True, help="Accounts made safe at a time."
)
@MAYBE_LEDGER
@STORE
@acting
def rebalance(
    book: Path, policy: Path, on: dt.date, out: Path, workers: int | None, cluster: str | None, chunk: int,
    where: str | None, store: Path | None, actor: Person,
) -> int:  # fmt: skip
    """Decide every account of BOOK and write the run.

    A bad account is QUARANTINED with its reason and never stops the others. The same command on a finished run does
    nothing; on an interrupted one it goes on where it stopped, with other workers if you like. The answers depend
    neither on workers nor on chunks.

    With --ledger, what accounts bring along (positions, history, open orders) comes from the ledger, and the run is
    sealed there: then `submit`, `approve` by somebody else, `release`.
    """
    if workers and cluster:
        raise click.UsageError("--workers are processes of this machine, --cluster is elsewhere: give one of them")
    from ..batches.runs import run
    from .overviews import show_run
    from .pages import page, say
    from .progress import meter

    entry, stands = None, True
    with meter("deciding") as progress:
        if where is None:
            done = run(book, policy, on, out, workers=workers, cluster=cluster, chunk=chunk, progress=progress)
        else:
            from ..governance.governed_runs import run_governed

            at = place(where, store)
            with at.open_as(actor) as opened:
                done, entry = run_governed(
                    opened, at.open_store(), book, policy, on, out, actor.name,
                    workers=workers, cluster=cluster, chunk=chunk, progress=progress,
                )  # fmt: skip
                stands = policy_stands(opened, entry)
                seal_checkpoint(at, opened)
    console = page()
    show_run(console, done)
    say(
        console,
        f"Written to {out}: accounts, targets, trades, positions, phases, breaches, quarantine, timings, summary, "
        "impact, signals, views, tilts, beliefs (.parquet), run.json.",
    )
    if entry is not None:
        say(console, f"Sealed in the ledger by {entry.actor} (record {entry.sequence:,}); submit it for approval.")
    if not stands:
        say(console, "HELD: its policy is not in force; until somebody approves these bytes, none of it is released.")
    return BLOCKED if done.blocked else FINE


@trimtab.command()
@click.argument("run", type=BOOK)
@click.argument("account")
@click.option("--policy", type=POLICY, help="The run's mandate; a run holds only its hash.")
@click.option("--book", type=BOOK, help="The run's book, where it has moved.")
def why(run: Path, account: str, policy: Path | None, book: Path | None) -> int:
    """Say why ACCOUNT of a finished RUN trades what it trades.

    The account is decided again. Each trade is split into parts that sum to it: back to strategic, each view, what
    costs and limits held back, lots. A limit that stopped a view is named with its price.

    An id that begins with - goes last, behind --: trimtab why RUN --policy policy.toml -- -7
    """
    from .explanations import ask_why, show_why
    from .pages import page

    show_why(page(), ask_why(run, account, policy, book))
    return FINE


@trimtab.command()
@click.argument("run", type=BOOK)
@click.option("--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True, help="What to write.")
@click.option("--table", "tables", multiple=True, help="A table like trades; repeat it for several. All by default.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the files; RUN-csv by default.")
def export(run: Path, form: str, tables: tuple[str, ...], out: Path | None) -> int:
    """Write tables of a finished RUN as CSV, for spreadsheets.

    Numbers keep every digit. Text that a spreadsheet could take for a formula gets an apostrophe in front.
    """
    from ..batches.exports import export as write
    from .pages import page, quote, say

    files = write(run, out or run.resolve().with_name(f"{run.resolve().name}-{form}"), tables)
    console = page()
    say(console, f"Written, {len(files)} {'file' if len(files) == 1 else 'files'}:")
    for path in files:
        quote(console, f"  {path}")
    return FINE


for command in (*WHAT_IFS, backtest, attribute, report, ledger, *ACTS, *ENDINGS, replay):
    trimtab.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit status; no error of ours shows a traceback."""
    try:
        status = trimtab.main(arguments, prog_name="trimtab", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        status = BAD_INPUT
    except click.ClickException as error:
        error.show()
        status = BAD_INPUT
    except click.Abort:
        click.echo("trimtab: interrupted; the same command resumes a run", err=True)
        status = INTERRUPTED
    except (InputError, RunError) as error:
        notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
        click.echo(_visible(f"trimtab: {error}{notes}"), err=True)
        status = BAD_INPUT
    except GovernanceError as error:
        click.echo(_visible(f"trimtab: {error}"), err=True)
        waits = isinstance(error, LedgerBroken) or (isinstance(error, NotApproved) and error.code in WAITS)
        status = BLOCKED if waits else BAD_INPUT
    except BrokenPipeError:  # whoever read our output has seen enough; python must not complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = OURS
    sys.exit(status)


def _visible(text: str) -> str:
    """Write out what a terminal might obey: a bad cell is quoted in its error."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
