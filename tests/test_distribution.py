"""What is published is whole: a wheel holds every module and data file of the packages, and works by itself."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from trimtab import run

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the wheel and the source distribution of the tracked files as they stand."""
    pytest.importorskip("setuptools")
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nobody can say which files belong to it")
    source, into = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    run.copy_tracked(ROOT, source)
    command = run.packing(Path(sys.executable), into)
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return next(into.glob("*.whl")), next(into.glob("*.tar.gz")), source


def test_a_wheel_holds_what_the_packages_hold(built):
    wheel, _, source = built
    packages = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    modules = {"trimtab/" + path.name for path in source.glob("*.py")}
    for name in packages[1:]:
        folder = Path(*name.split(".")[1:])
        modules |= {f"trimtab/{(folder / path.name).as_posix()}" for path in (source / folder).glob("*.py")}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert modules <= inside
    assert "trimtab/py.typed" in inside
    assert not [name for name in inside if name.startswith(("trimtab/tests", "trimtab/benchmarks", "trimtab/docs"))]


def test_no_file_of_a_package_is_left_behind(built):
    wheel, _, source = built
    inside = set(zipfile.ZipFile(wheel).namelist())
    packages = {name.split("/")[1] for name in inside if name.startswith("trimtab/") and name.endswith("__init__.py")}
    for folder in packages - {"__init__.py"}:
        for path in (source / folder).rglob("*"):
            if path.is_file():
                assert f"trimtab/{path.relative_to(source).as_posix()}" in inside, "name it under package-data"


def test_the_source_distribution_holds_the_same(built):
    wheel, packed, _ = built
    with tarfile.open(packed) as opened:
        names = opened.getnames()
    (top,) = {name.split("/")[0] for name in names}
    inside = {name.removeprefix(f"{top}/") for name in names}
    for name in zipfile.ZipFile(wheel).namelist():
        if name.startswith("trimtab/"):
            assert name.removeprefix("trimtab/") in inside


def test_it_works_without_the_checkout(built, tmp_path):
    wheel, _, _ = built
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    steps = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from trimtab.demo import book_path, policy_path\n"
        "from trimtab.cli.commands import main\n"
        "sys.argv = ['trimtab', 'check', str(book_path()), '--policy', str(policy_path())]\n"
        "print(book_path()); main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", steps], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(str(tmp_path / "site")), done.stderr
    assert "can be made without the 1\nrefused" in done.stdout
