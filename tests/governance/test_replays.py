"""A past decision made again is the same to the last bit; what differs from that day is named."""

import random
import shutil

import pytest

from trimtab.demo import ON, book_path
from trimtab.errors import EntryRefused, LedgerBroken
from trimtab.governance import environments, replays
from trimtab.governance.governed_runs import run_governed
from trimtab.governance.ledgers import create_ledger
from trimtab.governance.replays import recall, replay, replay_account
from trimtab.governance.sealings import find_sealed
from trimtab.governance.snapshots import fetch, locate, make_store

PLAIN = """
[objective]
risk_aversion = 6.0
[risk]
periods_per_year = 12
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "tracking_error"
most = 0.02
"""
SLOWED = PLAIN + '[run]\nmax_participation = 0.003\non_participation = "slow"\n'


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A ledger with two runs of February, one of them slowed as a desk, and newer data since; nobody writes into it."""
    folder = tmp_path_factory.mktemp("sealed")
    ledger, store = create_ledger(folder / "ledger.db"), make_store(folder / "store")
    book, runs = shutil.copytree(book_path(), folder / "book"), {}
    lines = (book / "holdings.csv").read_text().splitlines()
    lines.append("036,NOTHING,5")  # an account that is refused
    (book / "holdings.csv").write_text("\n".join(lines) + "\n")
    for name, text in (("plain", PLAIN), ("slowed", SLOWED)):
        (folder / f"{name}.toml").write_text(text)
        done, _ = run_governed(ledger, store, book, folder / f"{name}.toml", ON, folder / name, "ann", workers=1)
        runs[name] = done
    (book / "holdings.csv").write_text("account_id,asset_id,quantity\n001,USMKT,1\n")
    shutil.rmtree(folder / "plain")
    yield ledger, store, runs, folder
    ledger.close()


@pytest.mark.parametrize("name", ["plain", "slowed"])
def test_accounts_drawn_at_random_are_decided_again_to_the_bit(sealed, name):
    ledger, store, runs, _ = sealed
    recalled = recall(ledger, store, runs[name].run_id)
    assert bool(recalled.said["parts"]) == (name == "slowed")  # else the second round is not tried
    for account in random.Random(6).sample([f"{i:03d}" for i in range(1, 36)], 8):
        found = replay_account(recalled, account)
        assert found.same_bits, found
        assert found.holds
        assert not found.differences
        assert found.apart == 0.0
        assert len(found.weights)
    recalled.folder.cleanup()


def test_an_account_that_was_refused_is_refused_again(sealed):
    ledger, store, runs, _ = sealed
    found = replay(ledger, store, runs["plain"].run_id[:10], "036")
    assert found.outcome == ("QUARANTINED", "QUARANTINED")
    assert found.same_bits
    with pytest.raises(EntryRefused, match="no account 'nobody'"):
        replay(ledger, store, runs["plain"].run_id, "nobody")
    with pytest.raises(EntryRefused, match="no run"):
        replay(ledger, store, "f" * 64, "001")
    with pytest.raises(EntryRefused, match="the ledger has no run"):
        replay(ledger, store, "", "001")


def test_what_differs_is_named(sealed, monkeypatch):
    ledger, store, runs, _ = sealed
    monkeypatch.setattr(environments, "lock", lambda: b"python==4.0\nclarabel==9\n")
    told = environments.machine() | {"blas": "another"}
    monkeypatch.setattr(environments, "machine", lambda: told)
    found = replay(ledger, store, runs["plain"].run_id, "001")
    assert found.same_bits  # only the names were changed
    said = "; ".join(found.differences)
    for words in ("clarabel was 0.", "and is 9", "python was 3.", "the blas of the machine is another"):
        assert words in said


@pytest.mark.parametrize(("apart", "named", "holds"), [(0.9e-7, 1, True), (1.1e-7, 1, False), (0.9e-7, 0, False)])
def test_near_is_enough_only_where_something_differs(sealed, monkeypatch, apart, named, holds):
    ledger, store, runs, _ = sealed
    recalled = recall(ledger, store, runs["plain"].run_id)
    real = replays.decide_chunk

    def other(*given):
        decided = real(*given)
        table = decided.tables["targets"]
        moved = [w + apart for w in table["target"].to_pylist()]
        at = table.column_names.index("target")
        decided.tables["targets"] = table.set_column(at, table.schema.field("target"), [moved])
        return decided

    monkeypatch.setattr(replays, "decide_chunk", other)
    object.__setattr__(recalled, "differences", ("numpy was 2 and is 3",) * named)
    found = replay_account(recalled, "001")
    assert (found.same_bits, found.holds) == (False, holds)
    assert ("NOT confirmed" in str(found)) is not holds
    recalled.folder.cleanup()


def test_a_changed_snapshot_is_never_replayed(sealed, tmp_path):
    ledger, _, runs, folder = sealed
    copy = make_store(shutil.copytree(folder / "store", tmp_path / "store", copy_function=shutil.copy2))
    found = find_sealed(ledger, copy, runs["plain"].run_id)
    for digest in (found.inputs.policy, found.inputs.tables["holdings"][0].sha256, found.tables["targets"][0]):
        path = locate(copy, digest)
        whole = fetch(copy, digest)
        path.write_bytes(whole[:-2] + b"9" + whole[-1:])
        shutil.rmtree(copy.path / "inputs")
        (copy.path / "inputs").mkdir(mode=0o700)
        with pytest.raises(LedgerBroken, match="was changed"):
            replay(ledger, copy, runs["plain"].run_id, "001")
        path.write_bytes(whole)
    assert replay(ledger, copy, runs["plain"].run_id, "001").same_bits
