"""run.py without a network: what it decides before it installs anything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab import run

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = """
[build-system]
requires = ["setuptools"]
[project]
name = "x"
dependencies = ["numpy"]
[tool.setuptools]
packages = ["trimtab", "trimtab.models", "trimtab.cli"]
[tool.ruff]
line-length = 120
[tool.pyright]
typeCheckingMode = "standard"
"""


@pytest.fixture
def checkout(tmp_path):
    for folder in ("models", "cli"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text('"""A floor."""')
    (tmp_path / "errors.py").write_text('"""Errors."""')
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / run.LOCK).write_text("numpy==2.4.6 --hash=sha256:00\n")
    python = run.venv_program(tmp_path / ".venv", "python")
    python.parent.mkdir(parents=True)
    python.write_text("")
    return tmp_path


@pytest.fixture
def steps(checkout, monkeypatch):
    """Record what a set-up would do; the steps themselves would need a network."""
    done = []
    monkeypatch.setattr(run, "make_venv", lambda venv: done.append("make"))
    monkeypatch.setattr(run, "install", lambda venv, *what: done.append("install"))
    monkeypatch.setattr(run, "install_project", lambda venv, root: done.append("project"))
    return done


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 7), (3, 12, 1), (3, 14, 0), (4, 0, 0)])
def test_new_enough_pythons_pass(version):
    assert run.version_problem(version) == ""


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 6, 0), (2, 7, 18)])
def test_old_pythons_are_told_so(version):
    message = run.version_problem(version)
    assert "3.11 or newer" in message
    assert ".".join(map(str, version)) in message


def test_an_old_python_stops_before_any_set_up(monkeypatch, capsys):
    monkeypatch.setattr(run.sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(run, "set_up", lambda root: pytest.fail("set up on an old Python"))
    assert run.main(["test"]) == 2
    assert "3.11" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["deploy"], ["--verbose", "test"]])
def test_an_unknown_task_prints_the_usage_and_exits_with_2(argv, capsys):
    assert run.main(argv) == 2
    told = capsys.readouterr()
    assert all(f"run.py {task}" in told.err for task in run.TASKS)
    assert told.out == ""


def test_help_is_not_an_error(capsys):
    assert run.main(["--help"]) == 0
    assert "run.py demo" in capsys.readouterr().out


def test_a_task_gets_its_arguments_and_its_status_is_ours(monkeypatch):
    monkeypatch.setitem(run.TASKS, "test", lambda args: 5 if args == ["-k", "x"] else 0)
    assert run.main(["test", "-k", "x"]) == 5


def test_a_failed_step_is_a_message_and_not_a_traceback(monkeypatch, capsys):
    monkeypatch.setitem(run.TASKS, "test", lambda args: run.call([sys.executable, "-c", "raise SystemExit(7)"]))
    assert run.main(["test"]) == 1
    assert "failed with status 7" in capsys.readouterr().err


def test_a_first_start_makes_everything_and_a_second_nothing(checkout, steps):
    run.set_up(checkout)
    assert steps == ["make", "install", "project"]
    steps.clear()
    run.set_up(checkout)
    assert steps == []


def test_a_new_lock_makes_the_environment_again(checkout, steps):
    run.set_up(checkout)
    steps.clear()
    (checkout / run.LOCK).write_text("numpy==2.4.7 --hash=sha256:00\n")
    run.set_up(checkout)
    assert steps[:2] == ["make", "install"]


def test_a_changed_project_is_installed_again_and_nothing_else(checkout, steps):
    run.set_up(checkout)
    steps.clear()
    (checkout / "pyproject.toml").write_text(PYPROJECT.replace('"trimtab.cli"', '"trimtab.cli", "trimtab.new"'))
    run.set_up(checkout)
    assert steps == ["project"]


def test_settings_of_tools_install_nothing(checkout, steps):
    run.set_up(checkout)
    steps.clear()
    (checkout / "pyproject.toml").write_text(PYPROJECT.replace("line-length = 120", "line-length = 100"))
    run.set_up(checkout)
    assert steps == []


def test_an_interrupted_set_up_starts_again(checkout, steps, monkeypatch):
    def interrupted(venv, *what):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.set_up(checkout)
    steps.clear()
    run.set_up(checkout)
    assert steps == ["make", "install", "project"]


def test_a_python_without_ensurepip_is_told_what_to_install(checkout, monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    monkeypatch.setattr(run, "has_module", lambda name: False)
    with pytest.raises(run.SetUpError, match="python3-venv"):
        run.make_venv(checkout / ".venv")
    assert (checkout / ".venv").exists()  # nothing is removed before it can be replaced


def test_an_environment_without_its_python_is_made_again(checkout, steps):
    run.set_up(checkout)
    steps.clear()
    run.venv_program(checkout / ".venv", "python").unlink()
    run.set_up(checkout)
    assert steps[0] == "make"


def test_an_environment_that_moved_is_made_again(checkout, steps):
    run.set_up(checkout)
    steps.clear()
    moved = checkout.rename(checkout.parent / f"{checkout.name}-moved")
    run.set_up(moved)
    assert steps[0] == "make"


def test_the_type_checker_sees_every_part_of_the_package(checkout):
    dev = run.view_for_types(checkout)
    told = json.loads((dev / "pyrightconfig.json").read_text())
    assert told["include"] == ["trimtab", "trimtab/models", "trimtab/cli"]
    assert told["typeCheckingMode"] == "standard"
    assert (dev / "trimtab" / "models" / "__init__.py").is_file()
    assert (dev / "trimtab" / "errors.py").is_file()


def test_making_the_view_again_removes_what_is_gone_and_touches_no_original(checkout):
    dev = run.view_for_types(checkout)
    (checkout / "errors.py").unlink()
    run.view_for_types(checkout)
    assert not (dev / "trimtab" / "errors.py").exists()
    assert (checkout / "models" / "__init__.py").is_file()


def test_the_lock_holds_every_dependency_with_hashes():
    tomllib = pytest.importorskip("tomllib")
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = (told for group in table["dependency-groups"].values() for told in group)
    asked = {_name(told) for told in (*table["project"]["dependencies"], *groups)}
    entries = (ROOT / run.LOCK).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    locked = {_name(entry): entry for entry in entries if entry and not entry.lstrip().startswith("#")}
    assert asked <= set(locked)
    assert all("--hash=sha256:" in entry for entry in locked.values())


def _name(requirement: str) -> str:
    """The distribution that a requirement asks for."""
    for stop in "[<>=!~; ":
        requirement = requirement.split(stop, maxsplit=1)[0]
    return requirement.lower()


def test_run_py_uses_the_standard_library_only():
    ours = "{'run', '__main__'}"
    told = f"import run, sys; print(*{{m.split('.')[0] for m in sys.modules}} - sys.stdlib_module_names - {ours})"
    answer = subprocess.run([sys.executable, "-S", "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
