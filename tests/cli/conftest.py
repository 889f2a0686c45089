"""A small book made from the demo: three accounts, and a mandate without tickets."""

import subprocess
import sys

import pytest


@pytest.fixture
def book(tmp_path, demo_book):
    folder = demo_book(tmp_path / "book", ("001", "002", "003"), without=("phases",))
    (folder / "restrictions.csv").write_text("account_id,asset_id,rule\n003,ENERGY,no_buy\n")
    return folder


@pytest.fixture
def mandate(tmp_path, limits):
    path = tmp_path / "policy.toml"
    path.write_text(limits)
    return path


@pytest.fixture
def trimtab(tmp_path, capfd, monkeypatch):
    """Run a command in this process, as a terminal of a width would; return status, stdout and stderr."""
    from trimtab.cli.commands import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return left.value.code, out, err

    return call


@pytest.fixture
def python():
    """Run Python afresh."""
    return lambda *arguments: subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
