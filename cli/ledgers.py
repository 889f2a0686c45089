"""`trimtab ledger ...`: made, verified, shown, signed, proved from, exported; and a run made with it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import CHECKPOINTS, KEY, DayType, Place, governed, place

if TYPE_CHECKING:
    from ..governance.entries import Entry
    from ..governance.ledgers import Ledger

FINE, BROKEN = 0, 3


@click.group(short_help="Who decided what, and why: made, verified, shown, proved.")
def ledger() -> None:
    """Keep a ledger of who decided what, and why.

    A ledger is an append-only chain of records in a SQLite file or a PostgreSQL database. Beside it stand a folder of
    snapshots (what each run was made from), a signing key and the file of signed checkpoints.
    """


@ledger.command(name="init")
@governed(KEY, CHECKPOINTS)
def init(where: str, store: Path | None, key: Path | None, checkpoints: Path | None) -> int:
    """Make an empty ledger, its store and its signing key; what is there already stays."""
    from ..governance.checkpoints import make_key
    from ..governance.ledgers import create_ledger
    from ..governance.snapshots import make_store
    from .pages import page, quote, say

    at = place(where, store, key, checkpoints)
    with create_ledger(at.where) as made:
        shown = made.where
    make_store(at.store)
    if not at.key.exists():
        make_key(at.key)
    console = page()
    say(console, "The ledger is there, with its store of snapshots and its signing key:")
    for told in (shown, at.store, at.key, at.public):
        quote(console, f"  {told}")
    say(console, "Give the .pub file, and copies of the checkpoints, to someone who cannot write to the ledger.")
    return FINE


@ledger.command(name="verify")
@governed(CHECKPOINTS, click.option("--public", type=click.Path(path_type=Path), help="The public key; L.key.pub."))
def verify_chain(where: str, store: Path | None, checkpoints: Path | None, public: Path | None) -> int:
    """Read every record, and name the first that is not what was written.

    Exit status 0: every record is sound. 3: something was changed, moved or cut off, or was done in the name of
    somebody who has a key here, and did not sign it.
    """
    from ..governance.checkpoints import read_checkpoints
    from ..governance.keyrings import unsigned_acts
    from ..governance.verification import verify
    from .pages import page, say

    at, console = place(where, store, None, checkpoints), page()
    signed = read_checkpoints(at.checkpoints, public or at.public) if at.checkpoints.exists() else ()
    with at.open_ledger() as opened:
        verdict = verify(opened, signed)
        unsigned = unsigned_acts(opened) if verdict.is_whole else []
    if not verdict.is_whole:
        say(console, f"BROKEN: {verdict.why}.", style="bold red")
        say(console, f"{verdict.records:,} records before it are sound. Stop, keep every file, look who had access.")
        return BROKEN
    say(console, f"{verdict.records:,} records, every one as it was written; head {verdict.head[:16]}.", style="bold")
    if not signed:
        say(console, "No checkpoint was read: a tail that was cut off could not be found.")
    elif verdict.unsealed:
        say(console, f"The last {verdict.unsealed:,} stand behind the newest checkpoint and are not vouched for yet.")
    for entry in unsigned:
        words = f"Record {entry.sequence:,}: {entry.actor} did not sign this {entry.kind}; it does not count."
        say(console, words, style="bold red")
    return BROKEN if unsigned else FINE


@ledger.command()
@governed(
    click.option("--kind", multiple=True, help="Only this verb: submit, approve, release ..."),
    click.option("--subject", default="", help="Only what begins so: run/4f2a, policy/."),
    click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="So many, the newest."),
)
def show(where: str, store: Path | None, kind: tuple[str, ...], subject: str, last: int) -> int:
    """Show who did what, when and why; the newest records last."""
    from collections import deque

    from ..governance.ledgers import read
    from .pages import lay, page, say

    with place(where, store).open_ledger() as opened:
        chosen = (e for e in read(opened, kind=kind) if e.subject.startswith(subject))
        rows = deque((_row(e) for e in chosen), maxlen=last)
    console = page()
    if not rows:
        say(console, "No such records.")
        return FINE
    lay(console, ("no", "when (UTC)", "who", "did", "with", "because"), list(rows), ("no",))
    return FINE


def _row(entry: Entry) -> tuple[str, ...]:
    sort, _, name = entry.subject.partition("/")
    short = f"{sort}/{name[:12]}" if len(name) == 64 else entry.subject
    at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    return str(entry.sequence), at, entry.actor, entry.kind, short, str(entry.body.get("because", ""))


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> int:
    """Make a key of your own in FILE, and its public half in FILE.pub.

    Submit FILE.pub, and have it approved by somebody who knows it is yours. From then on nothing counts in your name
    that you did not sign: with --sign FILE, or TRIMTAB_SIGN.
    """
    from ..governance.checkpoints import make_key
    from .pages import page, quote, say

    console, public = page(), make_key(file)
    say(console, "Your key, for nobody else; and what others may have, to be submitted:")
    for told in (file, public):
        quote(console, f"  {told}")
    return FINE


@ledger.command()
@governed(KEY, CHECKPOINTS)
def checkpoint(where: str, store: Path | None, key: Path | None, checkpoints: Path | None) -> int:
    """Sign the newest record; whoever keeps the line finds any change to what stands before it."""
    from ..governance.checkpoints import sign_head
    from .pages import page, quote, say

    at, console = place(where, store, key, checkpoints), page()
    with at.open_ledger() as opened:
        made = sign_head(opened, at.checkpoints, at.key)
    say(console, f"Record {made.sequence:,} is signed; give a copy of the file to someone else:")
    quote(console, f"  {at.checkpoints}")
    return FINE


@ledger.command()
@governed(
    click.option("--out", type=click.Path(path_type=Path), help="The file of the proof; it must not be there."),
    click.option("--check", type=click.Path(exists=True, path_type=Path), help="A proof to check by the ledger."),
)
@click.argument("run", required=False)
@click.argument("account", required=False)
def prove(
    where: str, store: Path | None, out: Path | None, check: Path | None, run: str | None, account: str | None
) -> int:
    """Prove what RUN said of ACCOUNT, without a word about any other account; or --check such a proof."""
    from ..governance.canonical import parse
    from ..governance.proofs import check_proof, prove_account
    from .pages import page, quote, say

    console = page()
    if check is not None:
        with place(where, store).open_ledger() as opened:
            told = parse(check.read_bytes())
            record = check_proof(opened, told if isinstance(told, dict) else {})
        say(console, "Proved: the run said exactly this of the account.", style="bold")
        quote(console, record)
        return FINE
    if run is None or account is None or out is None:
        raise click.UsageError("name RUN, ACCOUNT and --out FILE; or --check FILE")
    at = place(where, store)
    with at.open_ledger() as opened:
        proof = prove_account(opened, at.open_store(), run_id_of(run), account)
    with out.open("x", encoding="utf-8") as file:
        file.write(json.dumps(proof, indent=1, ensure_ascii=False) + "\n")
    say(console, f"Written: what the run said of account {account}, and the way from there to its root.")
    quote(console, f"  {out}")
    return FINE


@ledger.command(name="export")
@governed(
    click.option("--account", "accounts", multiple=True, help="Only this account; repeat it for several."),
    click.option("--since", type=DayType(), help="The first day."),
    click.option("--until", type=DayType(), help="The last day."),
    click.option("--out", required=True, type=click.Path(path_type=Path), help="A folder for the files."),
)
def export_books(
    where: str, store: Path | None, accounts: tuple[str, ...], since: dt.date | None, until: dt.date | None, out: Path
) -> int:
    """Write books and records as CSV: orders with who, when and why; executions; the acts behind them."""
    from ..governance.books_and_records import collect_records, export_records
    from .pages import page, quote, say

    at, console = place(where, store), page()
    with at.open_ledger() as opened:
        tables = collect_records(
            opened, at.open_store(), accounts=accounts, since=since or dt.date.min, until=until or dt.date.max
        )
    files = export_records(tables, out)
    for name, path in zip(tables, files, strict=True):
        say(console, f"{len(tables[name]):,} {name}")
        quote(console, f"  {path}")
    return FINE


def run_id_of(told: str) -> str:
    """Return the id of a run that is named by its folder or by the beginning of its id."""
    from ..batches.openings import open_run

    return open_run(told).run_id if Path(told).is_dir() else told.removeprefix("run/")


def policy_stands(opened: Ledger, entry: Entry) -> bool:
    """Whether the policy that a sealed run was made under is in force: without it nothing of the run is released."""
    from ..governance.statuses import in_force

    return entry.body["policy"] in in_force(opened, "policy")


def seal_checkpoint(at: Place, opened: Ledger) -> None:
    """Sign the head after a seal, where there is a key."""
    from ..governance.checkpoints import sign_head

    if at.key.exists():
        sign_head(opened, at.checkpoints, at.key)
