"""A signed head: who made it, in which order, and that nothing is signed over a changed past."""

import os
import stat
from pathlib import Path

import pytest

from benchmarks.intruders import unguarded
from benchmarks.ledgers import fill
from trimtab.errors import LedgerBroken, LedgerError
from trimtab.governance import Draft, append, create_ledger, make_key, open_ledger, read_checkpoints, sign_head, verify


@pytest.fixture
def key(tmp_path):
    make_key(tmp_path / "signing.pem")
    return tmp_path / "signing.pem"


def public(key):
    return key.with_name(key.name + ".pub")


@pytest.fixture
def signed(ledger, key, tmp_path):
    """A ledger with three checkpoints, and their file."""
    for _ in range(3):
        fill(ledger, 4)
        sign_head(ledger, tmp_path / "heads", key)
    return ledger, tmp_path / "heads"


def test_each_checkpoint_vouches_for_a_head(signed, key):
    ledger, heads = signed
    found = read_checkpoints(heads, public(key))
    assert [each.sequence for each in found] == [4, 8, 12]
    verdict = verify(ledger, found)
    assert verdict.is_whole
    assert verdict.sealed == 12


def test_a_cut_off_tail_is_found(signed, key):
    ledger, heads = signed
    with unguarded(ledger) as connection:
        connection.exec_driver_sql(
            f"DELETE FROM {'entries' if ledger.is_file else 'trimtab.entries'} WHERE sequence > 9"
        )
    verdict = verify(ledger, read_checkpoints(heads, public(key)))
    assert (verdict.bad, verdict.sealed) == (10, 8)
    fill(ledger, 10)  # grown again over the gap
    assert verify(ledger, read_checkpoints(heads, public(key))).bad == 9
    with pytest.raises(LedgerBroken):
        sign_head(ledger, heads, key)


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_refused(signed, key, line):
    heads = signed[1]
    lines = heads.read_bytes().splitlines(keepends=True)
    for place in range(0, len(lines[line]) - 1, 7):
        flipped = bytearray(lines[line])
        flipped[place] ^= 1
        heads.write_bytes(b"".join([*lines[:line], bytes(flipped), *lines[line + 1 :]]))
        with pytest.raises(LedgerBroken):
            read_checkpoints(heads, public(key))


@pytest.mark.parametrize("order", [(1, 2), (0, 2), (1, 0, 2), (0, 1, 1, 2), (2, 1, 0)])
def test_lines_taken_out_or_moved_are_refused(signed, key, order):
    heads = signed[1]
    lines = heads.read_bytes().splitlines(keepends=True)
    heads.write_bytes(b"".join(lines[i] for i in order))
    with pytest.raises(LedgerBroken):
        read_checkpoints(heads, public(key))


def test_another_key_or_ledger_does_not_do(signed, key, tmp_path):
    ledger, heads = signed
    make_key(tmp_path / "other.pem")
    with pytest.raises(LedgerBroken):
        read_checkpoints(heads, tmp_path / "other.pem.pub")
    with pytest.raises(LedgerBroken):
        sign_head(ledger, heads, tmp_path / "other.pem")
    with create_ledger(tmp_path / "twin.db") as twin:
        fill(twin, 12)
        assert not verify(twin, read_checkpoints(heads, public(key))).is_whole


def test_a_line_that_a_crash_left_unfinished_does_not_stop_the_next(signed, key):
    ledger, heads = signed
    whole = heads.read_bytes()
    heads.write_bytes(whole + whole.splitlines()[-1][:50])
    assert len(read_checkpoints(heads, public(key))) == 3
    sign_head(ledger, heads, key)
    assert len(read_checkpoints(heads, public(key))) == 4


def test_an_empty_ledger_has_no_head_to_sign(ledger, key, tmp_path):
    with pytest.raises(LedgerError):
        sign_head(ledger, tmp_path / "heads", key)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
class TestPermissions:
    def test_ledger_key_and_checkpoints_are_private(self, sqlite_ledger, key, tmp_path):
        fill(sqlite_ledger, 3)
        sign_head(sqlite_ledger, tmp_path / "heads", key)
        with sqlite_ledger.engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM entries").all()
            files = [*tmp_path.glob("ledger.db*"), key, tmp_path / "heads"]
            assert len(files) > 3  # the log written ahead too
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
    def test_a_file_that_others_may_use_is_refused(self, sqlite_ledger, key, tmp_path, mode):
        fill(sqlite_ledger, 3)
        key.chmod(mode)
        with pytest.raises(LedgerError, match="chmod 600"):
            sign_head(sqlite_ledger, tmp_path / "heads", key)
        sqlite_ledger.close()
        Path(sqlite_ledger.where).chmod(mode)
        with pytest.raises(LedgerError, match="chmod 600"):
            open_ledger(sqlite_ledger.where)

    def test_links_are_not_followed(self, sqlite_ledger, tmp_path):
        (tmp_path / "link.db").symlink_to(sqlite_ledger.where)
        for verb in (create_ledger, open_ledger):
            with pytest.raises(LedgerError):
                verb(tmp_path / "link.db")

    def test_a_key_is_never_written_over(self, key):
        before = key.read_bytes()
        with pytest.raises(LedgerError):
            make_key(key)
        assert key.read_bytes() == before


def test_a_wrong_place_is_an_error_and_never_an_empty_ledger(tmp_path):
    with pytest.raises(LedgerError) as told:
        open_ledger(tmp_path / "mistyped.db")
    assert told.value.code == "NO_LEDGER"
    assert not (tmp_path / "mistyped.db").exists()
    (tmp_path / "text.db").write_text("no database at all, whatever its name says")
    (tmp_path / "text.db").chmod(0o600)
    for verb in (create_ledger, open_ledger):
        with pytest.raises(LedgerError):
            verb(tmp_path / "text.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:hunter2@127.0.0.1:1/x", "postgresql://ann:hunter2@host:notaport/x", "mysql://ann:hunter2@host/x",
        "postgresql://ann@127.0.0.1:1/x?password=hunter2", "postgresql://ann:hunter2@127.0.0.1:1/x?sslmode=hunter2",
        "postgresql://ann:hunter2@127.0.0.1:1/x?nonsense=1", "postgresql://[hunter2",
        "postgresql://ann:a@hunter2@127.0.0.1/x", "postgresql://ann:a@127.0.0.1/hunter2@127.0.0.1/x", "sqlite:///hunter2/x",
    ],
)  # fmt: skip
def test_no_message_holds_a_password(url):
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as told:
        open_ledger(url)
    assert "hunter2" not in f"{told.value} {told.value!r} {told.value.__dict__}"
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_ledger_shows_no_password(postgres):
    database = postgres.new_database()
    url = postgres.url(database).replace("owner@", "owner:hunter2@") + "&application_name=hunter2"
    with create_ledger(url) as ledger:
        append(ledger, [Draft("ann", "note", "s")])
        assert "hunter2" not in repr(ledger)
