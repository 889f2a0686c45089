"""A run let go, once: approved as it stands, not stopped, and no account twice on a day.

First every account that trades is *taken*: one record (``release_account``) that names its trades, under a key made of
day and account, which the database keeps unique. Then one record (``release`` of the run) lets all of them go. Until
that one stands nothing is released, so a kill, a power cut or a second desk in between leaves no half of a run on its
way; the same command again goes on where it stopped and records nothing twice.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..batches.streams import stream
from ..errors import EntryRefused, NotApproved
from .canonical import sha256
from .entries import Draft, Entry
from .gates import Candidate, check_release, read_candidate
from .keyrings import check_signer
from .ledgers import Ledger, append, find, read
from .snapshots import Store
from .statuses import act, standing

ACCOUNTS = 2_000
"""Accounts taken in one transaction: a kill waits for no more than that."""
BREATH = 0.12
"""Seconds between two of them. Whoever waits for a SQLite file asks every tenth of a second and must find it free."""
MOST_HELD = 20_000
"""Accounts that a release may leave out: beyond, something is wrong with more than an account."""
_FULL = 10


@dataclass(frozen=True)
class Release:
    """A run that went out.

    Parameters
    ----------
    run_id, on
        Which; the day of its decisions.
    entry
        Of its release.
    accounts, orders
        How many accounts trade, with how many orders.
    held
        Accounts left out, each with the reason.
    """

    run_id: str
    on: dt.date
    entry: Entry
    accounts: int
    orders: int
    held: dict[str, str]

    def __str__(self) -> str:
        """Say it in a line."""
        out = f"run {self.run_id[:12]} released: {self.accounts:,} accounts, {self.orders:,} orders"
        return f"{out}; {len(self.held):,} held" if self.held else out


def release(
    ledger: Ledger,
    actor: str,
    run: str | Path,
    policy: str | Path | bytes,
    *,
    because: str = "",
    store: Store | None = None,
    at: dt.datetime | None = None,
) -> Release:
    """Let an approved run go.

    Parameters
    ----------
    ledger, actor
        Where; who.
    run
        Its folder.
    policy
        The file of its policy, or the bytes of it.
    because
        Anything to remember.
    store
        Of snapshots: asked for where the run read confidences of sources.
    at
        The moment; by default that of the ledger's clock.

    Returns
    -------
    Release
        Accounts of which another run of that day is released, or of which this release was withdrawn, are in ``held``.

    Raises
    ------
    NotApproved
        What is missing, by code: see `gates`. ``RELEASED`` where every account that trades is held.
    """
    candidate = read_candidate(run)
    before = _released(ledger, candidate, at)
    if before is not None:
        return before
    data = policy if isinstance(policy, bytes) else Path(policy).read_bytes()
    check_release(ledger, candidate, data, at, store)
    check_signer(ledger, actor, at)
    turn = _turn(ledger, candidate.subject)
    accounts, orders, held = 0, 0, {}
    for i, chunk in enumerate(_chunks(candidate)):
        if i and ledger.is_file:
            time.sleep(BREATH)
        refused = _take(ledger, actor, candidate, chunk, turn, at)
        held |= refused
        accounts += len(chunk) - len(refused)
        orders += sum(len(trades) for account, trades in chunk if account not in refused)
    if held and not accounts:
        raise NotApproved(next(iter(held.values())), code="RELEASED", mend="withdraw the other release first")
    if len(held) > MOST_HELD:
        raise NotApproved(f"{len(held):,} accounts would be held", code="RELEASED", mend="withdraw the other release")
    body = {
        "on": candidate.on.isoformat(), "accounts": accounts, "orders": orders, "held": sorted(held),
        "because": because, "turn": turn,
    }  # fmt: skip
    key = f"release/{candidate.version}/{turn}"
    done = _guarded(ledger, [Draft(actor, "release", candidate.subject, body, candidate.version, key)], at)[0]
    return Release(candidate.run_id, candidate.on, done, accounts, orders, held)


def _released(ledger: Ledger, run: Candidate, at: dt.datetime | None) -> Release | None:
    """Return the release of a run that stands, so that asking again is harmless."""
    if standing(ledger, run.subject, at).state not in ("released", "sealed"):
        return None
    for done in reversed(list(read(ledger, kind="release", subject=run.subject))):
        if done.version == run.version:
            held = dict.fromkeys(map(str, done.body["held"]), "held when the run was released")  # type: ignore[call-overload]
            return Release(run.run_id, run.on, done, int(done.body["accounts"]), int(done.body["orders"]), held)  # type: ignore[call-overload]
    return None


def _turn(ledger: Ledger, subject: str) -> int:
    """Return how often releases of a run were taken back: each time it needs new approvals and takes accounts anew."""
    return sum(1 for _ in read(ledger, kind="withdraw", subject=subject))


def _chunks(run: Candidate) -> Iterator[list[tuple[str, list[str]]]]:
    """Yield accounts with the ids of their trades, some thousands at a time; a run keeps an account's rows together."""
    chunk: list[tuple[str, list[str]]] = []
    for piece in stream(run.path, "trades", ("account_id", "trade_id")):
        for account, trade in zip(piece["account_id"].to_pylist(), piece["trade_id"].to_pylist(), strict=True):
            if chunk and chunk[-1][0] == account:
                chunk[-1][1].append(trade)
                continue
            if len(chunk) == ACCOUNTS:
                yield chunk
                chunk = []
            chunk.append((account, [trade]))
    if chunk:
        yield chunk


def _take(
    ledger: Ledger,
    actor: str,
    run: Candidate,
    chunk: Sequence[tuple[str, list[str]]],
    turn: int,
    at: dt.datetime | None,
) -> dict[str, str]:
    """Take some accounts for a run; return those that cannot be, with the reason."""
    for _ in range(_FULL):
        slots, held = _slots(ledger, run, [account for account, _ in chunk], turn)
        drafts = [
            Draft(
                actor, "release_account", f"account/{digest_of(account)}",
                {"account": account, "run": run.run_id, "on": run.on.isoformat(), "turn": turn, "trades": trades},
                run.version, _key("release", run.on, account, slots[account]),
            )
            for account, trades in chunk if account in slots
        ]  # fmt: skip
        try:
            _guarded(ledger, drafts, at)
        except EntryRefused as error:
            if error.code != "KEY":
                raise
            continue  # another run took one of them at this moment: look again
        return held
    raise NotApproved("other runs keep taking these accounts", code="RELEASED", mend="release one run after another")


def _slots(ledger: Ledger, run: Candidate, accounts: list[str], turn: int) -> tuple[dict[str, int], dict[str, str]]:
    """Return the free place of each account on a day, and why others have none."""
    slots: dict[str, int] = {}
    held: dict[str, str] = {}
    open_ = dict.fromkeys(accounts, 0)
    while open_:
        keys = {a: (_key("release", run.on, a, k), _key("withdraw", run.on, a, k)) for a, k in open_.items()}
        found = find(ledger, [key for pair in keys.values() for key in pair])
        later = {}
        for account, (taken, freed) in keys.items():
            stands = found.get(taken)
            ours = stands is not None and stands.version == run.version and stands.body.get("turn") == turn
            if freed in found:
                later[account] = open_[account] + 1
            elif stands is not None and not ours:
                held[account] = f"account {account} has a release of {run.on} (run {str(stands.body['run'])[:12]})"
            elif stands is None:
                slots[account] = open_[account]
        open_ = later
    return slots, held


def withdraw_release(
    ledger: Ledger, actor: str, run_id: str, *, because: str, at: dt.datetime | None = None
) -> Entry | None:
    """Take a release back, or what an interrupted one has taken; its accounts are free again on that day.

    The run stands as proposed afterwards, and nobody has approved it. Asking again goes on where it was interrupted.

    Returns
    -------
    Entry | None
        Of the withdrawal; None where the run was not released and only accounts were freed.

    Raises
    ------
    EntryRefused
        Nothing of this run is released (``STATE``).
    """
    subject, done = f"run/{run_id}", None
    one = standing(ledger, subject, at)
    if one.state == "sealed":
        raise EntryRefused(f"{subject[:16]} is sealed", code="STATE", mend="trade back with another run")
    begun = next((e.sequence for e in read(ledger, subject=subject)), 0)
    taken = [e for e in read(ledger, kind="release_account", since=begun) if e.body.get("run") == run_id]
    freed = {entry.key.replace("release/", "withdraw/", 1): entry for entry in taken}
    gone = find(ledger, list(freed))
    left = [(key, entry) for key, entry in freed.items() if key not in gone]
    if one.state == "released":
        done = act(ledger, Draft(actor, "withdraw", subject, {"because": because}, one.current.sha256), at)
    elif not left:
        raise EntryRefused(f"nothing of {subject[:16]} is released", code="STATE", mend="there is nothing to take back")
    for start in range(0, len(left), ACCOUNTS):
        if start and ledger.is_file:
            time.sleep(BREATH)
        drafts = [
            Draft(actor, "withdraw_account", e.subject, {**e.body, "trades": [], "because": because}, e.version, key)
            for key, e in left[start : start + ACCOUNTS]
        ]
        append(ledger, drafts, at=at)
    return done


def complete(ledger: Ledger, actor: str, run_id: str, *, because: str = "", at: dt.datetime | None = None) -> Entry:
    """Seal a released run: its orders are done, and it can no longer be withdrawn.

    Raises
    ------
    EntryRefused
        It is not released.
    """
    one = standing(ledger, f"run/{run_id}", at)
    if one.state != "released":
        raise EntryRefused(f"{one.subject[:16]} is not released", code="STATE", mend="release it first")
    return act(ledger, Draft(actor, "complete", one.subject, {"because": because}, one.current.sha256), at)


def _guarded(ledger: Ledger, drafts: list[Draft], at: dt.datetime | None) -> list[Entry]:
    """Append; what the database's guards say is that something is not approved."""
    try:
        return append(ledger, drafts, at=at)
    except EntryRefused as error:
        if error.code in ("KILLED", "UNAPPROVED"):
            raise NotApproved(error.message, code=error.code, mend="ask those who stopped it") from None
        raise


def digest_of(account: str) -> str:
    """Return what an account is called in subjects and keys: ids may hold anything."""
    return sha256(account.encode("utf-8", "surrogatepass"))[:32]


def _key(verb: str, on: dt.date, account: str, slot: int) -> str:
    return f"{verb}/{on}/{digest_of(account)}/{slot}"
