"""``python -m benchmarks mutants`` and ``python -m benchmarks coverage``."""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from .copies import FOLDER, HERE, copy_house, environment, python, say_failed, tool
from .targets import TARGETS, Target


def mutate(words: list[str]) -> int:
    """Break the targets, one place at a time, and print how many mutants the tests noticed."""
    parser = _parser("mutants", "Break the house one place at a time: do its tests notice?")
    parser.add_argument("--sample", type=int, help="so many mutants of each target, drawn by the seed; all by default")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample, and one mutant of each place (1)")
    parser.add_argument("--again", action="store_true", help="leave out those killed the last time with this seed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no mutant after so many, per target")
    chosen = parser.parse_args(words)
    (FOLDER / "results").mkdir(parents=True, exist_ok=True)
    print(f"{'target':<12} {'places':>7} {'mutants':>8} {'killed':>7} {'survived':>9} {'killed':>7}", flush=True)
    for target in _targets(parser, chosen.targets):
        _judge(target, chosen)
    return 0


def cover(words: list[str]) -> int:
    """Run the targets' tests and print the lines and branches of their modules that no test takes."""
    parser = _parser("coverage", "Which lines and branches do a target's tests never take?")
    chosen, missed = parser.parse_args(words), 0
    house, out = copy_house("coverage"), FOLDER / "branches.json"
    for target in _targets(parser, chosen.targets):
        print(target.name)
        _run_probe("branches", target, house, target.tests, out)
        for module, found in json.loads(out.read_text()).items():
            percent = found["summary"]["percent_covered"]
            gaps = [f"line {line}" for line in found["missing_lines"]]
            gaps += [f"{a} -> {b if b > 0 else 'end'}" for a, b in found["missing_branches"]]
            missed += len(gaps)
            print(f"  {module:<32} {percent:6.1f} %  {', '.join(gaps)}", flush=True)
    return 1 if missed else 0


def _parser(name: str, about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"benchmarks {name}", description=about)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    return parser


def _targets(parser: argparse.ArgumentParser, names: list[str]) -> list[Target]:
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]!r}; known: {', '.join(TARGETS)}")
    return [TARGETS[name] for name in names or TARGETS]


def _judge(target: Target, chosen: argparse.Namespace) -> None:
    """Try the mutants of one target, in the order drawn, print its line and write what became of each."""
    house = copy_house(target.name)
    proposed = _propose(target, house, chosen.sample, chosen.seed)
    record = FOLDER / "results" / f"{target.name}-{chosen.seed}.json"
    known = {_key(one): one for one in json.loads(record.read_text())["mutants"]} if chosen.again else {}
    probed, places, tried = _probe(target, house), proposed["places"], []
    until = time.monotonic() + 60.0 * chosen.minutes
    for one, said in _try_all(house, probed, proposed["mutants"], known, until):
        tried.append({key: value for key, value in one.items() if key not in {"source", "tests"}} | said)
        record.write_text(json.dumps({"places": places, "sample": chosen.sample, "mutants": tried}, indent=1))
        print(f"\r{len(tried):>5} of {len(proposed['mutants'])}", end="\r", file=sys.stderr, flush=True)
        if said["outcome"] == "survived":
            print(f"    {one['module']}:{one['line']}  {one['before']}   ->   {one['after']}", flush=True)
    survived = sum(one["outcome"] == "survived" for one in tried)
    killed = len(tried) - survived
    share = 100.0 * killed / max(len(tried), 1)
    print(f"{target.name:<12} {places:>7} {len(tried):>8} {killed:>7} {survived:>9} {share:>5.1f} %", flush=True)


def _key(one: dict) -> tuple[str, int, str, str]:
    return one["module"], one["line"], one["operator"], one["after"]


def _propose(target: Target, house: Path, sample: int | None, seed: int) -> dict:
    asked = {"house": str(house), "modules": target.modules, "sample": sample, "seed": seed}
    command = [str(tool()), "-P", str(HERE / "proposals.py")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    say_failed("proposing mutants", done)
    return json.loads(done.stdout)


def _probe(target: Target, house: Path) -> dict:
    """Return what each test of the target takes and reaches, asked again where these modules or the test changed."""
    out, record = FOLDER / "results" / f"{target.name}-probe.json", FOLDER / "results" / f"{target.name}-lines.json"
    known = json.loads(record.read_text()) if record.exists() else {}
    files = {str(path.relative_to(house)): path for path in _test_files(target, house)}
    shared = _digest([*(house / module for module in target.modules), *sorted((house / "tests").rglob("conftest.py"))])
    keys = {name: shared + _digest([path]) for name, path in files.items()}
    stale = [name for name in files if known.get(name, {}).get("key") != keys[name]]
    if stale:
        _run_probe("lines", target, house, stale, out)
        said = json.loads(out.read_text())
        for name in stale:
            seconds = {test: took for test, took in said["seconds"].items() if test.startswith(f"{name}::")}
            reached = {
                module: {line: [test for test in tests if not test or test in seconds] for line, tests in own.items()}
                for module, own in said["reached"].items()
            }
            known[name] = {"key": keys[name], "seconds": seconds, "reached": reached}
        record.write_text(json.dumps(known))
    return {name: known[name] for name in files}


def _test_files(target: Target, house: Path) -> list[Path]:
    found = []
    for test in target.tests:
        path = house / test
        found += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    return found


def _digest(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()


def _run_probe(what: str, target: Target, house: Path, tests: Iterable[str], out: Path) -> None:
    command = python(house, "probes.py", what, str(out), *tests, "--", *target.modules)
    done = subprocess.run(command, cwd=house, env=environment(house), capture_output=True, text=True, check=False)
    say_failed(f"the tests of {target.name}", done)


def _try_all(house: Path, probed: dict, mutants: list[dict], before: dict, until: float) -> Iterator[tuple[dict, dict]]:
    """Yield each mutant with what became of it; those killed before stay killed, as no test is ever taken away."""
    ours, theirs = os.pipe()
    command = python(house, "trials.py", str(theirs), *probed)
    with (
        subprocess.Popen(
            command, cwd=house, env=environment(house), stdin=subprocess.PIPE, text=True, pass_fds=[theirs]
        ) as server,
        os.fdopen(ours) as answers,
    ):
        os.close(theirs)
        for one in mutants:
            known = before.get(_key(one))
            if known and known["outcome"] != "survived":
                yield one, {"outcome": known["outcome"], "took": 0.0}
                continue
            if time.monotonic() > until:
                continue
            tests, at_import = _reaching(house, probed, one["module"], one["line"])
            seconds = sum(probed[_file(test)]["seconds"][test] for test in tests)
            if server.stdin is None or server.poll() is not None:
                raise SystemExit("the server of trials has ended")
            server.stdin.write(json.dumps({**one, "tests": tests, "seconds": seconds, "at_import": at_import}) + "\n")
            server.stdin.flush()
            yield one, json.loads(answers.readline())
        if server.stdin is not None:
            server.stdin.close()


def _reaching(house: Path, probed: dict, module: str, line: int) -> tuple[list[str], bool]:
    """Return the tests that reach a line, all where none is seen to, and whether it runs at import: then all too.

    Quick files first and in them quick tests: what a file sets up once is set up once.
    """
    seconds = {test: took for own in probed.values() for test, took in own["seconds"].items()}
    names: set[str] = set()
    for near in _lines_of_statement((house / module).read_text(encoding="utf-8"), line):
        for own in probed.values():
            names |= set(own["reached"][module].get(str(near), ()))
    chosen = seconds.keys() if "" in names or not names & seconds.keys() else names & seconds.keys()
    file_seconds: dict[str, float] = defaultdict(float)
    for test in chosen:
        file_seconds[_file(test)] += seconds[test]
    # The name of the file too: two files that took equally long must not take turns.
    return sorted(chosen, key=lambda test: (file_seconds[_file(test)], _file(test), seconds[test])), "" in names


def _file(test: str) -> str:
    return test.partition("::")[0]


def _lines_of_statement(source: str, line: int) -> range:
    """Return the lines of the innermost statement at a line; of a compound one, its head."""
    best = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) else node.end_lineno or node.lineno
            if line <= end:
                best = range(node.lineno, max(end, node.lineno) + 1)
    return best
