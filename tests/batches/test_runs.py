import hashlib
import json
import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from trimtab.batches import chunks, jobs, manifests, read_book, run, runs, stores, workers
from trimtab.batches.allowances import write_parts
from trimtab.constraints import read_policy
from trimtab.demo import ON
from trimtab.errors import AccountError, BookError, RunError, StatementError
from trimtab.models import Tilt
from trimtab.optimizer import tactical

TABLES = ("accounts", "targets", "trades", "quarantine", "timings", "positions", "phases", "breaches")


ACCOUNTS = """account_id model_id outcome code reason nav turnover cost tracking_error expected_gain utility gap
certified_te given_up binding relaxed"""


def bytes_of(path):
    return {
        part.relative_to(path): part.read_bytes()
        for name in TABLES
        if name != "timings"
        for part in sorted((path / f"{name}.parquet").iterdir())
    }


def test_every_account_ends_in_one_outcome(plain_run):
    assert sum(plain_run.counts.values()) == 8
    assert set(plain_run.counts) == {"OPTIMAL", "RELAXED", "HELD", "UNSOLVED", "QUARANTINED"}
    accounts = plain_run.table("accounts")
    assert list(accounts["account_id"]) == [f"{i:03d}" for i in range(1, 9)]
    assert dict(accounts["outcome"].value_counts()) == {k: v for k, v in plain_run.counts.items() if v}
    assert (accounts["certified_te"] <= 1e-5).all()


def test_the_tables_are_those_of_the_contract(plain_run):
    beside = {"run.json", *stores.BESIDE}
    assert {p.name for p in plain_run.path.iterdir()} == {*(f"{t}.parquet" for t in TABLES), *beside}
    for name in TABLES:
        table = pq.read_table(plain_run.path / f"{name}.parquet", page_checksum_verification=True)
        assert table.schema.equals(stores.SCHEMAS[name])
        assert [p.name for p in (plain_run.path / f"{name}.parquet").iterdir()] == ["part-00000.parquet"]
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
        data = (plain_run.path / f"{name}.parquet" / "part-00000.parquet").read_bytes()
        part = {"rows": told["rows"], "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert told["parts"] == {"part-00000.parquet": part}
        assert told["rows"] == len(plain_run.table(name))


def test_the_same_inputs_in_another_folder_give_the_same_bytes(plain_run, book, mandate, tmp_path):
    again = run(book, mandate, ON, tmp_path / "deep" / "out")
    assert again.fresh
    assert again.run_id == plain_run.run_id
    assert bytes_of(again.path) == bytes_of(plain_run.path)


def test_a_finished_run_is_not_done_again(plain_run, book, mandate, monkeypatch):
    def nobody(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "_carry_out", nobody)
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
    path = finished / "trades.parquet" / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)
    path.unlink()
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)
    path.parent.rmdir()
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)


def test_a_part_too_many_is_told(book, mandate, finished):
    part = finished / "trades.parquet" / "part-00000.parquet"
    shutil.copy(part, part.with_name("part-00001.parquet"))
    with pytest.raises(RunError, match="missing or was changed"):
        run(book, mandate, ON, finished)


def test_a_flipped_bit_does_not_reach_a_reader(plain_run, finished):
    path = finished / "targets.parquet" / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        replace(plain_run, path=finished).table("targets")


def test_an_interrupted_run_goes_on_where_it_stopped(book, mandate, tmp_path, plain_run, monkeypatch):
    out, done, decided = tmp_path / "out", [], []

    def stop(tick):
        done.append(tick.done)
        if tick.done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(book, mandate, ON, out, progress=stop, workers=1, chunk=2)
    assert done == sorted(done)
    assert done[-1] == 4
    assert not (out / "run.json").exists()
    with pytest.raises(RunError, match="unfinished run of other inputs"):
        run(book, mandate, "2017-03-01", out)
    real = jobs.decide_chunk
    monkeypatch.setattr(
        jobs, "decide_chunk", lambda desk, roster, *more: decided.extend(roster.ids) or real(desk, roster, *more)
    )
    again = run(book, mandate, ON, out, workers=1, chunk=5)  # keeps the chunks of its first start
    assert again.fresh
    assert decided in (["003", "004", "005", "006", "007", "008"], ["005", "006", "007", "008"])
    assert_same_rows(again, plain_run)
    assert not list(out.glob(".*"))


def test_progress_counts_to_the_end(book, mandate, tmp_path, append):
    append(book, "holdings", ["002", "X", "1"])
    ticks = []
    run(book, mandate, ON, tmp_path / "out", progress=ticks.append, chunk=3, workers=1)
    assert {tick.total for tick in ticks} == {8}
    assert [t.done for t in ticks] == sorted(t.done for t in ticks)
    assert (ticks[0].done, ticks[-1].done, ticks[-1].quarantined) == (0, 8, 1)


def test_a_folder_of_something_else_is_left_alone(book, mandate, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="files that are no run"):
        run(book, mandate, ON, tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="not written by this version"):
        run(book, mandate, ON, tmp_path)
    with pytest.raises(RunError, match="no folder"):
        run(book, mandate, ON, tmp_path / "notes.txt")
    with pytest.raises(RunError):
        run(book, mandate, ON, tmp_path / "notes.txt" / "below")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")
def test_a_link_is_not_followed(book, mandate, tmp_path, finished):
    (tmp_path / "link").symlink_to(finished)
    with pytest.raises(RunError, match="no folder"):
        run(book, mandate, ON, tmp_path / "link")


def test_a_bad_shared_input_writes_nothing(book, mandate, tmp_path):
    (book / "views.csv").write_text("view_id,about,gain,confidence\nV,equity - bond,0.01,0.5\n")
    with pytest.raises(ValueError, match="did you mean 'bonds'"):
        run(book, mandate, ON, tmp_path / "out")
    (book / "views.csv").write_bytes(b"")
    with pytest.raises(BookError):
        run(book, mandate, ON, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_book_that_cannot_be_cut_writes_nothing(book, mandate, tmp_path, append):
    append(book, "restrictions", ["*", "GOLD", "no_by"])  # of the whole desk
    with pytest.raises(BookError):
        run(book, mandate, ON, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def only(rows, write, book, *names):
    for table in ("accounts", "holdings", "restrictions"):
        old = rows(book, table)
        write(book, table, [old[0], *(r for r in old[1:] if r[0] in names)])


def alone(monkeypatch, decide):
    """Have every account decided by itself, by a stand-in."""

    def fails(*_):
        raise ZeroDivisionError("together")

    monkeypatch.setattr(chunks, "decide_all", fails)
    monkeypatch.setattr(chunks, "decide", decide)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), ValueError("y"), np.linalg.LinAlgError("z"), StatementError("s")]
)
def test_a_computation_that_fails_is_one_accounts_outcome(book, mandate, tmp_path, rows, write, monkeypatch, error):
    only(rows, write, book, "001", "002")
    decide = chunks.decide

    def sometimes(problem, account, belief, on, leg=None):
        if account.id == "001":
            raise error
        return decide(problem, account, belief, on, leg)

    alone(monkeypatch, sometimes)
    done = run(book, mandate, ON, tmp_path / "out")
    assert (done.counts["UNSOLVED"], done.counts["OPTIMAL"]) == (1, 1)
    row = done.table("accounts").iloc[0]
    assert type(error).__name__ in row["reason"]
    own = done.table("targets").query("account_id == '001'")
    assert len(own) == 16
    assert (own["target"] == own["current"]).all()
    assert (own["ideal"] == own["current"]).all()


def test_a_fault_of_ours_is_not_hidden(book, mandate, tmp_path, monkeypatch):
    alone(monkeypatch, lambda *_, **__: {}["gone"])
    with pytest.raises(KeyError):
        run(book, mandate, ON, tmp_path / "out")
    assert not (tmp_path / "out" / "run.json").exists()


def test_an_account_that_cannot_even_be_posed_is_quarantined(book, mandate, tmp_path, rows, write, monkeypatch):
    only(rows, write, book, "001")

    def broken(*_, **__):
        raise FloatingPointError("overflow")

    alone(monkeypatch, broken)
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
        assert pq.read_table(done.path / f"{name}.parquet").schema.equals(stores.SCHEMAS[name])
        assert len(pd.read_parquet(done.path / f"{name}.parquet")) == 0


def test_numbers_that_make_no_sense_are_refused(book, mandate, tmp_path):
    for wrong in ({"chunk": 0}, {"workers": 0}, {"workers": 2, "cluster": "tcp://x:1"}):
        with pytest.raises(RunError):
            run(book, mandate, ON, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


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
    real = tactical._solve

    def counted(shared, model, aversions, belief):
        asked.extend((model, float(aversion)) for aversion in aversions)
        return real(shared, model, aversions, belief)

    monkeypatch.setattr(tactical, "_solve", counted)
    run(book, mandate, ON, tmp_path / "out", workers=1, chunk=3)
    assert len(asked) == len(set(asked)) <= 4


def assert_same_rows(one, other):
    for name in TABLES[:4]:
        pd.testing.assert_frame_equal(one.table(name), other.table(name), check_exact=True)


@pytest.mark.parametrize("chunk", [1, 3, 7, 8])
def test_a_chunk_of_any_size_holds_the_same_rows(book, mandate, tmp_path, plain_run, chunk):
    done = run(book, mandate, ON, tmp_path / "out", chunk=chunk, workers=1)
    assert done.run_id == plain_run.run_id
    assert_same_rows(done, plain_run)
    names = [p.name for p in sorted((done.path / "accounts.parquet").iterdir())]
    assert names == [f"part-{i:05d}.parquet" for i in range(-(-8 // chunk))]


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
    out, real, written = tmp_path / "out", jobs.write_part, []

    def full(*arguments):
        written.append(arguments[1])
        if len(written) > 6:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "write_part", full)
        with pytest.raises(RunError, match="No space left on device; the same command resumes"):
            run(book, mandate, ON, out, chunk=3, workers=1)
    kept = (out / "accounts.parquet" / "part-00000.parquet").stat().st_mtime_ns
    assert not list(out.glob("*.parquet/.*"))
    assert_same_rows(run(book, mandate, ON, out), plain_run)
    # What was done is not done again.
    assert (out / "accounts.parquet" / "part-00000.parquet").stat().st_mtime_ns == kept


def test_a_full_disk_under_the_manifest_is_told(book, mandate, tmp_path, plain_run, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(manifests, "_mark", full)
        with pytest.raises(RunError, match="disk is full; the same command resumes"):
            run(book, mandate, ON, tmp_path / "out")
    assert_same_rows(run(book, mandate, ON, tmp_path / "out"), plain_run)


@pytest.fixture
def half(book, mandate, tmp_path):
    """A run that stopped after its first two chunks of three."""

    def stop(tick):
        if tick.done > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(book, mandate, ON, tmp_path / "half", progress=stop, chunk=3, workers=1)
    return tmp_path / "half"


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "stray"])
def test_a_damaged_part_is_done_again(half, book, mandate, plain_run, harm):
    part = half / "targets.parquet" / "part-00001.parquet"
    data = bytearray(part.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
    elif harm == "cut":
        part.write_bytes(data[:-7])
    elif harm == "gone":
        part.unlink()
    else:
        (half / "quarantine.parquet").mkdir(exist_ok=True)
        shutil.copy(part, half / "quarantine.parquet" / "part-00001.parquet")
    assert_same_rows(run(book, mandate, ON, half), plain_run)


def test_what_a_dead_writer_left_is_cleared_away(half, book, mandate, plain_run):
    (half / "accounts.parquet" / ".part-1-9.cafe").write_bytes(b"half a part")
    assert_same_rows(run(book, mandate, ON, half), plain_run)
    assert not list(half.rglob(".*"))


def test_a_damaged_manifest_is_told_by_name(half, book, mandate, plain_run):
    path = half / ".work" / "run.sqlite"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(RunError, match=r"run\.sqlite is damaged .*remove .*\.work and the run starts afresh"):
        run(book, mandate, ON, half)
    shutil.rmtree(half / ".work")
    assert_same_rows(run(book, mandate, ON, half), plain_run)


def test_the_input_of_a_chunk_that_was_lost_is_cut_again(half, book, mandate, plain_run):
    shutil.rmtree(half / ".work" / "inputs")
    assert_same_rows(run(book, mandate, ON, half), plain_run)


def test_a_folder_that_cannot_be_written_is_told(book, mandate, tmp_path, monkeypatch):
    def locked(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", locked)
    with pytest.raises(RunError, match="cannot be written: Read-only file system"):
        run(book, mandate, ON, tmp_path / "out")


def test_a_folder_that_goes_away_is_told(book, mandate, tmp_path):
    out = tmp_path / "out"

    def remove(tick):
        if tick.done == 3 and out.exists():
            shutil.rmtree(out)

    with pytest.raises(RunError, match="the same command resumes"):
        run(book, mandate, ON, out, progress=remove, chunk=3, workers=1)
    assert sum(run(book, mandate, ON, out).counts.values()) == 8


def test_some_chunks_may_be_decided_again_and_are_told_why(book, mandate, tmp_path, plain_run, monkeypatch):
    told, words = [], write_parts({"GOLD": (0.5, 1.0, 1e9, 1e9)})

    def heard(desk, job, *more):
        told.append((job.chunk, job.extra))
        return decide(desk, replace(job, extra=""), *more)

    decide = workers.decide_job
    monkeypatch.setattr(runs, "_after", lambda _, __, rounds: runs.Again((1, 2), words) if len(rounds) == 1 else None)
    monkeypatch.setattr(workers, "decide_job", heard)
    done = run(book, mandate, ON, tmp_path / "out", chunk=3, workers=1)
    assert told == [(0, ""), (1, ""), (2, ""), (1, words), (2, words)]
    assert_same_rows(done, plain_run)


def test_no_table_but_ours(plain_run):
    with pytest.raises(RunError, match="it has accounts"):
        plain_run.table("orders")


def test_the_error_of_a_bad_account_is_its_row(book, mandate, tmp_path, rows, write, monkeypatch):
    only(rows, write, book, "001")

    def refuses(*_, **__):
        raise AccountError("no", code="SOME", table="accounts", field="turnover", value=7)

    alone(monkeypatch, refuses)
    row = run(book, mandate, ON, tmp_path / "out").table("quarantine").iloc[0]
    assert row.to_dict() == {
        "account_id": "001",
        "code": "SOME",
        "field": "turnover",
        "value": "7",
        "message": "no [table accounts, field turnover]",
    }
