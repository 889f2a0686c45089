"""Environments of the benchmarks: made once of the same requirements, anew of others."""

from benchmarks import environments
from trimtab import run


def test_an_environment_is_made_once_and_anew_for_other_requirements(monkeypatch, tmp_path):
    made, folder, requirements = [], tmp_path / "below" / "one", tmp_path / "one.txt"

    def install_locked(venv, what, digest):
        run.venv_program(venv, "python").parent.mkdir(parents=True, exist_ok=True)
        run.venv_program(venv, "python").touch()
        made.append(what.read_text())
        run.write_stamp(venv, "lock", digest)

    monkeypatch.setattr(environments, "install_locked", install_locked)
    for text in ("a==1", "a==1", "a==2"):
        requirements.write_text(text)
        environments.make(folder, requirements)
        assert environments.is_made(folder, requirements)
    assert made == ["a==1", "a==2"]
