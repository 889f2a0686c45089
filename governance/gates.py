"""What a run must have before it may be released, asked of the ledger and of the run's own bytes, of nothing told.

=========  ==========================================================================================
KILLED     the kill switch is off
CHANGED    every table is, to the last byte, what ``run.json`` says, and ``run.json`` what was submitted
STATE      it was submitted, and not rejected, withdrawn or killed since
QUORUM     enough people have approved it: by its largest deviation and relaxation, computed here
BLOCKED    where a tripwire blocked it, each of them said that they know
POLICY     it was made under a policy whose file is in force
VIEWS      and from tables of views and tilts that are
CONFIDENCE and with confidences of sources as tables in force say
EXTENSION  and from extensions of tactical positions that are
=========  ==========================================================================================

An override of two people stands in for QUORUM, BLOCKED, POLICY, VIEWS, CONFIDENCE and EXTENSION; for nothing else.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..batches.seals import mandate
from ..batches.stores import BESIDE, SEAL, digest_beside, digest_tables
from ..batches.streams import stream
from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..errors import NotApproved, PolicyError, RunError
from .canonical import canonical_json, sha256
from .confidences import TABLE, unapproved
from .folds import Standing
from .kills import switch
from .ledgers import Ledger
from .snapshots import Store
from .statuses import in_force, standing

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
_TRADED = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A run as it stands in its folder, every byte checked against its seal.

    Parameters
    ----------
    path, run_id, on
        Its folder, its id, its day.
    data
        The bytes of ``run.json``: what is approved.
    seal
        What they say.
    """

    path: Path
    run_id: str
    on: dt.date
    data: bytes
    seal: dict[str, Any]

    @property
    def subject(self) -> str:
        """What entries about it are about."""
        return f"run/{self.run_id}"

    @property
    def version(self) -> str:
        """The SHA-256 of ``run.json``."""
        return sha256(self.data)


@dataclass(frozen=True)
class Sizes:
    """How far a run leans, and by how much its limits gave way; see `constraints.quorums.Governance`."""

    deviation: float
    relaxation: float


def read_candidate(folder: str | Path) -> Candidate:
    """Open a run for approval or release.

    Raises
    ------
    NotApproved
        It is no finished run, or a file of it is not what its seal says (``CHANGED``).
    """
    path = Path(folder)
    try:
        data = (path / SEAL).read_bytes()
        seal = json.loads(data)
        run_id, on = str(seal["run_id"]), dt.date.fromisoformat(seal["on"])
        whole = digest_tables(path) == seal["tables"] and digest_beside(path) == seal["beside"]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        raise NotApproved(f"{path} holds no whole run", code="CHANGED", mend="make the run again") from None
    if not whole or not seal.get("sealed"):
        raise NotApproved(
            f"a table of the run in {path}, or {' or '.join(BESIDE)}, is not what was sealed",
            code="CHANGED", mend="make the run again",
        )  # fmt: skip
    return Candidate(path, run_id, on, data, seal)


def measure(run: Candidate) -> Sizes:
    """Return the sizes of a run, from its tables.

    The deviation is the largest ``|target - strategic|`` of what it trades; the relaxation the largest amount by which
    a limit gave way, in the limit's own unit. What cannot be read is as large as can be.
    """
    deviation = 0.0
    for piece in stream(run.path, "targets", ("current", "strategic", "target")):
        current, strategic, target = (piece[name] for name in ("current", "strategic", "target"))
        moved, lean = (_pc.abs(_pc.subtract(target, other)) for other in (current, strategic))
        leans = _pc.if_else(_pc.less_equal(moved, _TRADED), 0.0, lean)
        known = _pc.if_else(_pc.is_finite(leans), leans, math.inf)  # arrow's largest number passes over NaN
        deviation = max(deviation, _pc.max(_pc.fill_null(known, math.inf)).as_py() or 0.0)
    relaxation = 0.0
    for piece in stream(run.path, "accounts", ("relaxed",)):
        for text in _pc.unique(piece["relaxed"]).to_pylist():
            relaxation = max([relaxation, *map(excess, json.loads(text or "[]"))])
    return Sizes(deviation, relaxation)


def excess(bound: dict[str, Any]) -> float:
    """Return by how much one limit gave way, from a row of ``relaxed``."""
    used, told = bound.get("used"), bound.get("bound")
    if not isinstance(used, (int, float)) or not isinstance(told, (int, float)):
        return math.inf
    return abs(used - told)


def policy_of(data: bytes) -> Policy:
    """Read a policy from the exact bytes that are approved.

    Raises
    ------
    PolicyError
        They are no policy.
    """
    try:
        return read_policy(tomllib.loads(data.decode("utf-8-sig")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise PolicyError("the policy is not TOML", code="NOT_TOML", table="policy", mend="give its file") from None


def people_for_policy(policy: Policy) -> int:
    """Return how many people have to approve a policy: by the widest side of its deviation limits, 1 without any."""
    widest = max([limit.loosest for limit in policy.limits if limit.kind == "deviation"], default=1.0)
    return policy.governance.people(deviation=widest, relaxation=0.0)


def check_release(
    ledger: Ledger, run: Candidate, policy: bytes, at: dt.datetime | None = None, store: Store | None = None
) -> Standing:
    """Return the standing of a run that may be released.

    Parameters
    ----------
    run
        Of `read_candidate`.
    policy
        The bytes of the policy's file.
    at
        The moment; now by default.
    store
        Where what the run read is kept; a run that read confidences is not released without.

    Raises
    ------
    NotApproved
        With the code of what is missing, as listed above.
    """
    if (stopped := switch(ledger)).is_on:
        raise NotApproved(str(stopped), code="KILLED", mend="two people have to lift it")
    one = standing(ledger, run.subject, at)
    now = one.at
    if one.current.sha256 != run.version:
        raise NotApproved(
            f"{run.subject[:16]} as it stands in {run.path} was not submitted", code="CHANGED", mend="submit it"
        )
    if one.state not in ("proposed", "approved"):
        raise NotApproved(f"{run.subject[:16]} is {one.state}", code="STATE", mend="make or submit another run")
    if not one.current.overridden(now):
        read = _check_policy(ledger, run, policy, now)
        _check_people(run, one, read, now)
        _check_views(ledger, run, now)
        _check_confidences(ledger, store, run, now)
        _check_extensions(ledger, run, now)
    if one.state != "approved":
        raise NotApproved(f"{run.subject[:16]} is {one.state}", code="QUORUM", mend="ask for approval")
    return one


def _check_policy(ledger: Ledger, run: Candidate, data: bytes, at: dt.datetime) -> Policy:
    digest = sha256(data)
    if digest not in in_force(ledger, "policy", at):
        raise NotApproved(
            f"no policy in force has these bytes ({digest[:12]})", code="POLICY", mend="have the policy approved"
        )
    try:
        read = policy_of(data)
    except (PolicyError, RunError) as error:
        raise NotApproved(f"the policy cannot be read: {error}", code="POLICY", mend="submit one that can") from None
    if mandate(read) != run.seal.get("inputs", {}).get("mandate"):
        raise NotApproved("the run was made under another policy", code="POLICY", mend="give the run's own policy")
    return read


def _check_people(run: Candidate, one: Standing, policy: Policy, at: dt.datetime) -> None:
    rules, sizes = policy.governance, measure(run)
    lasts = dt.timedelta(days=rules.approval_days)
    people = max(one.current.people, rules.people(deviation=sizes.deviation, relaxation=sizes.relaxation))
    given = [a for a in one.current.approvals if a.holds(at) and not a.emergency and at < a.at + lasts]
    if run.seal.get("blocked") and given and not all(a.blocked for a in given):
        given = [a for a in given if a.blocked]
        if len({a.actor for a in given}) < people:
            why = "; ".join(map(str, run.seal.get("why", ())))
            raise NotApproved(f"the run is BLOCKED: {why}", code="BLOCKED", mend="approve it as blocked")
    if (found := len({a.actor for a in given})) < people:
        raise NotApproved(f"{run.subject[:16]} has {found} of {people} approvals", code="QUORUM", mend="ask for more")


def _check_views(ledger: Ledger, run: Candidate, at: dt.datetime) -> None:
    book = run.seal.get("inputs", {}).get("book", {})
    wanted = {digest: table for table in ("views", "tilts") for digest in book.get(table, ())}
    approved = in_force(ledger, "view", at) if wanted else frozenset()
    missing = {table for digest, table in wanted.items() if digest not in approved}
    if missing:
        raise NotApproved(
            f"the run was made from {' and '.join(sorted(missing))} that nobody has approved as they are",
            code="VIEWS", mend="have the table approved",
        )  # fmt: skip


def _check_confidences(ledger: Ledger, store: Store | None, run: Candidate, at: dt.datetime) -> None:
    read = tuple(run.seal.get("inputs", {}).get("book", {}).get(TABLE, ()))
    if not read:
        return
    if store is None:
        raise NotApproved("the run read confidences", code="CONFIDENCE", mend="give the store that holds them")
    if strange := unapproved(ledger, store, read, at):
        raise NotApproved(
            f"the run trusted {', '.join(strange[:5])} otherwise than anything in force says",
            code="CONFIDENCE", mend="have the table of confidences approved, and make the run again",
        )  # fmt: skip


def extension_bytes(account: str, asset: str, side: str, until: dt.date) -> bytes:
    """Return the bytes that are approved when a tactical position may live longer; account ``*`` for every account.

    >>> extension_bytes("007", "GOLD", "over", dt.date(2027, 1, 29))
    b'{"account":"007","asset":"GOLD","side":"over","until":"2027-01-29"}'
    """
    return canonical_json({"account": account, "asset": asset, "side": side, "until": until.isoformat()})


def _check_extensions(ledger: Ledger, run: Candidate, at: dt.datetime) -> None:
    columns = ("account_id", "asset_id", "side", "extended_until", "approval")
    approved: frozenset[str] | None = None
    for piece in stream(run.path, "positions", columns):
        for row in piece.filter(_pc.is_valid(piece["extended_until"])).to_pylist():
            approved = in_force(ledger, "extension", at) if approved is None else approved
            rest = (row["asset_id"], row["side"], row["extended_until"])
            if not any(sha256(extension_bytes(who, *rest)) in approved for who in (row["account_id"], "*")):
                raise NotApproved(
                    f"the position of {row['account_id']} in {rest[0]} ({rest[1]}) is extended until {rest[2]} "
                    f"and nothing in force says so ({row['approval']})",
                    code="EXTENSION", mend="have the extension approved",
                )  # fmt: skip
