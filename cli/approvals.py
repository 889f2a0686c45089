"""Submitting, agreeing, stopping, letting go: the acts of people, each a record of the ledger.

What an act is about is named by the thing itself: the folder of a run, the file of a policy (``.toml``) or of a table
of views, tilts or confidences (``.csv``, ``.parquet``), or ``extension:ACCOUNT:ASSET:SIDE:DAY``. So nobody agrees to
bytes he does not have.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import run_id_of, seal_checkpoint
from .options import AS, BECAUSE, CHECKPOINTS, KEY, WHY, DayType, governed, place

if TYPE_CHECKING:
    from ..governance.entries import Entry
    from ..governance.ledgers import Ledger
    from ..governance.snapshots import Store

FINE = 0
NAME = click.option("--name", help="What it is called, where that is not the file's name.")
THING = click.argument("thing")


@dataclass(frozen=True)
class Thing:
    """What an act is about: its subject in the ledger, and the exact bytes where they are at hand."""

    subject: str
    data: bytes | None
    folder: Path | None = None


def _thing(told: str, name: str | None) -> Thing:
    """Read what somebody names; raise ``click.UsageError`` for what is nothing of the kind."""
    path = Path(told)
    if told.startswith("extension:"):
        return _extension(told)
    if path.is_dir():
        from ..governance.gates import read_candidate

        found = read_candidate(path)
        return Thing(found.subject, found.data, path)
    if path.is_file() and path.suffix in (".toml", ".csv", ".parquet"):
        data = path.read_bytes()
        return Thing(f"{_sort(path, data)}/{name or path.stem}", data)
    from ..governance.states import machine_of

    if "/" in told and machine_of(told) is not None:
        return Thing(told, None)
    raise click.UsageError(f"{told!r} is no run's folder, no .toml, .csv or .parquet file and no extension:...")


def _sort(path: Path, data: bytes) -> str:
    """Return what the file is of, by its ending and its columns; raise ``BookError`` for confidences that are none."""
    from ..governance.confidences import is_proposal, scales_of

    if path.suffix == ".toml":
        return "policy"
    if not is_proposal(data):
        return "view"
    scales_of(data)
    return "confidence"


def _extension(told: str) -> Thing:
    from ..governance.canonical import sha256
    from ..governance.gates import extension_bytes
    from ..units import day

    parts = told.removeprefix("extension:").rsplit(":", 3)
    try:
        account, asset, side, until = parts
        data = extension_bytes(account, asset, side, day(until))
    except ValueError as error:
        raise click.UsageError(f"extension:ACCOUNT:ASSET:over or under:DAY, not {told!r} ({error})") from None
    return Thing(f"extension/{sha256(data)[:16]}", data)


def _bytes(thing: Thing) -> bytes:
    if thing.data is None:
        raise click.UsageError(f"name the thing itself, not {thing.subject}: what is agreed to are its bytes")
    return thing.data


def _people(opened: Ledger, store: Store, thing: Thing) -> int:
    """Return how many people have to agree, by what the policy says about sizes."""
    from ..governance.canonical import sha256
    from ..governance.gates import measure, people_for_policy, policy_of, read_candidate
    from ..governance.sealings import find_sealed
    from ..governance.snapshots import fetch

    data = _bytes(thing)
    if thing.subject.startswith("policy/"):
        return people_for_policy(policy_of(data))
    if thing.folder is None:
        return 1
    sealed = find_sealed(opened, store, thing.subject.removeprefix("run/"), sha256(data))
    sizes = measure(read_candidate(thing.folder))
    rules = policy_of(fetch(store, sealed.inputs.policy)).governance
    return rules.people(deviation=sizes.deviation, relaxation=sizes.relaxation)


def _told(entry: Entry, done: str) -> int:
    from .pages import page, say

    sort, _, name = entry.subject.partition("/")
    say(page(), f"{entry.actor} {done} {sort} {name[:16]} (record {entry.sequence:,}).")
    return FINE


@click.command()
@governed(AS, BECAUSE, NAME)
@click.option("--since", type=DayType(), help="The day from which it is meant to hold.")
@click.option("--advised", is_flag=True, help="Of a run: the clients decide, it is no discretionary trading.")
@THING
def submit(
    where: str, store: Path | None, actor: str, because: str, name: str | None, since: dt.date | None, advised: bool,
    thing: str,
) -> int:  # fmt: skip
    """Propose THING: a RUN, a policy.toml, a table of views, tilts or confidences, extension:ACCOUNT:ASSET:SIDE:DAY.

    Somebody else has to approve exactly these bytes.
    """
    from ..governance import approvals
    from ..governance.snapshots import put

    at, what = place(where, store), _thing(thing, name)
    with at.open_ledger() as opened:
        kept = at.open_store()
        data, people = _bytes(what), _people(opened, kept, what)
        put(kept, data)
        more = {"discretionary": not advised} if what.folder else {}
        entry = approvals.submit(
            opened, actor, what.subject, data, because=because, since=since, people=people, more=more
        )
    return _told(entry, f"submits, and {people} other {'person has' if people == 1 else 'people have'} to approve,")


@click.command()
@governed(AS, BECAUSE, NAME)
@click.option("--days", type=click.IntRange(min=1), help="How long it holds; a run 7, views 90, a policy 366.")
@click.option("--blocked", is_flag=True, help="Knowing that a tripwire blocked the run.")
@THING
def approve(
    where: str, store: Path | None, actor: str, because: str, name: str | None, days: int | None, blocked: bool,
    thing: str,
) -> int:  # fmt: skip
    """Agree to THING as it is here, to the byte; never to what one proposed or edited oneself."""
    from ..governance import approvals

    at, what = place(where, store), _thing(thing, name)
    with at.open_ledger() as opened:
        people = _people(opened, at.open_store(), what)
        entry = approvals.approve(
            opened, actor, what.subject, _bytes(what), because=because, days=days, blocked=blocked, people=people
        )
    return _told(entry, "approves")


@click.command()
@governed(AS, WHY, NAME)
@click.option("--review", required=True, type=DayType(), help="The day by which it is reviewed, within 30 days.")
@THING
def override(
    where: str, store: Path | None, actor: str, because: str, name: str | None, review: dt.date, thing: str
) -> int:
    """Be one of two people who let THING through in an emergency."""
    from ..governance import approvals

    what = _thing(thing, name)
    with place(where, store).open_ledger() as opened:
        entry = approvals.override(opened, actor, what.subject, _bytes(what), because=because, review=review)
    return _told(entry, "overrides for")


@click.command()
@governed(AS, WHY, NAME)
@THING
def reject(where: str, store: Path | None, actor: str, because: str, name: str | None, thing: str) -> int:
    """Send THING back; what was agreed to it is gone."""
    from ..governance import approvals

    with place(where, store).open_ledger() as opened:
        return _told(approvals.reject(opened, actor, _thing(thing, name).subject, because=because), "rejects")


@click.command()
@governed(AS, WHY, NAME)
@THING
def withdraw(where: str, store: Path | None, actor: str, because: str, name: str | None, thing: str) -> int:
    """Take THING back; of a released run its release, which frees its accounts for another of that day."""
    from ..governance import approvals
    from ..governance.folds import standing
    from ..governance.releases import withdraw_release
    from .pages import page, say

    subject = _thing(thing, name).subject
    with place(where, store).open_ledger() as opened:
        if subject.startswith("run/") and standing(opened, subject).state == "released":
            entry = withdraw_release(opened, actor, subject.removeprefix("run/"), because=because)
        else:
            entry = approvals.withdraw(opened, actor, subject, because=because)
    if entry is None:
        say(page(), "What an interrupted release had taken is free again.")
        return FINE
    return _told(entry, "withdraws")


@click.command()
@governed(AS, BECAUSE, KEY, CHECKPOINTS)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def release(
    where: str, store: Path | None, actor: str, because: str, key: Path | None, checkpoints: Path | None, run: Path
) -> int:
    """Let an approved RUN go: approved as it stands, not stopped, no account twice on a day."""
    from ..governance.gates import read_candidate
    from ..governance.releases import release as let_go
    from ..governance.sealings import find_sealed
    from ..governance.snapshots import fetch
    from .pages import listed, page, say

    at, console = place(where, store, key, checkpoints), page()
    with at.open_ledger() as opened:
        kept, candidate = at.open_store(), read_candidate(run)
        sealed = find_sealed(opened, kept, candidate.run_id, candidate.version)
        done = let_go(opened, actor, run, fetch(kept, sealed.inputs.policy), because=because, store=kept)
        seal_checkpoint(at, opened)
    say(console, f"{done}.", style="bold")
    if done.held:
        rows = sorted(done.held.items())
        listed(console, ("account", "held because"), rows[:8], len(rows), "in the record of the release")
    return FINE


@click.command()
@governed(AS, WHY)
@click.argument("run", required=False)
def kill(where: str, store: Path | None, actor: str, because: str, run: str | None) -> int:
    """Stop every release, now; or RUN alone, for good."""
    from ..governance import kills

    with place(where, store).open_ledger() as opened:
        if run is not None:
            return _told(kills.kill_run(opened, actor, run_id_of(run), because=because), "kills")
        return _told(kills.kill(opened, actor, because=because), "stops every")


@click.command()
@governed(AS, WHY)
def lift(where: str, store: Path | None, actor: str, because: str) -> int:
    """Be one of the two people who let releases go on after a kill."""
    from ..governance import kills
    from .pages import page, say

    with place(where, store).open_ledger() as opened:
        kills.lift(opened, actor, because=because)
        say(page(), f"{kills.switch(opened)}.")
    return FINE


@click.command()
@governed(AS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def fills(where: str, store: Path | None, actor: str, file: Path) -> int:
    """Record what became of orders: FILE has trade_id, quantity, price, and cost, date, fill_id, status.

    The same file again, or one with more rows, records nothing twice.
    """
    from ..governance.fills import record_fills
    from .pages import page, say

    at = place(where, store)
    with at.open_ledger() as opened:
        done = record_fills(opened, at.open_store(), file, actor)
    say(page(), f"{done.new:,} fills recorded; {done.again:,} were there before.")
    return FINE


ACTS: tuple[click.Command, ...] = (submit, approve, reject, withdraw, override, release, kill, lift, fills)
"""The commands, in the order a newcomer meets them."""
