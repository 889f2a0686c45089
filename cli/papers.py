"""The command that writes a finished run, or an account of it, as a page for people."""

from __future__ import annotations

from pathlib import Path

import click

from .options import BOOK, POLICY

FINE = 0


@click.command()
@click.argument("run", type=BOOK)
@click.option("--account", help="The page of this account; of the whole run without it.")
@click.option("--policy", type=POLICY, help="The run's mandate, for an account; a run holds only its hash.")
@click.option("--book", type=BOOK, help="The run's book, where it has moved.")
@click.option(
    "--shock", "shocks", multiple=True, metavar="NAME:MOVES",
    help='What could happen to the account: "crash: equity=-30%, bonds=5%", as in `trimtab board`.',
)  # fmt: skip
@click.option(
    "--breakpoints", is_flag=True, help="How far each number may move before a trade vanishes; that takes minutes."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file, like page.html.")
def report(
    run: Path, account: str | None, policy: Path | None, book: Path | None, shocks: tuple[str, ...], out: Path,
    *, breakpoints: bool,
) -> int:  # fmt: skip
    """Write a finished RUN, or one account of it, as one HTML file for people to read.

    The file needs no network and nothing else; it prints. Of a run it shows how accounts ended, what is traded and
    why, and who deserves a look; of an account what is proposed and why, what it changes, what else could be done, and
    the proof. The account is decided again.
    """
    if account is None and (shocks or breakpoints or policy or book):
        raise click.UsageError(
            "--policy, --book, --shock and --breakpoints are about an account: name --account, or leave them out"
        )
    from ..reports.pages import write_page
    from .pages import page, quote, say

    if account is None:
        from ..reports.runs import run_page

        made = run_page(run)
    else:
        made = _of_account(run, account, policy, book, shocks, breakpoints=breakpoints)
    written = write_page(made, out)
    console = page()
    say(console, "Written:")
    quote(console, f"  {written}")
    return FINE


def _of_account(
    run: Path, account: str, policy: Path | None, book: Path | None, shocks: tuple[str, ...], *, breakpoints: bool
):  # fmt: skip
    from ..batches.openings import open_run
    from ..batches.questions import ask_about
    from ..reports.proposals import make_page
    from ..reports.studies import study
    from .explanations import measure_apart, reopen, tell_apart
    from .shock_texts import read_shock

    read, mandate, on = reopen(run, account, policy, book)
    asked = ask_about(read, mandate, account, on)
    found = study(asked, shocks=[read_shock(text, asked) for text in shocks], breakpoints=breakpoints)
    remarks = " ".join(tell_apart(measure_apart(run, account, found.proposal)))
    return make_page(found, remarks=[remarks] if remarks else [], about=[("run", open_run(run).run_id)])
