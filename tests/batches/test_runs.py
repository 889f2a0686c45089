import hashlib
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from trimtab.batches import chunks, desks, read_book, run, runs, stores
from trimtab.constraints import read_policy
from trimtab.demo import ON
from trimtab.errors import AccountError, BookError, RunError, StatementError
from trimtab.models import Tilt

TABLES = ("accounts", "targets", "trades", "quarantine", "timings")


ACCOUNTS = """account_id model_id outcome code reason nav turnover cost tracking_error expected_gain utility gap
certified_te given_up binding relaxed"""


def bytes_of(path):
    return {name: (path / f"{name}.parquet").read_bytes() for name in TABLES if name != "timings"}


def test_every_account_ends_in_one_outcome(plain_run):
    assert sum(plain_run.counts.values()) == 8
    assert set(plain_run.counts) == {"OPTIMAL", "RELAXED", "HELD", "UNSOLVED", "QUARANTINED"}
    accounts = plain_run.table("accounts")
    assert list(accounts["account_id"]) == [f"{i:03d}" for i in range(1, 9)]
    assert dict(accounts["outcome"].value_counts()) == {k: v for k, v in plain_run.counts.items() if v}
    assert (accounts["certified_te"] <= 1e-5).all()


def test_the_tables_are_those_of_the_contract(plain_run):
    assert {p.name for p in plain_run.path.iterdir()} == {*(f"{t}.parquet" for t in TABLES), "run.json"}
    for name in TABLES:
        table = pq.read_table(plain_run.path / f"{name}.parquet", page_checksum_verification=True)
        assert table.schema.equals(stores.SCHEMAS[name])
        assert list(pd.read_parquet(plain_run.path / f"{name}.parquet").columns) == stores.SCHEMAS[name].names
    assert list(plain_run.table("accounts").columns) == ACCOUNTS.split()
    assert list(plain_run.table("targets").columns) == (
        ["account_id", "asset_id", "current", "strategic", "tactical", "ideal", "target", "low", "high"]
    )
    assert list(plain_run.table("trades").columns) == (
        ["trade_id", "account_id", "asset_id", "side", "quantity", "value", "weight", "cost", "reason"]
    )
    assert list(plain_run.table("quarantine").columns) == ["account_id", "code", "field", "value", "message"]


def test_targets_are_current_plus_trades(plain_run):
    targets, trades = plain_run.table("targets"), plain_run.table("trades")
    assert len(targets) == 8 * 16
    sums = targets.groupby("account_id")[["current", "strategic", "tactical", "ideal", "target"]].sum()
    assert np.abs(sums - 1).max().max() < 1e-9
    both = targets.merge(trades, on=["account_id", "asset_id"], how="left").fillna({"weight": 0.0})
    risky = both[both["asset_id"] != "CASH"]
    assert np.abs(risky["target"] - risky["current"] - risky["weight"]).max() < 1e-12
    assert (trades["quantity"] > 0).all()
    assert (trades["value"] > 0).all()
    assert ((trades["side"] == "buy") == (trades["weight"] > 0)).all()
    assert trades["trade_id"].is_unique
    assert len(trades) > 0


def test_binding_lists_are_json_without_the_assets_that_are_simply_not_held(plain_run):
    lists = [json.loads(text) for text in plain_run.table("accounts")["binding"]]
    assert any(lists)
    for one in (b for each in lists for b in each):
        assert set(one) == {"limit", "bound", "used", "on"}
        assert one["limit"] != "long_only"
    assert set(plain_run.table("accounts")["relaxed"]) == {"[]"}


def test_the_seal_holds_digests_of_everything(plain_run):
    seal = json.loads((plain_run.path / "run.json").read_text())
    assert seal["run_id"] == plain_run.run_id
    assert seal["sealed"] is True
    assert seal["blocked"] is False
    assert seal["counts"] == dict(plain_run.counts)
    assert {"python", "cvxpy", "clarabel", "numpy"} <= set(seal["inputs"]["versions"])
    for name, told in seal["tables"].items():
        data = (plain_run.path / f"{name}.parquet").read_bytes()
        assert told["sha256"] == hashlib.sha256(data).hexdigest()
        assert told["rows"] == len(plain_run.table(name))


def test_the_same_inputs_in_another_folder_give_the_same_bytes(plain_run, book, mandate, tmp_path):
    again = run(book, mandate, ON, tmp_path / "deep" / "out")
    assert again.fresh
    assert again.run_id == plain_run.run_id
    assert bytes_of(again.path) == bytes_of(plain_run.path)


def test_a_finished_run_is_not_done_again(plain_run, book, mandate, monkeypatch):
    def nobody(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "_decide_all", nobody)
    again = run(book, mandate, ON, plain_run.path)
    assert not again.fresh
    assert replace(again, fresh=True) == plain_run


@pytest.fixture
def finished(plain_run, tmp_path):
    """A copy of the plain run that a test may spoil."""
    return shutil.copytree(plain_run.path, tmp_path / "finished")


def test_another_run_keeps_its_folder(book, mandate, finished):
    with pytest.raises(RunError, match="holds another run"):
        run(book, mandate, "2017-03-01", finished)
    with pytest.raises(RunError, match="holds another run"):
        run(book, mandate, ON, finished, overlay=Tilt(aversion=1.1))


def test_a_changed_table_is_told(book, mandate, finished):
    path = finished / "trades.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)
    path.unlink()
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)


def test_a_flipped_bit_does_not_reach_a_reader(plain_run, finished):
    path = finished / "targets.parquet"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        replace(plain_run, path=finished).table("targets")


def test_an_interrupted_run_is_done_again(book, mandate, tmp_path, plain_run, monkeypatch):
    out, done = tmp_path / "out", []

    def stop(count, total):
        done.append((count, total))
        if count == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(book, mandate, ON, out, progress=stop)
    assert done == [(1, 8), (2, 8), (3, 8)]
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == set()
    with pytest.raises(RunError, match="unfinished run of other inputs"):
        run(book, mandate, "2017-03-01", out)
    again = run(book, mandate, ON, out)
    assert again.fresh
    assert bytes_of(out) == bytes_of(plain_run.path)
    assert not list(out.glob(".*"))


def test_a_folder_of_something_else_is_left_alone(book, mandate, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="files that are no run"):
        run(book, mandate, ON, tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="not written by trimtab"):
        run(book, mandate, ON, tmp_path)
    with pytest.raises(RunError, match="not a folder"):
        run(book, mandate, ON, tmp_path / "notes.txt")
    with pytest.raises(RunError):
        run(book, mandate, ON, tmp_path / "notes.txt" / "below")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")
def test_a_link_is_not_followed(book, mandate, tmp_path, finished):
    (tmp_path / "link").symlink_to(finished)
    with pytest.raises(RunError, match="not a folder"):
        run(book, mandate, ON, tmp_path / "link")


def test_a_bad_shared_input_writes_nothing(book, mandate, tmp_path):
    (book / "views.csv").write_text("view_id,about,gain,confidence\nV,equity - bond,0.01,0.5\n")
    with pytest.raises(ValueError, match="did you mean 'bonds'"):
        run(book, mandate, ON, tmp_path / "out")
    (book / "views.csv").write_bytes(b"")
    with pytest.raises(BookError):
        run(book, mandate, ON, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def only(rows, write, book, *names):
    for table in ("accounts", "holdings", "restrictions"):
        old = rows(book, table)
        write(book, table, [old[0], *(r for r in old[1:] if r[0] in names)])


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), ValueError("y"), np.linalg.LinAlgError("z"), StatementError("s")]
)
def test_a_computation_that_fails_is_one_accounts_outcome(book, mandate, tmp_path, rows, write, monkeypatch, error):
    only(rows, write, book, "001", "002")
    decide = chunks.decide

    def sometimes(problem, account, belief, on):
        if account.id == "001":
            raise error
        return decide(problem, account, belief, on)

    monkeypatch.setattr(chunks, "decide", sometimes)
    done = run(book, mandate, ON, tmp_path / "out")
    assert (done.counts["UNSOLVED"], done.counts["OPTIMAL"]) == (1, 1)
    row = done.table("accounts").iloc[0]
    assert type(error).__name__ in row["reason"]
    own = done.table("targets").query("account_id == '001'")
    assert len(own) == 16
    assert (own["target"] == own["current"]).all()
    assert (own["ideal"] == own["current"]).all()


def test_a_fault_of_ours_is_not_hidden(book, mandate, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "decide", lambda *_: {}["gone"])
    with pytest.raises(KeyError):
        run(book, mandate, ON, tmp_path / "out")
    assert not (tmp_path / "out" / "run.json").exists()


def test_an_account_that_cannot_even_be_posed_is_quarantined(book, mandate, tmp_path, rows, write, monkeypatch):
    only(rows, write, book, "001")

    def broken(*_):
        raise FloatingPointError("overflow")

    monkeypatch.setattr(chunks, "decide", broken)
    monkeypatch.setattr(chunks, "hold", broken)
    done = run(book, mandate, ON, tmp_path / "out")
    assert done.counts["QUARANTINED"] == 1
    assert done.table("quarantine")["code"].tolist() == ["FAILED"]


@pytest.mark.parametrize(
    ("wire", "blocked"), [("max_quarantined = 0.2", True), ("max_quarantined = 0.5", False), ("", False)]
)
def test_a_tripwire_blocks_a_sealed_run(book, mandate, tmp_path, rows, write, append, wire, blocked):
    only(rows, write, book, "001", "002")
    append(book, "holdings", ["002", "X", "1"])
    policy = tmp_path / "policy.toml"
    policy.write_text(mandate.read_text() + f"\n[run]\n{wire}\n")
    done = run(book, policy, ON, tmp_path / "out")
    assert done.blocked is blocked
    assert bool(done.why) is blocked
    assert run(book, policy, ON, tmp_path / "out").blocked is blocked
    assert json.loads((tmp_path / "out" / "run.json").read_text())["blocked"] is blocked


def test_a_book_without_accounts_still_makes_every_table(book, mandate, tmp_path, rows, write):
    only(rows, write, book)
    done = run(book, mandate, ON, tmp_path / "out")
    assert sum(done.counts.values()) == 0
    for name in TABLES:
        assert pq.read_schema(done.path / f"{name}.parquet").equals(stores.SCHEMAS[name])


def test_accounts_that_may_not_trade_are_held(book, mandate, tmp_path, rows, write):
    only(rows, write, book, "001", "002")
    table = rows(book, "accounts")
    write(book, "accounts", [table[0], [*table[1][:3], "blocked"], [*table[2][:3], "closed"]])
    done = run(book, mandate, ON, tmp_path / "out")
    assert done.counts["HELD"] == 2
    targets = done.table("targets")
    assert len(targets) == 32
    assert (targets["target"] == targets["current"]).all()
    assert done.table("accounts")["reason"].str.contains("blocked|closed").all()


def test_tactical_targets_are_solved_once_a_model_and_aversion(book, mandate, tmp_path, monkeypatch):
    asked = []
    real = desks.tactical_target

    def counted(problem, model, aversion, belief):
        asked.append((model, aversion))
        return real(problem, model, aversion, belief)

    monkeypatch.setattr(desks, "tactical_target", counted)
    run(book, mandate, ON, tmp_path / "out")
    assert len(asked) == len(set(asked)) <= 4


def test_a_row_group_of_any_length_holds_the_same_rows(book, mandate, tmp_path, plain_run, monkeypatch):
    monkeypatch.setattr(runs, "CHUNK", 3)
    done = run(book, mandate, ON, tmp_path / "out")
    for name in TABLES[:4]:
        pd.testing.assert_frame_equal(done.table(name), plain_run.table(name))


def test_the_run_id_follows_every_input(book, mandate, tmp_path, monkeypatch):
    from trimtab.batches import seals

    def name(on=ON, overlay=None, folder=book, policy=mandate):
        read = read_book(folder)
        return seals.run_id(
            seals.inputs(read, read.policy(read_policy(policy)), pd.Timestamp(on).date(), overlay or Tilt())
        )

    first = name()
    assert name(folder=shutil.copytree(book, tmp_path / "copy")) == first
    assert name(on="2017-03-01") != first
    with monkeypatch.context() as patched:
        patched.setattr(seals, "code", lambda: "another build of the same version")
        assert name() != first
    assert name(overlay=Tilt(aversion=1.01)) != first
    other = tmp_path / "other.toml"
    other.write_text(mandate.read_text().replace("0.30", "0.31"))
    assert name(policy=other) != first
    with (book / "views.csv").open("a") as file:
        file.write("\n")
    assert name() != first


def test_a_full_disk_is_told_and_the_run_resumes(book, mandate, tmp_path, plain_run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(runs, "write_rows", full)
        with pytest.raises(RunError, match="No space left on device; the same command"):
            run(book, mandate, ON, tmp_path / "out")
    assert bytes_of(run(book, mandate, ON, tmp_path / "out").path) == bytes_of(plain_run.path)


def test_no_table_but_ours(plain_run):
    with pytest.raises(RunError, match="it has accounts"):
        plain_run.table("orders")


def test_the_error_of_a_bad_account_is_its_row(book, mandate, tmp_path, rows, write, monkeypatch):
    only(rows, write, book, "001")

    def refuses(*_):
        raise AccountError("no", code="SOME", table="accounts", field="turnover", value=7)

    monkeypatch.setattr(chunks, "decide", refuses)
    row = run(book, mandate, ON, tmp_path / "out").table("quarantine").iloc[0]
    assert row.to_dict() == {
        "account_id": "001",
        "code": "SOME",
        "field": "turnover",
        "value": "7",
        "message": "no [table accounts, field turnover]",
    }
