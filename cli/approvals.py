"""Submitting, agreeing, stopping, letting go: the acts of people, each a record of the ledger.

What an act is about is named by the thing itself: the folder of a run, the file of a policy (``.toml``), of a table of
views, tilts or confidences (``.csv``, ``.parquet``) or of a public key (``.pub``), or
``extension:ACCOUNT:ASSET:SIDE:DAY``. So nobody agrees to bytes he does not have.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import run_id_of, seal_checkpoint
from .options import BECAUSE, CHECKPOINTS, KEY, WHY, DayType, Person, Place, acting, governed, place

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


def thing_named(told: str, name: str | None) -> Thing:
    """Read what somebody names; raise ``click.UsageError`` for what is nothing of the kind."""
    path = Path(told)
    if told.startswith("extension:"):
        return _extension(told)
    if path.is_dir():
        from ..governance.gates import read_candidate

        found = read_candidate(path)
        return Thing(found.subject, found.data, path)
    if path.is_file() and path.suffix == ".pub":
        from ..governance.entries import person

        whose = name or path.name.removesuffix(".pub").removesuffix(".key")
        return Thing(f"person/{person(whose)}", path.read_bytes())
    if path.is_file() and path.suffix in (".toml", ".csv", ".parquet"):
        data = path.read_bytes()
        return Thing(f"{_sort(path, data)}/{name or path.stem}", data)
    from ..governance.states import machine_of

    if "/" in told and machine_of(told) is not None:
        return Thing(told, None)
    if not path.exists() and (path.suffix or "/" in told):
        raise click.UsageError(f"there is no {told!r} here; name a run's folder or a file that exists")
    raise click.UsageError(f"{told!r} is no run's folder, no .toml, .csv, .parquet or .pub file and no extension:...")


def _sort(path: Path, data: bytes) -> str:
    """Return what the file is of, by its ending and its columns; raise ``BookError`` for confidences that are none."""
    from ..governance.confidences import SORT, scales_of, sort_of_table

    if path.suffix == ".toml":
        return "policy"
    sort = sort_of_table(data)
    if sort is None:
        raise click.UsageError(f"{path} is no table of views, tilts or confidences: nobody has to approve it")
    if sort == SORT:
        scales_of(data)
    return sort


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


def told_of(entry: Entry, done: str) -> int:
    """Say what was recorded."""
    from .pages import page, say

    sort, _, name = entry.subject.partition("/")
    say(page(), f"{entry.actor} {done} {sort} {name[:16]} (record {entry.sequence:,}).")
    return FINE


SINCE = click.option("--since", type=DayType(), help="The day from which it is meant to hold.")
ADVISED = click.option("--advised", is_flag=True, help="Of a run: the clients decide, it is no discretionary trading.")


@click.command()
@governed(acting, BECAUSE, NAME)
@SINCE
@ADVISED
@THING
def submit(
    where: str, store: Path | None, actor: Person, because: str, name: str | None, since: dt.date | None,
    advised: bool, thing: str,
) -> int:  # fmt: skip
    """Propose THING: a RUN, a policy.toml, a table of views, tilts or confidences, extension:ACCOUNT:ASSET:SIDE:DAY.

    Or somebody's public KEY.pub, who from then on signs what they do. Somebody else has to approve exactly these bytes.
    """
    from ..governance import approvals

    return _propose(
        approvals.submit, "submits", place(where, store), actor, thing_named(thing, name), because, since, advised
    )


@click.command()
@governed(acting, BECAUSE, NAME)
@SINCE
@ADVISED
@THING
def edit(
    where: str, store: Path | None, actor: Person, because: str, name: str | None, since: dt.date | None,
    advised: bool, thing: str,
) -> int:  # fmt: skip
    """Put THING in place of what was submitted under its name; who approved that has said nothing about this.

    The proposer stays; neither they nor who edits can approve it.
    """
    from ..governance import approvals

    return _propose(
        approvals.edit, "edits", place(where, store), actor, thing_named(thing, name), because, since, advised
    )


def _propose(
    verb: Callable[..., Entry], done: str, at: Place, actor: Person, what: Thing, because: str,
    since: dt.date | None, advised: bool,
) -> int:  # fmt: skip
    from ..governance.snapshots import put
    from ..governance.statuses import standing

    with at.open_as(actor) as opened:
        kept = at.open_store()
        data, people = _bytes(what), _people(opened, kept, what)
        put(kept, data)
        more = {"discretionary": not advised} if what.folder else {}
        entry = verb(opened, actor.name, what.subject, data, because=because, since=since, people=people, more=more)
        if standing(opened, what.subject).state == "draft":
            return told_of(entry, f"{done}, to be submitted,")
    return told_of(entry, f"{done}, and {people} other {'person has' if people == 1 else 'people have'} to approve,")


@click.command()
@governed(acting, BECAUSE, NAME)
@click.option("--days", type=click.IntRange(min=1), help="How long it holds; a run 7, views 90, a policy 366.")
@click.option("--blocked", is_flag=True, help="Knowing that a tripwire blocked the run.")
@THING
def approve(
    where: str, store: Path | None, actor: Person, because: str, name: str | None, days: int | None, blocked: bool,
    thing: str,
) -> int:  # fmt: skip
    """Agree to THING as it is here, to the byte; never to what one proposed or edited oneself."""
    from ..governance import approvals

    at, what = place(where, store), thing_named(thing, name)
    with at.open_as(actor) as opened:
        people = _people(opened, at.open_store(), what)
        entry = approvals.approve(
            opened, actor.name, what.subject, _bytes(what), because=because, days=days, blocked=blocked, people=people
        )
    return told_of(entry, "approves")


@click.command()
@governed(acting, WHY, NAME)
@click.option("--review", required=True, type=DayType(), help="The day by which it is reviewed, within 30 days.")
@THING
def override(
    where: str, store: Path | None, actor: Person, because: str, name: str | None, review: dt.date, thing: str
) -> int:
    """Be one of two people who let THING through in an emergency."""
    from ..governance import approvals

    what = thing_named(thing, name)
    with place(where, store).open_as(actor) as opened:
        entry = approvals.override(opened, actor.name, what.subject, _bytes(what), because=because, review=review)
    return told_of(entry, "overrides for")


@click.command()
@governed(acting, WHY, NAME)
@THING
def withdraw(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
    """Take THING back; of a released run its release, which frees its accounts for another of that day."""
    from ..governance import approvals
    from ..governance.releases import withdraw_release
    from ..governance.statuses import standing
    from .pages import page, say

    subject = thing_named(thing, name).subject
    with place(where, store).open_as(actor) as opened:
        if subject.startswith("run/") and standing(opened, subject).state == "released":
            entry = withdraw_release(opened, actor.name, subject.removeprefix("run/"), because=because)
        else:
            entry = approvals.withdraw(opened, actor.name, subject, because=because)
    if entry is None:
        say(page(), "What an interrupted release had taken is free again.")
        return FINE
    return told_of(entry, "withdraws")


@click.command()
@governed(acting, BECAUSE, KEY, CHECKPOINTS)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def release(
    where: str, store: Path | None, actor: Person, because: str, key: Path | None, checkpoints: Path | None, run: Path
) -> int:
    """Let an approved RUN go: approved as it stands, not stopped, no account twice on a day."""
    from ..governance.gates import read_candidate
    from ..governance.releases import release as let_go
    from ..governance.sealings import find_sealed
    from ..governance.snapshots import fetch
    from .pages import listed, page, say

    at, console = place(where, store, key, checkpoints), page()
    with at.open_as(actor) as opened:
        kept, candidate = at.open_store(), read_candidate(run)
        sealed = find_sealed(opened, kept, candidate.run_id, candidate.version)
        done = let_go(opened, actor.name, run, fetch(kept, sealed.inputs.policy), because=because, store=kept)
        seal_checkpoint(at, opened)
    say(console, f"{done}.", style="bold")
    if done.held:
        rows = sorted(done.held.items())
        listed(console, ("account", "held because"), rows[:8], len(rows), "in the record of the release")
    return FINE


@click.command()
@governed(acting, WHY)
@click.argument("run", required=False)
def kill(where: str, store: Path | None, actor: Person, because: str, run: str | None) -> int:
    """Stop every release, now; or RUN alone, for good."""
    from ..governance import kills

    with place(where, store).open_as(actor) as opened:
        if run is not None:
            return told_of(kills.kill_run(opened, actor.name, run_id_of(run), because=because), "kills")
        return told_of(kills.kill(opened, actor.name, because=because), "stops every")


@click.command()
@governed(acting, WHY)
def lift(where: str, store: Path | None, actor: Person, because: str) -> int:
    """Be one of the two people who let releases go on after a kill."""
    from ..governance import kills
    from .pages import page, say

    with place(where, store).open_as(actor) as opened:
        kills.lift(opened, actor.name, because=because)
        say(page(), f"{kills.switch(opened)}.")
    return FINE


@click.command()
@governed(acting)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def fills(where: str, store: Path | None, actor: Person, file: Path) -> int:
    """Record what became of orders: FILE has trade_id, quantity, price, and cost, date, fill_id, status.

    The same file again, or one with more rows, records nothing twice.
    """
    from ..governance.fills import record_fills
    from .pages import page, say

    at = place(where, store)
    with at.open_as(actor) as opened:
        done = record_fills(opened, at.open_store(), file, actor.name)
    say(page(), f"{done.new:,} fills recorded; {done.again:,} were there before.")
    return FINE


ACTS: tuple[click.Command, ...] = (submit, edit, approve, withdraw, override, release, kill, lift, fills)
"""The commands, in the order a newcomer meets them."""
