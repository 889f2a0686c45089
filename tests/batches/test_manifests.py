"""The manifest of a run: leases, tokens, deaths; told by several holders of one file."""

import json
import multiprocessing
import os
import signal
import time

import pytest

from trimtab.batches import accidents, holders, manifests, rounds, stores
from trimtab.batches.manifests import CLOSE, CUT, Claim, Plan
from trimtab.errors import RunError

PARTS = {"accounts": stores.Part(3, 10, "cafe", ".hidden")}
COUNTS = {"OPTIMAL": 2, "QUARANTINED": 1}


@pytest.fixture
def opened(tmp_path):
    """Open the same manifest as a holder of a name; all are closed at the end."""
    contexts = []

    def open_as(holder):
        contexts.append(manifests.open_manifest(tmp_path / "run.sqlite", holder))
        return contexts[-1].__enter__()

    yield open_as
    for context in contexts:
        context.__exit__(None, None, None)


def elsewhere(name):
    """A holder on a machine that cannot be looked at from here."""
    return json.dumps([["another machine", "boot", "space"], 1, "1", name])


@pytest.fixture
def two(opened):
    """Two holders on other machines, and a book of three chunks."""
    one, other = opened(elsewhere("one")), opened(elsewhere("other"))
    assert manifests.lay_out(one, manifests.claim_chunk(one, CUT[0], inside=False), Plan(5, 3, 13, "2026"))
    return one, other


def take(manifest, turn=0, *, inside=False, only=None):
    return manifests.claim_chunk(manifest, turn, inside=inside, only=only)


def lapse(manifest):
    with manifests.changing(manifest) as cursor:
        cursor.execute("update chunks set expires = 1")


def finish(manifest, claim, published=None):
    kept = [] if published is None else published
    return manifests.commit(manifest, claim, lambda: kept.append(claim), COUNTS, PARTS)


def test_a_book_is_cut_by_one_of_them(opened):
    one, other = opened(elsewhere("one")), opened(elsewhere("other"))
    claim = take(one, CUT[0])
    assert take(other, CUT[0]) is None
    assert manifests.read_plan(other) is None
    assert manifests.lay_out(one, claim, Plan(5, 3, 13, "2026"))
    assert manifests.read_plan(other) == Plan(5, 3, 13, "2026")
    assert not manifests.lay_out(one, claim, Plan(6, 3, 13))
    manifests.cut_again(other)
    assert manifests.lay_out(other, take(other, CUT[0]), Plan(6, 9, 99))
    assert manifests.read_plan(one) == Plan(5, 3, 13, "2026")


def test_no_chunk_is_held_twice(two):
    one, other = two
    held = [take(one), take(other), take(one), take(other)]
    assert [c and c.chunk for c in held] == [0, 1, 2, None]


def test_what_is_done_stays_done(two):
    one, other = two
    published = []
    assert finish(one, take(one), published)
    assert len(published) == 1
    assert [d.claim.chunk for d in manifests.done_chunks(other)] == [0]
    assert manifests.done_chunks(other)[0].parts == PARTS
    assert manifests.done_chunks(other)[0].counts == COUNTS
    assert manifests.count_done(other) == (3, 1)
    assert manifests.count_open(other, 0) == 2
    assert take(other).chunk == 1


def test_a_lease_that_lapsed_is_anybodys_and_its_old_token_cannot_commit(two):
    one, other = two
    old = take(one)
    lapse(one)
    new = take(other)
    assert (new.chunk, new.token) == (old.chunk, old.token + 1)
    published = []
    assert not finish(one, old, published)  # a zombie
    assert not published
    manifests.give_back(one, old, 1)  # nor can it give away or accuse
    assert finish(other, new)
    assert not finish(one, old, published)
    assert not published


def test_even_the_same_holder_cannot_commit_an_older_token(two):
    one, _ = two
    old = take(one)
    manifests.give_back(one, old, 0)
    new = take(one)
    assert new.token > old.token
    assert not finish(one, old)
    assert finish(one, new)


def test_a_lease_that_is_renewed_does_not_lapse(two):
    one, other = two
    for _ in range(3):
        take(one)
    lapse(one)
    manifests.renew(one)
    assert take(other) is None


def test_what_cannot_be_published_is_not_done(two):
    one, _ = two
    claim = take(one)

    def full():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        manifests.commit(one, claim, full, COUNTS, PARTS)
    assert manifests.count_open(one, 0) == 3
    assert finish(one, claim)


def test_letting_go_is_no_death(two):
    one, other = two
    take(one, inside=True)
    manifests.let_go(one)
    assert take(other) == Claim(0, 0, 2, 0)


def test_chunks_with_deaths_come_last_and_say_so(two):
    one, other = two
    for _ in range(2):
        claim = take(one, only=0)
        manifests.give_back(one, claim, 1)
    assert [(take(other).chunk), take(other).chunk] == [1, 2]
    assert take(other) == Claim(0, 0, 3, 2)


def test_who_decides_itself_and_lapses_has_died_in_the_company_of_its_chunk(two):
    one, other = two
    take(one, inside=True)
    take(one, inside=False)
    lapse(one)
    assert {(c.chunk, c.deaths) for c in (take(other), take(other), take(other))} == {(0, 1), (1, 0), (2, 0)}


def test_a_second_round_replaces_what_the_first_left(two):
    one, other = two
    while claim := take(one):
        finish(one, claim)
    close = take(one, only=CLOSE)
    assert take(other, only=CLOSE) is None
    assert manifests.open_round(one, close, [2, 1, 2], "slower")
    assert not manifests.open_round(one, close, [0], "again")
    assert manifests.read_rounds(other) == ["", "slower"]
    assert [d.claim.chunk for d in manifests.done_chunks(other)] == [0]
    claims = [take(other, 1), take(other, 1)]
    assert [c.chunk for c in claims] == [1, 2]
    assert all(finish(other, c) for c in claims)
    assert [(d.claim.round, d.claim.chunk) for d in manifests.done_chunks(one)] == [(0, 0), (1, 1), (1, 2)]
    assert manifests.count_done(one) == (9, 3)


def test_deaths_are_remembered_in_the_next_round(two):
    one, _ = two
    for _ in range(2):
        manifests.give_back(one, take(one, only=1), 1)
    while claim := take(one):
        finish(one, claim)
    assert manifests.open_round(one, take(one, only=CLOSE), [0, 1], "")
    assert [take(one, 1), take(one, 1)] == [Claim(1, 0, 1, 0), Claim(1, 1, 1, 2)]


def test_a_chunk_is_undone_only_while_it_is_still_what_was_seen(two):
    one, other = two
    finish(one, take(one))
    done = manifests.done_chunks(other)[0]
    manifests.undo(other, done, lambda: True)
    assert manifests.count_open(one, 0) == 2
    manifests.undo(other, done, lambda: False)
    assert manifests.count_open(one, 0) == 3
    assert finish(one, take(one))
    manifests.undo(other, done, lambda: False)  # of an older token
    assert manifests.count_open(one, 0) == 2


def test_deaths_on_accounts_are_kept_by_range(two):
    one, other = two
    assert accidents.add_death(one, 2, 4, 5) == 1
    assert accidents.add_death(other, 2, 4, 5) == 2
    accidents.add_death(one, 1, 0, 5)
    assert accidents.deaths_on(one, 2) == {(4, 5): 2}


def test_a_file_that_is_no_manifest_is_told_by_name(tmp_path):
    path = tmp_path / "run.sqlite"
    path.write_bytes(b"not a manifest" * 100)
    with pytest.raises(RunError, match=r"run\.sqlite is damaged"), manifests.open_manifest(path, "x"):
        pass
    with pytest.raises(RunError, match="cannot be read or written"), manifests.open_manifest(tmp_path / "no" / "x", ""):
        pass


def test_a_text_that_nobody_wrote_so_is_told(two):
    one, _ = two
    finish(one, take(one))
    with manifests.changing(one) as cursor:
        cursor.execute("update chunks set parts = '{\"accounts\"' where done")
    with pytest.raises(RunError, match="damaged"):
        manifests.done_chunks(one)


def test_leases_are_renewed_beside_the_work(tmp_path, two, monkeypatch):
    one, other = two
    take(one)
    lapse(one)
    monkeypatch.setattr(manifests, "LEASE", 0.3)
    with rounds.beating(one.path, one.holder):
        time.sleep(0.5)
        assert take(other).chunk == 1
    time.sleep(0.5)
    assert take(other).chunk == 0


def sleep(channel):
    with holders.present() as name:
        channel.send(name)
        time.sleep(60)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="this system does not say when a process began")  # noqa: PTH110
def test_a_holder_on_this_machine_is_seen_to_die():
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=sleep, args=(theirs,))
    child.start()
    name = ours.recv()
    assert not holders.is_gone(name)
    machine, pid, started, token = json.loads(name)
    assert holders.is_gone(json.dumps([machine, pid, str(int(started) - 1), token]))  # the number has a new bearer
    assert not holders.is_gone(json.dumps([[*machine[:2], "container"], pid, "1", token]))
    assert not holders.is_gone(json.dumps([[machine[0], "another boot", machine[2]], pid, "1", token]))
    os.kill(pid, signal.SIGKILL)
    child.join()
    assert holders.is_gone(name)


def test_a_holder_of_this_process_is_gone_when_its_run_is():
    with holders.present() as name:
        assert not holders.is_gone(name)
    if os.path.exists("/proc/self/stat"):  # noqa: PTH110
        assert holders.is_gone(name)
