"""Sending back, ending, looking back: what people say of something that was proposed, approved or released."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .approvals import NAME, THING, thing_named, told_of
from .ledgers import run_id_of
from .options import BECAUSE, WHY, Person, Place, acting, governed, place

if TYPE_CHECKING:
    from ..governance.entries import Entry


@click.command()
@governed(acting, WHY, NAME)
@THING
def reject(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
    """Send THING back; what was agreed to it is gone."""
    from ..governance import approvals

    return _say(approvals.reject, "rejects", place(where, store), actor, thing, name, because)


@click.command()
@governed(acting, WHY, NAME)
@THING
def revert(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
    """End THING that is in force, and go back to the approved version before it."""
    from ..governance import approvals

    return _say(approvals.revert, "reverts", place(where, store), actor, thing, name, because)


@click.command()
@governed(acting, WHY, NAME)
@THING
def expire(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
    """End the approvals of THING before their time."""
    from ..governance import approvals

    return _say(approvals.expire, "ends the approvals of", place(where, store), actor, thing, name, because)


@click.command()
@governed(acting, WHY, NAME)
@THING
def review(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
    """Say what came of an override of THING, by somebody who did not give it."""
    from ..governance import approvals

    return _say(approvals.review, "has reviewed the override of", place(where, store), actor, thing, name, because)


def _say(
    verb: Callable[..., Entry], done: str, at: Place, actor: Person, thing: str, name: str | None, because: str
) -> int:
    with at.open_as(actor) as opened:
        return told_of(verb(opened, actor.name, thing_named(thing, name).subject, because=because), done)


@click.command()
@governed(acting, BECAUSE)
@click.argument("run")
def complete(where: str, store: Path | None, actor: Person, because: str, run: str) -> int:
    """Close a released RUN: its orders are done, and its release can no longer be withdrawn."""
    from ..governance import releases

    with place(where, store).open_as(actor) as opened:
        return told_of(releases.complete(opened, actor.name, run_id_of(run), because=because), "completes")


ENDINGS: tuple[click.Command, ...] = (reject, revert, expire, review, complete)
"""The commands, in the order a newcomer meets them."""
