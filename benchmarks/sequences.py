"""Random lives of a run: submitted, edited, approved, expired, overridden, killed, released, beside a plain oracle.

The oracle below is written from the rules in words (docs/governance/approvals.md), not from the states of
`trimtab.governance.states`; a release must go out exactly when it says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from trimtab.batches.seals import mandate
from trimtab.batches.stores import BESIDE, FORMAT, SCHEMAS, digest_beside, digest_tables
from trimtab.errors import EntryRefused, GovernanceError, NotApproved
from trimtab.governance import Draft, Ledger, append, read
from trimtab.governance import approvals as people
from trimtab.governance.gates import policy_of
from trimtab.governance.kills import kill, kill_run, lift, switch
from trimtab.governance.releases import release, withdraw_release

ON = dt.date(2026, 11, 20)
POLICY = b'[governance]\napprovers = 2\napproval_days = 7\n[[limits]]\nkind = "deviation"\nmost = "5%"\n'
PEOPLE = ("ann", "ben", "cat", "dan", "eve")
WHO, WHAT, DAYS = st.sampled_from(PEOPLE), st.sampled_from((0, 0, 0, 0, 1)), st.integers(2, 12)


def write_run(folder: Path, run_id: str, accounts: tuple[str, ...], *, trades: int = 1) -> bytes:
    """Write a run that nobody computed but whose every byte is in order; return its ``run.json``."""
    ids = [account for account in accounts for _ in range(trades)]
    names = [hashlib.sha256(f"{run_id}{account}{i}".encode()).hexdigest()[:24] for i, account in enumerate(ids)]
    rows = {"trades": {"trade_id": names, "account_id": ids}, "accounts": {"account_id": list(accounts)}}
    for table, schema in SCHEMAS.items():
        said = rows.get(table, {})
        blank = [None] * len(next(iter(said.values()), []))
        if table == "accounts":
            said = {**said, "relaxed": ["[]"] * len(accounts)}
        if table not in rows and (folder / f"{table}.parquet").exists():
            continue  # empty, and written before
        (folder / f"{table}.parquet").mkdir(parents=True, exist_ok=True)
        columns = {name: said.get(name, blank) for name in schema.names}
        pq.write_table(pa.table(columns, schema=schema), folder / f"{table}.parquet" / "part-00000.parquet")
    for name in BESIDE:
        (folder / name).write_bytes(b"")
    seal = {
        "format": FORMAT, "run_id": run_id, "sealed": True, "blocked": False, "why": [], "on": ON.isoformat(),
        "counts": {"OPTIMAL": len(accounts)}, "tables": digest_tables(folder), "beside": digest_beside(folder),
        "inputs": {"mandate": mandate(policy_of(POLICY)), "book": {}},
    }  # fmt: skip
    data = json.dumps(seal).encode()
    (folder / "run.json").write_bytes(data)
    return data


@dataclass
class Bench:
    """Where the lives of many runs are led, one after another: a ledger, a folder, one clock that only goes on."""

    ledger: Ledger
    folder: Path
    now: dt.datetime = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    lives: int = 0
    released: int = 0
    refused: int = 0
    own: int = 0


@dataclass
class Oracle:
    """What a careful clerk would have on paper about one run."""

    version: int | None = None
    over: str = ""  # why nothing can follow, if so
    proposer: str = ""
    editor: str = ""
    authors: set[tuple[int, str]] = field(default_factory=set)
    approvals: list[tuple[str, dt.datetime]] = field(default_factory=list)
    overrides: list[tuple[str, dt.datetime]] = field(default_factory=list)
    policy_until: dt.datetime | None = None
    stopped: bool = False
    lifted: set[str] = field(default_factory=set)

    def wrote(self, who: str) -> bool:
        """Whether a person proposed, last edited or ever wrote the bytes."""
        return who in (self.proposer, self.editor) or (self.version, who) in self.authors

    def may_go(self, now: dt.datetime, on_disk: int) -> bool:
        """Whether the run may be released, in words: same bytes, not stopped, and two agreed or two overrode."""
        if self.stopped or self.over or self.version is None or self.version != on_disk:
            return False
        agreed = {who for who, until in self.approvals if now < until}
        overrode = {who for who, until in self.overrides if now < until}
        in_force = self.policy_until is not None and now < self.policy_until
        return len(overrode) >= 2 or (in_force and len(agreed) >= 2)


class _Life(RuleBasedStateMachine):
    """One run from its submission on; what is done to it goes to the ledger and onto the paper."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.bench.lives += 1
        self.run_id = hashlib.sha256(str(self.bench.lives).encode()).hexdigest()
        self.subject, self.told, self.on_disk = f"run/{self.run_id}", Oracle(), 0
        self.policy, self.mandate = f"policy/{self.bench.lives}", POLICY + f"# {self.bench.lives}\n".encode()
        self.data = write_run(self.bench.folder, self.run_id, (f"a{self.bench.lives}", f"b{self.bench.lives}"))

    def bytes_of(self, version: int) -> bytes:
        return self.data + b" " * version  # the same JSON, other bytes

    def do(self, act: Callable[..., object], *arguments, **named) -> bool:
        """Say something; whether it was taken."""
        self.bench.now += dt.timedelta(seconds=1)
        try:
            act(self.bench.ledger, *arguments, **named, at=self.bench.now)
        except GovernanceError:
            return False
        return True

    @initialize(days=st.sampled_from((0, 30, 30, 30)))
    def begin(self, days) -> None:
        if days:
            self.agree_to_policy(days=days)
        self.write("submit", "ann", 0)

    @rule(days=DAYS)
    def agree_to_policy(self, days) -> None:
        self.do(people.submit, "yan", self.policy, self.mandate)
        if self.do(people.approve, "zoe", self.policy, self.mandate, days=days):
            self.told.policy_until = self.bench.now + dt.timedelta(days=days)

    @rule(verb=st.sampled_from(["submit", "edit"]), who=WHO, what=WHAT)
    def write(self, verb, who, what) -> None:
        act = people.submit if verb == "submit" else people.edit
        if not self.do(act, who, self.subject, self.bytes_of(what)):
            return
        one = self.told
        one.version, one.editor, one.over, one.approvals, one.overrides = what, who, "", [], []
        one.proposer = who if verb == "submit" else one.proposer
        one.authors.add((what, who))

    @rule(what=WHAT)
    def change_the_file(self, what) -> None:
        self.on_disk = what
        (self.bench.folder / "run.json").write_bytes(self.bytes_of(what))

    @rule(who=WHO, what=WHAT, days=DAYS)
    def approve(self, who, what, days) -> None:
        if self.do(people.approve, who, self.subject, self.bytes_of(what), days=days):
            assert what == self.told.version
            assert not self.told.wrote(who)
            self.told.approvals.append((who, self.bench.now + dt.timedelta(days=min(days, 7))))

    @rule(first=WHO, second=WHO, release=st.booleans())
    def approve_twice(self, first, second, release) -> None:
        for who in (first, second):
            self.approve(who, self.told.version, 7)
        if release:
            self.release(who="eve")

    @rule(who=WHO, what=WHAT, verb=st.sampled_from(["approve", "override"]))
    def sign_past_the_checks(self, who, what, verb) -> None:
        """Straight into the database: from an author, or of other bytes, it must say no."""
        one = self.told
        if one.version is None or not (one.wrote(who) or what != one.version):
            return
        body = {"until": "2099-01-01T00:00:00.000000Z"}
        draft = Draft(who, verb, self.subject, body, hashlib.sha256(self.bytes_of(what)).hexdigest())
        try:
            append(self.bench.ledger, [draft], at=self.bench.now)
        except EntryRefused as error:
            code = error.code
        else:
            code = "taken"
        assert code in ("SELF_APPROVAL", "VERSION")
        self.bench.own += code == "SELF_APPROVAL"

    @rule(who=WHO, what=WHAT, days=st.integers(0, 5))
    def override(self, who, what, days) -> None:
        review = self.bench.now.date() + dt.timedelta(days)
        if self.do(people.override, who, self.subject, self.bytes_of(what), because="fire", review=review):
            assert what == self.told.version
            assert not self.told.wrote(who)
            end = dt.datetime.combine(review + dt.timedelta(1), dt.time(), dt.UTC)
            self.told.overrides.append((who, end))

    @rule(who=WHO, act=st.sampled_from(["reject", "withdraw", "expire", "kill", "stop", "policy"]))
    def trouble(self, who, act) -> None:
        if act == "stop":
            self.do(kill, who, because="no")
            self.told.stopped, self.told.lifted = True, set()
        elif act == "policy":
            if self.do(people.expire, "zoe", self.policy, because="stale"):
                self.told.policy_until = None
        elif act == "kill":
            if self.do(kill_run, who, self.run_id, because="no"):
                self.told.over = "killed"
        elif self.do(getattr(people, act), who, self.subject, because="no"):
            self.told.approvals, self.told.overrides = [], []
            self.told.over = "" if act == "expire" else act

    @rule(who=WHO)
    def let_go_on(self, who) -> None:
        if _lifts(self.bench, who):
            self.told.lifted.add(who)
            self.told.stopped = len(self.told.lifted) < 2

    @rule(days=st.sampled_from((0, 0, 1, 3, 8)))
    def wait(self, days) -> None:
        self.bench.now += dt.timedelta(days=days, hours=1)

    @rule(who=WHO)
    def release(self, who) -> None:
        self.bench.now += dt.timedelta(seconds=1)
        one = self.told
        again = one.over == "released" and one.version == self.on_disk
        may = again or one.may_go(self.bench.now, self.on_disk)
        try:
            release(self.bench.ledger, who, self.bench.folder, self.mandate, at=self.bench.now)
        except NotApproved as error:
            why = error.code
        else:
            why = ""
        assert may == (not why), why
        if why:
            self.bench.refused += 1
        else:
            assert len(list(read(self.bench.ledger, kind="release", subject=self.subject))) >= 1
            self.bench.released += not again
            one.over = "released"

    @rule(who=WHO)
    def take_back(self, who) -> None:
        if self.do(withdraw_release, who, self.run_id, because="oops"):
            assert self.told.over == "released"
            self.told.over, self.told.approvals, self.told.overrides = "", [], []

    def teardown(self) -> None:
        """Try once more, every other time with all that can still be had; leave the switch off for the next."""
        for who in PEOPLE:
            if self.told.stopped and self.bench.lives % 2:
                self.let_go_on(who)
        if self.bench.lives % 2:
            self.agree_to_policy(days=5)
            for who in PEOPLE:
                self.approve(who, self.told.version, 5)
            self.change_the_file(self.told.version)
        self.release("eve")
        self.sign_past_the_checks(self.told.editor, self.told.version, "approve")
        for who in PEOPLE:
            if switch(self.bench.ledger).is_on:
                _lifts(self.bench, who)


def _lifts(bench: Bench, who: str) -> bool:
    bench.now += dt.timedelta(seconds=1)
    try:
        lift(bench.ledger, who, because="fine", at=bench.now)
    except EntryRefused:
        return False
    return True


def machine(bench: Bench) -> type[RuleBasedStateMachine]:
    """Return what hypothesis makes lives with, on a bench."""
    return type("Life", (_Life,), {"bench": bench})
