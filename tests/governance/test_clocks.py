"""Clocks: what the ledger says of accounts is what a desk that keeps book event by event would say, from nothing."""

import datetime as dt
import random

import pyarrow as pa
import pytest

from trimtab.batches.stores import SCHEMAS
from trimtab.errors import BookError
from trimtab.governance.approvals import approve, expire, submit
from trimtab.governance.clocks import CARRIED, derive
from trimtab.governance.deliveries import released_runs
from trimtab.governance.entries import Draft
from trimtab.governance.environments import lock, surroundings
from trimtab.governance.fills import record_fills
from trimtab.governance.gates import extension_bytes
from trimtab.governance.ledgers import append
from trimtab.governance.sealings import FORMAT, parquet_bytes
from trimtab.governance.snapshots import make_store, put, put_json

FIRST = dt.date(2026, 1, 5)
NAV = 1000.0


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store")


def rows(table, wanted):
    """A table of a run from rows that say only what matters."""
    return pa.Table.from_pylist([dict.fromkeys(SCHEMAS[table].names) | row for row in wanted], SCHEMAS[table])


def release_made_up(ledger, store, name, on, decided, trades, refused=(), held=()):
    """Release a run that nobody computed: accounts, the position each has, its trades."""
    accounts = [{"account_id": a, "model_id": "m", "outcome": "OPTIMAL", "nav": NAV} for a in decided]
    accounts += [{"account_id": a, "model_id": "m", "outcome": "QUARANTINED", "nav": None} for a in refused]
    tables = {
        "accounts": rows("accounts", accounts),
        "positions": rows(
            "positions",
            [{"account_id": a, "asset_id": "X", "side": "over", "opened": on, "state": "open"} for a in decided],
        ),
        "trades": rows(
            "trades",
            [{"trade_id": t, "account_id": a, "asset_id": "X", "side": s, "quantity": q} for t, a, s, q in trades],
        ),
    }
    version = put(store, f'{{"views": {{"m": "sign of {on}"}}, "name": "{name}"}}'.encode())
    snapshot = {
        "format": FORMAT, "run_id": name, "on": on.isoformat(), "run": version,
        "inputs": {"tables": {}, "policy": "0" * 64}, "lock": put(store, lock()), "environment": surroundings(),
        "tables": {t: [put(store, parquet_bytes(own))] for t, own in tables.items()},
    }  # fmt: skip
    subject, until = f"run/{name}", {"until": "2099-01-01T00:00:00.000000Z"}
    body = {"root": "0" * 64, "policy": "0" * 64, "snapshot": put_json(store, snapshot)}
    append(ledger, [Draft("ann", "seal", subject, body, version), Draft("ann", "submit", subject, {}, version)])
    append(ledger, [Draft("ben", "approve", subject, until, version)])
    append(ledger, [Draft("ann", "release", subject, {"held": sorted(held)}, version)])
    return version


def withdraw_made_up(ledger, name, version):
    append(ledger, [Draft("ann", "withdraw", f"run/{name}", {"because": "a test"}, version)])


def send(ledger, store, tmp_path, lines, actor="ops"):
    path = tmp_path / "fills.csv"
    path.write_text("trade_id,quantity,price,cost,fill_id,status\n" + "".join(f"{line}\n" for line in lines))
    return record_fills(ledger, store, path, actor)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ledger_says_what_a_desk_that_keeps_book_says(ledger, store, tmp_path, seed):
    draw, people = random.Random(seed), ["007", "7", "-7", "=x"]
    opened, orders, history, runs = {}, {}, {}, []  # the desk's own book
    count = 0
    for i in range(8):
        on = FIRST + dt.timedelta(days=i)
        decided = draw.sample(people, draw.randint(1, 4))
        refused = [a for a in people if a not in decided and draw.random() < 0.5]
        held = [a for a in decided if draw.random() < 0.2]
        trades = [(f"t{i}{a}", a, draw.choice(["buy", "sell"]), float(draw.randint(1, 9))) for a in decided]
        name = f"{i:064x}"
        version = release_made_up(ledger, store, name, on, decided, trades, refused, held)
        sent = [t for t in trades if t[1] not in held]
        runs.append((name, version, on, [a for a in decided if a not in held], sent))
        for trade, account, side, quantity in sent:
            orders[trade] = (account, quantity if side == "buy" else -quantity)
        if draw.random() < 0.3:  # the last release is taken back
            name, version, *_, sent = runs.pop()
            withdraw_made_up(ledger, name, version)
            for trade, *_ in sent:
                orders.pop(trade)
        lines = []
        for trade, (account, left) in list(orders.items()):
            if draw.random() < 0.5:
                part = float(draw.randint(1, int(abs(left))))
                count += 1
                lines.append(f"{trade},{part},10,0,f{count},")
                signed = part if left > 0 else -part
                day = next(o for *_, o, _, own in runs if trade in {t[0] for t in own})
                history[account, day] = history.get((account, day), 0.0) + signed * 10 / NAV
                orders[trade] = (account, left - signed)
                if not orders[trade][1]:
                    orders.pop(trade)
        if lines:
            assert send(ledger, store, tmp_path, lines).new == len(lines)
            assert send(ledger, store, tmp_path, lines, actor="another").new == 0
    for *_, on, accounts, _ in runs:
        opened |= dict.fromkeys(accounts, on)

    told = derive(ledger, store, FIRST + dt.timedelta(days=30))
    found = {row["account_id"]: row["opened"] for row in told["positions"].to_pylist()}
    assert found == opened
    assert {r["account_id"]: r["last_views"] for r in told["views"].to_pylist()} == {
        a: f"sign of {on}" for a, on in opened.items()
    }
    left = {r["trade_id"]: (r["account_id"], r["quantity"]) for r in told["orders"].to_pylist()}
    assert left == orders
    traded = {(r["account_id"], r["date"]): r["weight"] for r in told["history"].to_pylist()}
    assert traded == pytest.approx(history)
    again = derive(ledger, store, FIRST + dt.timedelta(days=30))
    assert all(told[name].equals(again[name]) for name in told)


def test_a_day_sees_only_what_came_before_it(sqlite_ledger, store):
    release_made_up(sqlite_ledger, store, "a" * 64, FIRST, ["1"], [("t", "1", "buy", 2.0)])
    before, after = (derive(sqlite_ledger, store, FIRST + dt.timedelta(days=d)) for d in (0, 1))
    assert [len(before[name]) for name in ("positions", "orders", "views")] == [0, 0, 0]
    assert [len(after[name]) for name in ("positions", "orders", "views")] == [1, 1, 1]


def test_a_refused_account_keeps_what_was_said_of_it(sqlite_ledger, store):
    release_made_up(sqlite_ledger, store, "a" * 64, FIRST, ["1", "2"], [])
    release_made_up(sqlite_ledger, store, "b" * 64, FIRST + dt.timedelta(days=1), ["2"], [], refused=["1"])
    told = derive(sqlite_ledger, store, FIRST + dt.timedelta(days=2))["positions"]
    opened = {r["account_id"]: r["opened"] for r in told.to_pylist()}
    assert opened == {"1": FIRST, "2": FIRST + dt.timedelta(days=1)}


def test_extensions_are_those_in_force(sqlite_ledger, store):
    """Signed by somebody else, not ended, and bytes that say an extension: what waits or ended moves no clock."""
    until = dt.date(2026, 12, 31)
    for name, account, ends in (
        ("one", "007", False),
        ("all", "*", False),
        ("gone", "008", True),
        ("open", "009", None),
    ):
        data = extension_bytes(account, "GOLD", "over", until)
        put(store, data)
        submit(sqlite_ledger, "ann", f"extension/{name}", data)
        if ends is not None:
            approve(sqlite_ledger, "ben", f"extension/{name}", data)
        if ends:
            expire(sqlite_ledger, "cat", f"extension/{name}", because="over")
    noise = put(store, b"[1]")
    assert noise
    submit(sqlite_ledger, "ann", "extension/noise", b"[1]")
    approve(sqlite_ledger, "ben", "extension/noise", b"[1]")
    told = derive(sqlite_ledger, store, FIRST)["extensions"].to_pylist()
    base = {"asset_id": "GOLD", "side": "over", "extended_until": until}
    assert told == [
        {"account_id": "*", **base, "approval": "extension/all"},
        {"account_id": "007", **base, "approval": "extension/one"},
    ]


def test_every_table_that_a_run_writes_as_a_book_reads_it_is_carried():
    assert "positions" in CARRIED
    assert not {"accounts", "trades", "targets", "timings", "orders", "history"} & set(CARRIED)


def test_a_release_that_nobody_approved_moves_no_clock(sqlite_ledger, store):
    version = release_made_up(sqlite_ledger, store, "a" * 64, FIRST, ["1"], [("t", "1", "buy", 2.0)])
    withdraw_made_up(sqlite_ledger, "a" * 64, version)
    assert not released_runs(sqlite_ledger, store)
    assert len(released_runs(sqlite_ledger, store, withdrawn=True)) == 1


BAD = [
    ("x,1,10,0,,", "UNKNOWN_TRADE", "trade_id"),
    ("t,3,10,0,,", "OVERFILLED", "quantity"),
    ("t,0,10,0,,", "BAD_QUANTITY", "quantity"),
    ("t,-1,10,0,,", "BAD_QUANTITY", "quantity"),
    ("t,nan,10,0,,", "BAD_QUANTITY", "quantity"),
    ("t,1,0,0,,", "BAD_PRICE", "price"),
    ('t,1,"1,000",0,,', "BAD_PRICE", "price"),
    ("t,1,10,-1,,", "BAD_COST", "cost"),
    ("t,1,10,0,,done", "BAD_STATUS", "status"),
    ("t,1,10,0,,cancelled", "BAD_QUANTITY", "quantity"),
]


@pytest.mark.parametrize(("line", "code", "field"), BAD, ids=[line for line, *_ in BAD])
def test_a_fill_that_cannot_be_is_refused_and_nothing_recorded(sqlite_ledger, store, tmp_path, line, code, field):
    release_made_up(sqlite_ledger, store, "a" * 64, FIRST, ["1"], [("t", "1", "buy", 2.0), ("u", "1", "buy", 2.0)])
    with pytest.raises(BookError) as refused:
        send(sqlite_ledger, store, tmp_path, ["u,1,10,0,,", line])
    assert (refused.value.code, refused.value.field, refused.value.table) == (code, field, "fills")
    assert send(sqlite_ledger, store, tmp_path, ["u,1,10,0,,"]).new == 1  # nothing of the refused table stands


def test_fills_that_contradict_what_stands_are_refused(sqlite_ledger, store, tmp_path):
    release_made_up(sqlite_ledger, store, "a" * 64, FIRST, ["1"], [("t", "1", "sell", 5.0)])
    send(sqlite_ledger, store, tmp_path, ["t,1,10,0,one,"])
    for lines, code in (
        (["t,1,11,0,one,"], "FILL_CHANGED"),
        (["t,1,10,0,two,", "t,1,10,0,two,"], "FILL_TWICE"),
        (["t,5,10,0,two,"], "OVERFILLED"),
    ):
        with pytest.raises(BookError) as refused:
            send(sqlite_ledger, store, tmp_path, lines)
        assert refused.value.code == code
    assert send(sqlite_ledger, store, tmp_path, ["t,1,10,0,one,", "t,0,0,0,rest,cancelled"]).new == 1
    told = derive(sqlite_ledger, store, FIRST + dt.timedelta(days=1))
    assert not len(told["orders"])
    assert told["history"]["weight"].to_pylist() == [-1 * 10 / NAV]
    with pytest.raises(BookError, match="was cancelled before"):
        send(sqlite_ledger, store, tmp_path, ["t,1,10,0,two,"])
