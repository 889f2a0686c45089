"""The kill switch: one person stops every release, two let it go on.

The switch is entries like everything else. The database reads them whenever a release is appended (`guards`), so from
the moment a kill stands there is no release, in whatever process, however long ago it was checked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..errors import EntryRefused
from .entries import Draft, Entry, person
from .folds import require
from .guards import LIFTERS, SWITCH
from .keyrings import keyring
from .ledgers import Ledger, read
from .statuses import act, standing


@dataclass(frozen=True)
class Switch:
    """How the switch stands.

    Parameters
    ----------
    kill
        The last kill, None where there was none.
    lifters
        Who has said that it may be lifted.
    """

    kill: Entry | None = None
    lifters: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether releases are stopped."""
        return self.kill is not None and len(self.lifters) < LIFTERS

    def __str__(self) -> str:
        """Say it in a line."""
        if self.kill is None or not self.is_on:
            return "releases may go out"
        said = f" ({why})" if (why := self.kill.body.get("because")) else ""
        lifted = f"lifted by {len(self.lifters)} of {LIFTERS}"
        return f"killed by {self.kill.actor} at {self.kill.at:%Y-%m-%d %H:%M} UTC{said}; {lifted}"


def switch(ledger: Ledger) -> Switch:
    """Return how the switch stands now."""
    found, entries = Switch(), list(read(ledger, subject=SWITCH))
    uncounted = keyring(ledger).uncounted(e for e in entries if e.kind == "lift")  # a kill counts, whoever it was
    for entry in entries:
        if entry.kind == "kill":
            found = Switch(entry)
        elif (
            entry.kind == "lift"
            and entry.sequence not in uncounted
            and found.kill
            and entry.version == found.kill.digest
        ):
            found = Switch(found.kill, tuple(dict.fromkeys((*found.lifters, entry.actor))))
    return found


def kill(ledger: Ledger, actor: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Stop every release, now; a second kill needs two more people."""
    return act(ledger, Draft(actor, "kill", SWITCH, {"because": because}), at)


def kill_run(ledger: Ledger, actor: str, run_id: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Stop one run for good, before it is released.

    Raises
    ------
    EntryRefused
        It is released or was killed (``STATE``).
    """
    one = standing(ledger, f"run/{run_id}", at)
    require(one, "kill")
    return act(ledger, Draft(actor, "kill", one.subject, {"because": because}, one.current.sha256), at)


def lift(ledger: Ledger, actor: str, *, because: str, at: dt.datetime | None = None) -> Entry:
    """Be one of the two people who let releases go on.

    Raises
    ------
    EntryRefused
        Nothing is killed (``STATE``), or the same person a second time (``SAME_PERSON``).
    """
    now = switch(ledger)
    if now.kill is None or not now.is_on:
        raise EntryRefused("nothing is killed", code="STATE", mend="there is nothing to lift")
    if person(actor) in now.lifters:
        raise EntryRefused(f"{person(actor)} has lifted it already", code="SAME_PERSON", mend="ask a second person")
    # Bound to this kill: a lift that crosses another kill on its way does not lift that one.
    return act(ledger, Draft(actor, "lift", SWITCH, {"because": because}, now.kill.digest), at)
