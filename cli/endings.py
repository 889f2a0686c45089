"""Sending back, ending, looking back: what people say of something that was proposed, approved or released."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .approvals import NAME, THING, thing_named, told_of
from .ledgers import run_id_of
from .options import BECAUSE, WHY, Person, acting, governed, place

if TYPE_CHECKING:
    from ..governance.entries import Entry

    Verb = Callable[..., Entry]


def _ending(done: str) -> Callable[[Callable[[], Verb]], click.Command]:
    """Make a command of what finds a verb: named and told as that is, and ``done`` says what somebody did."""

    def made(find: Callable[[], Verb]) -> click.Command:
        @click.command(find.__name__, help=find.__doc__)
        @governed(acting, WHY, NAME)
        @THING
        def say(where: str, store: Path | None, actor: Person, because: str, name: str | None, thing: str) -> int:
            verb = find()
            with place(where, store).open_as(actor) as opened:
                return told_of(verb(opened, actor.name, thing_named(thing, name).subject, because=because), done)

        return say

    return made


@_ending("rejects")
def reject() -> Verb:
    """Send THING back; what was agreed to it is gone."""
    from ..governance import approvals

    return approvals.reject


@_ending("reverts")
def revert() -> Verb:
    """End THING that is in force, and go back to the approved version before it."""
    from ..governance import approvals

    return approvals.revert


@_ending("ends the approvals of")
def expire() -> Verb:
    """End the approvals of THING before their time."""
    from ..governance import approvals

    return approvals.expire


@_ending("has reviewed the override of")
def review() -> Verb:
    """Say what came of an override of THING, by somebody who did not give it."""
    from ..governance import approvals

    return approvals.review


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
