"""One account's record proved without the others'."""

import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import LedgerBroken
from trimtab.governance.canonical import canonical_json, parse
from trimtab.governance.merkle import is_proved, merkle_root, new_secret, prove, read_proof

SECRET = "5a" * 32


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40), st.data())
def test_every_record_is_proved_and_no_other(records, data):
    root = merkle_root(records, SECRET)
    index = data.draw(st.integers(0, len(records) - 1))
    proof = read_proof(parse(canonical_json(prove(records, SECRET, index).plain())))
    assert is_proved(records[index], proof, root)
    assert not is_proved(records[index] + b"x", proof, root)
    for other in range(len(records)):
        if other != index:
            assert not is_proved(records[index], dataclasses.replace(proof, index=other), root)
    for longer in ((*proof.path, "00" * 32), proof.path[:-1], proof.path[::-1]):
        if longer != proof.path:
            assert not is_proved(records[index], dataclasses.replace(proof, path=longer), root)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_any_change_of_the_records_changes_the_root(records, rng):
    root = merkle_root(records, SECRET)
    changed = list(records)
    i, j = rng.sample(range(len(records)), 2)
    changed[i], changed[j] = changed[j], changed[i]
    assert (
        len({root, merkle_root(changed, SECRET), merkle_root(records[:-1], SECRET), merkle_root(records, "a5" * 32)})
        == 4
    )


def test_the_tree_is_that_of_rfc_6962():
    """MTH of seven leaves written out: split at the largest power of two below the count."""

    def leaf(i):
        salt = hashlib.sha256(b"\x02" + bytes.fromhex(SECRET) + i.to_bytes(8, "big")).digest()
        return hashlib.sha256(b"\x00" + salt + bytes([i])).digest()

    def mth(leaves):
        if len(leaves) == 1:
            return leaves[0]
        split = 1
        while 2 * split < len(leaves):
            split *= 2
        return hashlib.sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()

    for size in range(1, 34):
        assert merkle_root([bytes([i]) for i in range(size)], SECRET) == mth([leaf(i) for i in range(size)]).hex()


def test_a_proof_shows_nothing_of_a_neighbour_that_can_be_guessed():
    records = [b"account 1: sold", b"account 2: held"]
    proof = prove(records, SECRET, 0)
    assert hashlib.sha256(b"\x00" + records[1]).hexdigest() not in proof.path
    assert hashlib.sha256(b"\x00" + bytes.fromhex(proof.salt) + records[1]).hexdigest() not in proof.path


def test_an_inner_node_is_no_record():
    records = [b"a", b"b", b"c", b"d"]
    root = merkle_root(records, SECRET)
    low = prove(records, SECRET, 0)
    node = bytes.fromhex(prove(records, SECRET, 2).path[1])  # of a and b
    assert not is_proved(node, dataclasses.replace(low, size=2, path=low.path[1:], salt=""), root)


@pytest.mark.parametrize(
    "said",
    [{}, {"index": 0, "size": 1, "salt": "x", "path": []}, {"index": True, "size": 1, "salt": "0" * 64, "path": []},
     {"index": 0, "size": 1, "salt": "0" * 64, "path": "00"}, {"index": 0, "size": 1, "salt": "0" * 64, "path": [1]}],
)  # fmt: skip
def test_what_is_no_proof_is_refused(said):
    with pytest.raises(LedgerBroken):
        read_proof(said)


def test_a_place_that_does_not_exist_has_no_proof():
    records = [b"a", b"b", b"c"]
    root = merkle_root(records, SECRET)
    for index in (-1, -3, 3):
        with pytest.raises(LedgerBroken, match=f"no record {index} of 3"):
            prove(records, SECRET, index)
    last = prove(records, SECRET, 2)
    assert is_proved(b"c", last, root)
    for index, size in ((-1, 3), (3, 3), (2, 2), (-1, 1), (0, 0), (2, 0), (2, -1)):
        assert not is_proved(b"c", dataclasses.replace(last, index=index, size=size), root)


def test_one_record_is_its_own_root():
    root, proof = merkle_root([b"a"], SECRET), prove([b"a"], SECRET, 0)
    assert proof.path == ()
    assert is_proved(b"a", proof, root)
    assert not is_proved(b"b", proof, root)
    assert not is_proved(b"a", dataclasses.replace(proof, path=("00" * 32,)), root)
    assert not is_proved(b"a", proof, "00" * 32)


@pytest.mark.parametrize("size", [2, 3, 5, 8, 33, 100])
def test_a_path_is_as_long_as_the_way_up(size):
    """About log2(size): the depth of the leaf in the tree of RFC 6962."""
    records = [bytes([i]) for i in range(size)]

    def depth(index, count):
        if count == 1:
            return 0
        split = 1 << (count - 1).bit_length() - 1
        return 1 + (depth(index, split) if index < split else depth(index - split, count - split))

    for index in range(size):
        assert len(prove(records, SECRET, index).path) == depth(index, size)


def test_every_record_has_a_salt_of_its_own():
    proofs = [prove([b"same"] * 5, SECRET, i) for i in range(5)]
    assert len({proof.salt for proof in proofs}) == 5
    assert len(new_secret()) == 64
    assert new_secret() != new_secret()


def test_no_record_no_root():
    with pytest.raises(LedgerBroken):
        merkle_root([], new_secret())
    with pytest.raises(LedgerBroken):
        prove([b"a"], SECRET, 1)
