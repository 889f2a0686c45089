"""What the database itself refuses about approvals and releases, in SQL that SQLite and PostgreSQL both speak.

Each guard is a condition on the new record under which it is refused. They close what no check beforehand can: whatever
two people do at the same moment, one of them comes first in the ledger, and the other meets the guard.
"""

from __future__ import annotations

from collections.abc import Iterable

from .entries import APPROVING, AUTHORING

SWITCH = "switch/release"
"""What the kill switch is called in the ledger."""
RELEASING = ("release", "release_account")
"""Kinds that the kill switch stops."""
LIFTERS = 2
"""People that lifting a kill takes."""
ENDING = ("reject", "withdraw", "expire", "kill")
"""Kinds after which earlier approvals of a run no longer count; a new version has the same effect."""

REFUSALS = {
    "NOTHING_SUBMITTED": "nothing was submitted under this subject",
    "VERSION": "the approval names a version that is not the current one: the bytes changed",
    "SELF_APPROVAL": "the approver is the proposer, the last editor or an author of these bytes",
    "KILLED": "the kill switch stops every release",
    "UNAPPROVED": "nobody approved these bytes, or not since they were last submitted, edited, rejected or withdrawn",
}
"""What each guard says."""


def listed(kinds: Iterable[str]) -> str:
    """Return kinds as SQL lists them.

    >>> listed(("submit", "edit"))
    "'submit', 'edit'"
    """
    return ", ".join(f"'{kind}'" for kind in kinds)


def approval_checks(table: str, new: str = "NEW", before: str = "") -> dict[str, str]:
    """Return when an approval is refused, by code.

    Parameters
    ----------
    table, new
        What the records and the new one are called.
    before
        A condition that keeps to the records before the new one, where it already stands among them.
    """
    about = f"FROM {table} WHERE subject = {new}.subject{before}"

    def last(column: str, kinds: Iterable[str]) -> str:
        return f"(SELECT {column} {about} AND kind IN ({listed(kinds)}) ORDER BY sequence DESC LIMIT 1)"

    wrote_it = (
        f"EXISTS (SELECT 1 {about} AND kind IN ({listed(AUTHORING)}) "
        f"AND version = {new}.version AND actor = {new}.actor)"
    )
    proposer, editor = last("actor", ("submit",)), last("actor", AUTHORING)
    return {
        "NOTHING_SUBMITTED": f"{proposer} IS NULL",
        "VERSION": f"{new}.version = '' OR {new}.version <> {last('version', AUTHORING)}",
        "SELF_APPROVAL": f"{new}.actor IN ({proposer}, {editor}) OR {wrote_it}",
    }


def release_checks(table: str, new: str = "NEW", before: str = "") -> dict[str, str]:
    """Return when a release is refused, by code; parameters as for `approval_checks`."""
    switch = f"FROM {table} WHERE subject = '{SWITCH}'{before}"
    kill = f"(SELECT digest {switch} AND kind = 'kill' ORDER BY sequence DESC LIMIT 1)"
    lifters = f"(SELECT count(DISTINCT actor) {switch} AND kind = 'lift' AND version = {kill})"
    about = f"FROM {table} WHERE subject = {new}.subject{before}"
    ended = f"coalesce((SELECT max(sequence) {about} AND kind IN ({listed((*AUTHORING, *ENDING))})), 0)"
    approved = (
        f"EXISTS (SELECT 1 {about} AND kind IN ({listed(APPROVING)}) "
        f"AND version = {new}.version AND sequence > {ended})"
    )
    return {
        "KILLED": f"{kill} IS NOT NULL AND {lifters} < {LIFTERS}",
        "UNAPPROVED": f"{new}.kind = 'release' AND NOT {approved}",
    }
