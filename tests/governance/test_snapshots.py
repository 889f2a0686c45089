"""The store keeps bytes by their hash: nothing is taken for something else, nobody's name becomes a path."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.demo import book_path, policy_path
from trimtab.errors import LedgerBroken, LedgerError
from trimtab.governance.canonical import sha256
from trimtab.governance.sealings import take_in
from trimtab.governance.snapshots import fetch, locate, make_store, open_store, put


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("kept") / "store")


@given(data=st.binary(max_size=200))
def test_what_is_put_is_fetched_under_its_own_hash(kept, data):
    assert put(kept, data) == put(kept, data) == sha256(data)
    assert fetch(kept, sha256(data)) == data


def test_any_flipped_byte_is_found(store):
    digest = put(store, b"max deviation 5%")
    path = locate(store, digest)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for read in (fetch, locate):
            with pytest.raises(LedgerBroken, match="was changed"):
                read(store, digest)
    path.unlink()
    with pytest.raises(LedgerBroken, match="is gone"):
        fetch(store, digest)
    assert put(store, whole) == digest  # who brings the bytes again mends it
    assert fetch(store, digest) == whole


def test_a_damaged_object_is_mended_by_its_own_bytes(store):
    digest = put(store, b"abc")
    locate(store, digest).write_bytes(b"abd")
    put(store, b"abc")
    assert fetch(store, digest) == b"abc"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "/" * 64])
def test_only_a_hash_is_a_name(store, name):
    with pytest.raises(LedgerError, match="SHA-256"):
        fetch(store, name)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_nobody_else_may_read(store, tmp_path):
    put(store, b"weights")
    take_in(store, book_path(), policy_path())
    for path in [store.path, *store.path.rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    store.path.chmod(0o755)
    with pytest.raises(LedgerError, match="others may read it"):
        open_store(store.path)
    store.path.chmod(0o700)
    (tmp_path / "link").symlink_to(store.path)
    with pytest.raises(LedgerError, match="is a link"):
        open_store(tmp_path / "link")


def test_a_book_that_was_taken_in_is_the_book_and_stays_it(store):
    folder = take_in(store, book_path(), policy_path())
    for path in book_path().glob("*.csv"):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert (folder / "_policy.toml").read_bytes() == policy_path().read_bytes()
    (folder / "accounts.csv").write_text("account_id,model_id\n")  # somebody writes into the copy
    (folder / "stray.csv").write_text("x")
    again = take_in(store, book_path(), policy_path())
    assert again == folder
    assert (folder / "accounts.csv").read_bytes() == (book_path() / "accounts.csv").read_bytes()
    assert not (folder / "stray.csv").exists()


def test_other_bytes_are_another_folder(store, tmp_path):
    mandate = tmp_path / "policy.toml"
    mandate.write_bytes(policy_path().read_bytes() + b"\n")
    assert take_in(store, book_path(), mandate) != take_in(store, book_path(), policy_path())
