"""An empty ledger on both databases; PostgreSQL is started once a session, on a Unix socket, from the machine's own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from trimtab.governance import Ledger, create_ledger

TIME_LIMIT = """
[[limits]]
kind = "time_limit"
life_days = 180
reversion_days = 30
open_at = 0.005
close_at = 0.001
"""
KEPT = ("001", "002", "003")


class Server:
    """A PostgreSQL server of one's own: fresh databases, restarts."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder, self.data = binaries, folder, folder / "data"
        # PostgreSQL refuses to run as root
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.databases = 0
        self.free: list[str] = []
        if os.geteuid() == 0:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        self._call("initdb", "-D", str(self.data), "-U", "owner", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()

    def _call(self, program: str, *arguments: str) -> None:
        own = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd=self.folder, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **own,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        # fsync=off: a stopped process is tried here, not a power cut, and the disk is shared with other tests
        settings = (
            f"-c fsync=off -c listen_addresses='' -c unix_socket_directories='{self.folder}' -c max_connections=40"
        )
        self._call("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-o", settings, "start")

    def stop(self, mode: str = "fast") -> None:
        """`fast` breaks every connection; `immediate` is a crash: what was committed must come back from the log."""
        self._call("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def reload(self) -> None:
        """Have it read its settings again, who may come in among them."""
        self._call("pg_ctl", "-D", str(self.data), "reload")

    def url(self, database: str, user: str = "owner") -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder))}"

    def new_database(self) -> str:
        if self.free:
            return self.free.pop()
        self.databases += 1
        name = f"ledger_{self.databases}"
        self._call("createdb", "-h", str(self.folder), "-U", "owner", name)
        return name


def _give_back(server: Server, database: str) -> None:
    """Empty a database for the next test: a new one is a thousand files."""
    import psycopg

    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute("SET lock_timeout = '2s'")
        try:
            connection.execute("DROP SCHEMA IF EXISTS trimtab CASCADE")
        except (
            psycopg.errors.LockNotAvailable
        ):  # a test left a connection behind: the next one has a database of its own
            return
    server.free.append(database)


def _binaries() -> Path | None:
    """The folder of `initdb`: on PATH, as pg_config says, or where Debian puts it."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    if shutil.which("pg_config"):
        told = Path(
            subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        )
        if (told / "initdb").exists():
            return told
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server on this machine (initdb)")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="tt-pg-"))  # short: the path of a Unix socket has a limit of 107 bytes
    server = Server(binaries, folder)
    yield server
    server.stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=DATABASES)
def where(request, tmp_path) -> Iterator[str]:
    """Where an empty ledger may be made: a path, or a URL of a new database."""
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.db")
        return
    server = request.getfixturevalue("postgres")
    database = server.new_database()
    yield server.url(database)
    _give_back(server, database)


@pytest.fixture
def ledger(where) -> Iterator[Ledger]:
    """An empty ledger; each test that asks for it runs on both databases."""
    with create_ledger(where) as opened:
        yield opened


@pytest.fixture
def sqlite_ledger(tmp_path) -> Iterator[Ledger]:
    """An empty ledger in a file, where a test is about files or only about what stands above the database."""
    with create_ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def desk(tmp_path, where, monkeypatch, capfd, demo_book, limits):
    """A desk with a book, a policy and a ledger; call it as one would call `trimtab`."""
    from trimtab.cli.commands import main

    demo_book(tmp_path / "book", KEPT, without=("restrictions",))
    (tmp_path / "policy.toml").write_text(limits + TIME_LIMIT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIMTAB_LEDGER", where)
    monkeypatch.setenv("TRIMTAB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments, status=0):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert left.value.code == status, (arguments, out, err)
        assert "Traceback" not in err
        return out + err

    call("ledger", "init")
    return call
