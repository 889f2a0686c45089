"""The other verbs by the command line: confidences, edits, endings and reviews, and people who sign what they do."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from trimtab.demo import ON


def approved_desk(desk):
    """Have the policy and the tables of views approved."""
    for thing in ("policy.toml", "book/views.csv", "book/tilts.csv"):
        desk("submit", thing, "--as", "ann", "--because", "the committee of February")
        desk("approve", thing, "--as", "ben")


def rebalance(desk, on=ON, out="run", **how):
    return desk("rebalance", "book", "--policy", "policy.toml", "--on", on, "--out", out, "--as", "ann",
                "--workers", 1, **how)  # fmt: skip


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)  # nothing here is the database's
def test_a_confidence_that_two_agreed_to_reaches_the_next_run_and_none_before(desk):
    """One proposes how far sources are trusted, another approves: then, not before, their views are believed less."""
    approved_desk(desk)
    views = pd.read_csv("book/views.csv", dtype=str)
    author, view = views.author.iloc[0], views.view_id.iloc[1]
    Path("learnt.csv").write_text(f"source,scale,approved_by,because\n{author},0.5,,9 of 20\n{view},0,,2 of 20\n")
    desk("submit", "learnt.csv", "--as", "ann", "--because", "what came of it in a year")

    def believed(out):
        rebalance(desk, ON, out)
        rows = pd.read_parquet(f"{out}/views.parquet")
        return rows.dropna(subset=["confidence"]).drop_duplicates("view_id").set_index("view_id")["confidence"]

    before = believed("before")
    assert "ask somebody else" in desk("approve", "learnt.csv", "--as", "ann", status=2)
    desk("approve", "learnt.csv", "--as", "ben")
    after = believed("after")
    stated = views.set_index("view_id").confidence.astype(float)
    for name, was in before.items():
        scale = 0.0 if name == view else 0.5 if views.set_index("view_id").author[name] == author else 1.0
        assert was == pytest.approx(stated[name])
        assert after.get(name, 0.0) == pytest.approx(scale * was), name
    assert after.sum() < before.sum()
    inputs = Path(json.loads(Path("after/run.json").read_text())["book"])
    told = pd.read_parquet(inputs / "confidences.parquet").set_index("source")
    assert list(told.approved_by) == ["ben", "ben"]
    assert told.approval[author].startswith("confidence/learnt ")
    desk("submit", "after", "--as", "ann")
    desk("approve", "after", "--as", "ben")
    desk("withdraw", "learnt.csv", "--as", "ann", "--because", "the sample was wrong")
    assert f"the run trusted {', '.join(sorted((author, view)))} otherwise" in " ".join(
        desk("release", "after", "--as", "ann", status=2).split()
    )
    desk("submit", "learnt.csv", "--as", "ann")
    desk("approve", "learnt.csv", "--as", "cid")  # the same rows, in force again
    assert "released" in desk("release", "after", "--as", "ann")


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)  # nothing here is the database's
def test_confidences_that_nobody_approved_let_no_run_out(desk):
    approved_desk(desk)
    author = pd.read_csv("book/views.csv", dtype=str).author.iloc[0]
    Path("book/confidences.csv").write_text(f"source,scale,approved_by\n{author},0.5,ann\n")
    rebalance(desk)
    desk("submit", "run", "--as", "ann")
    desk("approve", "run", "--as", "ben")
    assert f"trusted {author} otherwise" in " ".join(desk("release", "run", "--as", "ann", status=2).split())
    Path("bad.csv").write_text(f"source,scale,approved_by\n{author},11,\n")
    assert "nobody has to approve it" in desk("submit", "book/accounts.csv", "--as", "ann", status=2)
    assert "10 at most" in desk("submit", "bad.csv", "--as", "ann", status=2)
    desk("submit", "book/confidences.csv", "--as", "ann")
    desk("approve", "book/confidences.csv", "--as", "ben")
    assert "released" in desk("release", "run", "--as", "ann")


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)  # nothing here is the database's
def test_what_was_approved_can_be_edited_ended_and_looked_back_on(desk):
    """Every verb of the states is a command: edit, revert, expire, review and complete too."""
    policy = Path("policy.toml")
    mandate = policy.read_text()
    desk("submit", policy, "--as", "ann")
    desk("approve", policy, "--as", "ben")
    policy.write_text(mandate + "# more\n")
    assert "1 other person has to approve" in desk("edit", policy, "--as", "cid", "--because", "a remark")
    assert "ask somebody else" in desk("approve", policy, "--as", "cid", status=2)
    desk("approve", policy, "--as", "ben")
    assert "cid reverts policy" in desk("revert", policy, "--as", "cid", "--because", "no remark")
    policy.write_text(mandate)
    assert "HELD" not in rebalance(desk)
    assert "ends the approvals of" in desk("expire", policy, "--as", "cid", "--because", "the mandate ends")
    assert "to be submitted" in desk("edit", policy, "--as", "cid", "--because", "anew")
    desk("submit", "run", "--as", "ann")
    for who in ("ben", "cid"):
        desk("override", "run", "--as", who, "--because", "markets close", "--review", f"{datetime.now(UTC):%Y-%m-%d}")
    desk("release", "run", "--as", "ann")
    assert "gave the override" in desk("review", "run", "--as", "ben", "--because", "fine", status=2)
    assert "review of an override" in desk("ledger", "calendar", "run")
    desk("review", "run", "--as", "dan", "--because", "it was right")
    assert "review of an override" not in desk("ledger", "calendar", "run")
    assert "no override of run/" in desk("review", "run", "--as", "dan", "--because", "again", status=2)
    desk("complete", "run", "--as", "ann")
    assert "is sealed" in desk("withdraw", "run", "--as", "ann", "--because", "too late", status=2)


def test_people_with_keys_act_by_them_and_a_forged_approval_releases_nothing(desk, where):
    from trimtab.governance import Draft, append, open_ledger
    from trimtab.governance.gates import read_candidate

    def signed(who):
        return ("--as", who, "--sign", f"{who}.key")

    for who, by in (("ann", "ben"), ("ben", "cid")):
        desk("ledger", "key", f"{who}.key")
        desk("submit", f"{who}.key.pub", "--as", who)
        desk("approve", f"{who}.key.pub", "--as", by)
    assert "was not signed by it" in desk("submit", "policy.toml", "--as", "ann", status=2)
    for thing in ("policy.toml", "book/views.csv", "book/tilts.csv"):
        desk("submit", thing, *signed("ann"))
        desk("approve", thing, *signed("ben"))
    desk("rebalance", "book", "--policy", "policy.toml", "--on", ON, "--out", "run", *signed("ann"), "--workers", 1)
    desk("submit", "run", *signed("ann"))
    run = read_candidate("run")
    until = {"until": "2099-01-01T00:00:00.000000Z", "people": 1}
    with open_ledger(where) as opened:  # as somebody does who may insert, and says he is ben
        (forged,) = append(opened, [Draft("ben", "approve", run.subject, until, run.version)])
    assert "has 0 of 1 approvals" in desk("release", "run", *signed("ann"), status=2)
    told = desk("ledger", "verify", status=3)
    assert f"Record {forged.sequence}: ben did not sign this approve; it does not count." in told
    assert "is that of ben" in desk("approve", "run", "--as", "cid", "--sign", "ben.key", status=2)
    desk("approve", "run", *signed("ben"))
    assert "released: 3 accounts" in desk("release", "run", *signed("ann"))
    desk("ledger", "export", "--out", "records")
    acts = pd.read_csv("records/acts.csv", dtype=str).set_index("sequence")
    assert acts.signed[str(forged.sequence)] == "no"
    assert (acts.signed[acts.act.isin(["submit", "release", "seal"])] == "yes").all()
    desk("ledger", "prove", "run", "001", "--out", "proof.json")
    body = {"root": "0" * 64, "snapshot": "0" * 64, "policy": "0" * 64}
    with open_ledger(where) as opened:  # nor does a seal that ann did not sign change what the run said
        append(opened, [Draft("ann", "seal", run.subject, body, run.version)])
    assert "Proved" in desk("ledger", "prove", "--check", "proof.json")
    desk("ledger", "prove", "run", "001", "--out", "again.json")
    assert Path("again.json").read_text() == Path("proof.json").read_text()
