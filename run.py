"""Set up trimtab and run one of its tasks, with nothing but Python's standard library.

    python3 run.py demo [ARGS]      the demo book, as `trimtab demo ARGS`
    python3 run.py test [ARGS]      the tests; ARGS go to pytest
    python3 run.py lint [ARGS]      ruff: rules and formatting; `lint --fix` mends both
    python3 run.py types [ARGS]     pyright
    python3 run.py bench [ARGS]     the benchmarks, as `python -m benchmarks ARGS`
    python3 run.py docs [ARGS]      the documentation, into .dev/docs-html; ARGS go to sphinx-build
    python3 run.py build            a wheel and a source distribution of the tracked files, into dist/
    python3 run.py lock [ARGS]      resolve again; ARGS go to `uv lock` (`--upgrade` for newer releases)
    python3 run.py lowest [ARGS]    the tests on the lowest releases that pyproject.toml allows

The first start makes `.venv` from the hashed requirements.lock; later starts reuse it at once.
"""

# This file must still *compile* on an old Python, so that the version check can speak: no `X | Y`, no `list[str]`.

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
LOCK = "requirements.lock"
WORKERS = 2  # every worker holds its own compiled problems: more of them costs memory before it saves time
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class SetUpError(Exception):
    """The environment could not be made; the message says what to do."""


def version_problem(version) -> str:
    """Say what is wrong with this Python `version`, or nothing."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    have, need = ".".join(map(str, version[:3])), ".".join(map(str, OLDEST))
    return (
        f"trimtab needs Python {need} or newer; this is {have}. Start run.py with a newer one: python{need} run.py ..."
    )


# ------------------------------------------------------------------------------------------------- the environment


def venv_program(venv: Path, name: str) -> Path:
    """Where a virtual environment keeps its program `name`."""
    return venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name


def lock_digest(root: Path) -> str:
    """Identify what the installed releases depend on: the lock, this Python, and the folder (a venv cannot move)."""
    told = (str(root), sys.version, sys.platform)
    return hashlib.sha256("\n".join(told).encode() + (root / LOCK).read_bytes()).hexdigest()


def project_digest(root: Path) -> str:
    """Identify how the project itself is installed; settings of ruff, pyright and pytest are left out."""
    import tomllib  # here, because it is new in 3.11 and the version check must come first

    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    installed = (table["build-system"], table["project"], table["tool"]["setuptools"])
    return hashlib.sha256(repr(installed).encode()).hexdigest()


def is_stamped(venv: Path, step: str, digest: str) -> bool:
    """Whether `step` was finished in this environment for exactly this digest."""
    stamp = venv / f"{step}.stamp"
    return venv_program(venv, "python").exists() and stamp.is_file() and stamp.read_text(encoding="ascii") == digest


def write_stamp(venv: Path, step: str, digest: str) -> None:
    """Record a finished step: always its last act, so that an interrupted one leaves no stamp."""
    fresh = venv / f"{step}.stamp.new"
    fresh.write_text(digest, encoding="ascii")
    fresh.replace(venv / f"{step}.stamp")


def set_up(root: Path) -> Path:
    """Bring `.venv` in step with the lock and the project, and return its folder."""
    venv = root / ".venv"
    with alone(root):
        lock, project = lock_digest(root), project_digest(root)
        if not is_stamped(venv, "lock", lock):
            say("making .venv from requirements.lock (once: a minute by pip, less by uv)")
            install_locked(venv, root / LOCK, lock)
        if not is_stamped(venv, "project", project):
            install_project(venv, root)
            write_stamp(venv, "project", project)
    return venv


def install_locked(venv: Path, requirements: Path, digest: str) -> None:
    """Make an environment anew from hashed requirements."""
    make_venv(venv)
    install(venv, "--require-hashes", "-r", str(requirements))
    write_stamp(venv, "lock", digest)


def make_venv(venv: Path) -> None:
    """Make an empty environment, in place of whatever stands there."""
    with_uv = shutil.which("uv") is not None
    if not with_uv and not has_module("ensurepip"):
        raise SetUpError(
            "this Python cannot make an environment with pip (Debian keeps that apart).\n"
            "Either `apt install python3-venv`, or put uv on PATH (https://docs.astral.sh/uv/)."
        )
    if venv.exists():
        shutil.rmtree(venv)
    # From inside an environment, start from the Python it was made of: ours may be the one just removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    call([python, "-m", "venv", *(["--without-pip"] if with_uv else []), str(venv)])


def install(venv: Path, *what: str) -> None:
    """Install into the environment: with uv where there is one, else with the environment's own pip."""
    python, uv = str(venv_program(venv, "python")), shutil.which("uv")
    has_pip = venv_program(venv, "pip").exists()
    if uv is None and not has_pip:
        raise SetUpError(
            "`.venv` was made by uv, and uv is no longer on PATH: remove the folder `.venv` and start again."
        )
    by_uv = [str(uv), "pip", "install", "--quiet", "--python", python]
    by_pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call([*(by_uv if uv else by_pip), *what])


def install_project(venv: Path, root: Path) -> None:
    """Install the checkout itself, editable; its build tool comes from the lock."""
    install(venv, "--no-deps", "--no-build-isolation", "-e", str(root))


@contextlib.contextmanager
def alone(root: Path):
    """Let one set-up of this checkout work at a time, where the system can lock files."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    dev_folder(root)
    with (root / ".dev" / "set-up.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def has_module(name: str) -> bool:
    """Whether this Python could import `name`."""
    import importlib.util

    return importlib.util.find_spec(name) is not None


def dev_folder(root: Path) -> Path:
    """Return the git-ignored folder for what tasks make along the way."""
    folder = root / ".dev"
    folder.mkdir(exist_ok=True)
    return folder


def say(text: str) -> None:
    """Tell the person at the terminal, beside the task's own output."""
    print(f"trimtab: {text}", file=sys.stderr, flush=True)


def call(command: list) -> None:
    """Run one step of the set-up; a failure ends it, with the command."""
    status = subprocess.run(command, check=False).returncode
    if status:
        raise SetUpError(f"this step failed with status {status}: {' '.join(command)}")


def run(command: list, cwd: Path, environment: dict) -> int:
    """Run a task to its end and return its exit status."""
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environment}, check=False
    ).returncode


# ------------------------------------------------------------------------------------------------- the tasks
#
# A task takes the arguments that follow its name and returns an exit status. Python starts with -P where the
# checkout must not stand on sys.path: its folders (`models`, `demo`, `cli` ...) have everyday names.


def pinned() -> dict:
    """Give each process one BLAS thread: processes are the parallel unit, and timings must not depend on neighbours."""
    return dict.fromkeys(ONE_THREAD, "1")


def demo(args: list) -> int:
    """Run the demo in the caller's own folder, where it may write."""
    python = venv_program(set_up(ROOT), "python")
    return run([python, "-P", "-m", "trimtab.cli", "demo", *args], Path.cwd(), {})


def test(args: list) -> int:
    """Run pytest on a few workers."""
    return run_tests(set_up(ROOT), args)


def run_tests(venv: Path, args: list) -> int:
    """Run pytest of one environment; a later `-n 0` in `args` wins."""
    spread = ["-n", "auto", "--maxprocesses", str(WORKERS), "--dist", "loadgroup"]
    return run([venv_program(venv, "python"), "-P", "-m", "pytest", *spread, *args], ROOT, pinned())


def lint(args: list) -> int:
    """Run both halves of ruff, and fail if either does."""
    ruff = venv_program(set_up(ROOT), "ruff")
    mend = "--fix" in args
    rules = run([ruff, "check", *args], ROOT, {})
    layout = run([ruff, "format", *([] if mend else ["--check"]), *(arg for arg in args if arg != "--fix")], ROOT, {})
    return rules or layout


def types(args: list) -> int:
    """Run pyright on a view of the checkout in which the package has its name."""
    python = venv_program(set_up(ROOT), "python")
    return run([python, "-P", "-m", "pyright", "--pythonpath", python, "-p", ".", *args], view_for_types(ROOT), {})


def view_for_types(root: Path) -> Path:
    """Make `.dev/trimtab`, one link to each part of the package, and pyright's settings beside it.

    Pyright cannot follow the finder of an editable install, does not look below a folder with a dot from outside it,
    and enters a linked folder only by its name: so it starts in `.dev` and every folder is named.
    """
    import tomllib

    tool = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = [name.split(".")[1] for name in tool["setuptools"]["packages"] if name.count(".") == 1]
    dev = dev_folder(root)
    house = dev / "trimtab"
    if house.exists():
        shutil.rmtree(house)  # removes the links, never what they point to
    house.mkdir()
    for part in [*(root / folder for folder in folders), *sorted(root.glob("*.py"))]:
        link(part, house / part.name)
    settings = {**tool["pyright"], "include": ["trimtab", *(f"trimtab/{folder}" for folder in folders)]}
    (dev / "pyrightconfig.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return dev


def link(real: Path, name: Path) -> None:
    """Link, or copy where links are not allowed (Windows without developer mode)."""
    try:
        name.symlink_to(real, target_is_directory=real.is_dir())
    except OSError:
        (shutil.copytree if real.is_dir() else shutil.copyfile)(real, name)


def bench(args: list) -> int:
    """Run the benchmarks, which stand beside the package, from the root of the checkout."""
    return run([venv_program(set_up(ROOT), "python"), "-m", "benchmarks", *args], ROOT, pinned())


def docs(args: list) -> int:
    """Build the documentation; a warning is an error."""
    python = venv_program(set_up(ROOT), "python")
    into = dev_folder(ROOT) / "docs-html"
    return run([python, "-P", "-m", "sphinx", "-W", "--keep-going", "-q", *args, "docs", into], ROOT, {})


def build(_: list) -> int:
    """Build what is published: from a copy of the tracked files, since an old `build/` revives deleted modules."""
    python, source, into = venv_program(set_up(ROOT), "python"), dev_folder(ROOT) / "source", ROOT / "dist"
    if source.exists():
        shutil.rmtree(source)
    copy_tracked(ROOT, source)
    into.mkdir(exist_ok=True)
    return run(packing(python, into), source, {})


def packing(python: Path, into: Path) -> list:
    """Return the command that builds both in the folder where it is run; setuptools comes from the environment."""
    steps = f"from setuptools import build_meta as b; print(b.build_sdist({str(into)!r})); b.build_wheel({str(into)!r})"
    return [str(python), "-P", "-c", steps]


def copy_tracked(root: Path, into: Path) -> None:
    """Copy the files that git tracks, as they stand."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=False, capture_output=True)
    if found.returncode:
        raise SetUpError(f"git cannot list the files of {root}: {os.fsdecode(found.stderr).strip()}")
    for name in filter(None, os.fsdecode(found.stdout).split("\0")):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, into / name)


def lock(args: list) -> int:
    """Resolve the universal lock and export it with hashes."""
    uv = find_uv()
    status = run([uv, "lock", *args], ROOT, {})
    if status:
        return status
    export = ["export", "--quiet", "--all-groups", "--no-emit-project", "--format", "requirements-txt"]
    return run([uv, *export, "--output-file", LOCK], ROOT, {})


def lowest(args: list) -> int:
    """Run the tests on the lowest releases that pyproject.toml allows, in an environment of their own."""
    uv, venv = find_uv(), dev_folder(ROOT) / "lowest"
    call([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)])
    into = ["pip", "install", "--quiet", "--python", str(venv_program(venv, "python"))]
    groups = [part for group in ("build", "dev") for part in ("--group", group)]
    call([uv, *into, "--resolution", "lowest-direct", "-r", str(ROOT / "pyproject.toml"), *groups])
    call([uv, *into, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    return run_tests(venv, args)


def find_uv() -> str:
    """Return uv: the one on PATH, else one of our own in .dev."""
    found = shutil.which("uv")
    if found:
        return found
    venv = dev_folder(ROOT) / "uv"
    if not venv_program(venv, "uv").exists():
        make_venv(venv)
        install(venv, "uv")
    return str(venv_program(venv, "uv"))


TASKS = {task.__name__: task for task in (demo, test, lint, types, bench, docs, build, lock, lowest)}


def main(argv: list) -> int:
    """Run the task that `argv` names, and return its exit status."""
    problem = version_problem(sys.version_info)
    if problem:
        say(problem)
        return 2
    if not argv or argv[0] not in TASKS:
        asked_for_help = bool(argv) and argv[0] in ("-h", "--help", "help")
        print(__doc__, file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    try:
        return TASKS[argv[0]](argv[1:])
    except SetUpError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
