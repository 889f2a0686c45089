"""Many accounts of one policy: the solve loop against loops written by hand, and a whole morning from book to run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from trimtab.batches.books import read_book
from trimtab.batches.streams import stream
from trimtab.constraints.documents import read_policy
from trimtab.models.tilts import tilt
from trimtab.optimizer.crowds import ask_all
from trimtab.optimizer.problems import Case, Problem, outline, pose
from trimtab.optimizer.programs import Program
from trimtab.optimizer.solutions import impossible, solve
from trimtab.units import day

from .books import ON, make_book, policy_of
from .loops import Loop, prepare_clarabel, prepare_dpp, prepare_piqp, prepare_rebuilt
from .registry import Figure, case, percentile, ratio, timed

_OWN = (
    "force", "centre", "current", "cost", "impact", "lo", "hi", "rows_lo", "rows_hi", "power", "most", "anchor",
    "ball_most",
)  # fmt: skip
WORKERS = 2


def pose_book(n: int, variant: str, accounts: int) -> tuple[Problem, list[Case]]:
    """Make a book and pose accounts of it that share one signature and do not contradict themselves."""
    with tempfile.TemporaryDirectory() as folder:
        book_path = Path(folder) / "book"
        make_book(book_path, accounts + accounts // 4 + 40, assets=n)
        book = read_book(book_path)
        policy = book.policy(read_policy(policy_of(book_path, variant)))
        problem, on = outline(policy, book.market(policy, ON)), day(ON)
        views, beliefs, cases = book.views(on), {}, []
        for account in book.accounts(policy):
            if account.model not in beliefs:
                beliefs[account.model] = tilt(views, problem.market, policy.model(account), on)
            posed = pose(problem, account, beliefs[account.model])
            if account.status == "active" and not impossible(posed):
                cases.append(posed)
    alike = [c for c in cases if c.program.signature == cases[0].program.signature]
    assert len(alike) >= accounts
    return problem, alike[:accounts]


def heap(programs: Sequence[Program]) -> Program:
    """Return the program of many accounts; what they share is the first one's."""
    own = {name: np.stack([getattr(p, name) for p in programs]) for name in _OWN}
    return replace(programs[0], **own, gamma=np.array([p.gamma for p in programs]))


def _in_turn(loop: Loop, chunk: int) -> Callable[[int], np.ndarray]:
    """Return a function that asks a loop for every account of a chunk."""
    return lambda i: np.array([loop(j) for j in range(i * chunk, (i + 1) * chunk)])


@case(
    "crowd",
    "the solve loop of many accounts against hand-written loops: deviation, groups, costs, turnover, cash floor",
    (12, 30, 100, 500),
    12,
)
def crowd(n: int, rounds: int) -> Iterator[Figure]:
    """Time chunks of accounts in turn, without a cap on tracking error (PIQP) and with one (Clarabel)."""
    yield from _crowd(n, rounds, "plain", prepare_piqp, ("PIQP", "CLARABEL"))
    yield from _crowd(n, rounds, "capped", prepare_clarabel, ("CLARABEL",))


def _crowd(
    n: int, rounds: int, variant: str, prepare: Callable[[Sequence[Program]], Loop], engines: tuple[str, ...]
) -> Iterator[Figure]:
    chunk = 100 if n < 200 else 20
    problem, cases = pose_book(n, variant, chunk * rounds)
    programs = [c.program for c in cases]
    heaps = [heap(programs[i * chunk : (i + 1) * chunk]) for i in range(rounds)]
    compiled, hand = problem.engine(heaps[0]), _in_turn(prepare(programs), chunk)
    answers = compiled.solve(heaps[0]).weights, hand(0)
    inside: list[float] = []
    ours, whole, theirs = timed(
        [
            lambda i: inside.append(compiled.solve(heaps[i]).seconds),
            lambda i: ask_all(problem, heaps[i]),
            hand,
        ],
        rounds,
    )
    size, what = f"n={n}", f"{variant}: "
    one = percentile(ours, 0.5) / chunk
    promise = "at most 1.25"
    yield Figure(f"{what}our loop / hand-written {engines[0]}", size, ratio(ours, theirs), "x", promise)
    yield Figure(f"{what}engine calls alone / hand-written", size, ratio(inside, theirs), "x")
    yield Figure(f"{what}with gate, refinement, proof / hand-written", size, ratio(whole, theirs), "x")
    yield Figure(f"{what}our loop, median", size, 1e3 * one, "ms an account")
    yield Figure(f"{what}hand-written, median", size, 1e3 * percentile(theirs, 0.5) / chunk, "ms an account")
    for engine in engines:
        yield from _beside_cvxpy(programs[::chunk], engine, one, size, what)
    yield from _agreement(problem, cases, answers, size, what)


def _beside_cvxpy(programs: Sequence[Program], engine: str, one: float, size: str, what: str) -> Iterator[Figure]:
    """Time cvxpy on an account of each chunk, with parameters and built anew, against ours an account."""
    loops = [prepare_dpp(programs, engine), prepare_rebuilt(programs, engine)]
    for loop in loops:
        loop(0)
    names, promises = ("DPP", "rebuilt"), ("20 expected", "")
    for name, promise, seconds in zip(names, promises, timed(loops, len(programs)), strict=True):
        yield Figure(
            f"{what}cvxpy {name}, {engine} / ours", size, percentile(seconds, 0.5) / one, "x", promise, better="more"
        )


def _agreement(
    problem: Problem, cases: Sequence[Case], answers: Sequence[np.ndarray], size: str, what: str
) -> Iterator[Figure]:
    """Compare both answers with each other and a few of them with the released ideal, as tracking errors."""
    risk = problem.market.risk
    apart = [risk.volatility(x - y) for x, y in zip(*answers, strict=True)]
    yield Figure(f"{what}largest tracking error between the two", size, 1e4 * float(np.nanmax(apart)), "bp", "0.1")
    few = [solve(problem, c.account, c.belief).ideal for c in cases[:5]]
    off = [risk.volatility(x - y) for x, y in zip(few, answers[1][:5], strict=True)]
    yield Figure(f"{what}from the released ideal, of five", size, 1e4 * float(np.nanmax(off)), "bp", "0.1")
    unsolved = float(np.isnan(answers[0]).any(1).sum() - np.isnan(answers[1]).any(1).sum())
    yield Figure(f"{what}unsolved in our loop less in theirs", size, unsolved, "accounts of a chunk", "0")


# A run in a process of its own: what it and its workers took at most is then theirs and nobody's before them.
_RUN = """
import json, resource, sys, time
from trimtab.batches.runs import run
if __name__ == "__main__":
    began = time.perf_counter()
    done = run(*sys.argv[1:5], workers=int(sys.argv[5]))
    wall = time.perf_counter() - began
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"wall": wall, "counts": dict(done.counts), "parent": peaks[0], "worker": peaks[1]}))
"""


def _morning(accounts: int, variant: str) -> dict[str, float]:
    """Make a book, run it, and return seconds, peak memory in MiB and the accounts that were solved."""
    with tempfile.TemporaryDirectory() as folder:
        book, out, script = (Path(folder) / name for name in ("book", "out", "morning.py"))
        make_book(book, accounts, assets=30)
        script.write_text(_RUN, "utf-8")
        # From a file: workers that are started anew import the main module again.
        said = subprocess.run(
            [sys.executable, script, book, policy_of(book, variant), ON, out, str(WORKERS)],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        told = json.loads(said.splitlines()[-1])
        return {
            "wall": told["wall"],
            "parent": told["parent"] / 1024,  # kilobytes on Linux
            "worker": told["worker"] / 1024,
            "solved": 100.0 * told["counts"]["OPTIMAL"] / accounts,
            "engine": _engine_seconds(out),
        }


def _engine_seconds(out: Path) -> float:
    """Return the seconds spent inside engine calls, summed over the accounts that were decided together."""
    return float(sum(np.nansum(piece["engine"].to_numpy()) for piece in stream(out, "timings", ["engine"])))


def _mornings(accounts: int, variant: str) -> Iterator[Figure]:
    tenth, whole = _morning(max(1, accounts // 10), variant), _morning(accounts, variant)
    size, busy = f"{accounts:,}", whole["engine"] / WORKERS
    yield Figure(f"wall, Parquet in to sealed run out, {WORKERS} workers", size, whole["wall"], "s")
    yield Figure("accounts a second", size, accounts / whole["wall"], "")
    yield Figure("wall / (engine seconds / workers)", size, whole["wall"] / busy, "x", "at most 2")
    yield Figure("engine seconds / workers", size, busy, "s")
    linear = whole["wall"] / accounts * max(1, accounts // 10) / tenth["wall"]
    yield Figure("seconds an account / those of a tenth of the book", size, linear, "x", "1 or less")
    yield Figure("peak memory of the largest worker", size, whole["worker"], "MiB", "below 2048")
    yield Figure("the same, a tenth of the book", size, tenth["worker"], "MiB", "as much")
    yield Figure("peak memory of the parent", size, whole["parent"], "MiB")
    yield Figure("accounts that ended OPTIMAL", size, whole["solved"], "%")


@case("morning", "a book of 30 assets to a sealed run, without lots and indifference", (10_000, 100_000), 20)
def morning(accounts: int, _: int) -> Iterator[Figure]:
    """Run a book whose policy needs no second solve."""
    return _mornings(accounts, "plain")


@case("morning_whole", "the same with whole lots, smallest tickets and an indifference", (10_000,), 6)
def morning_whole(accounts: int, _: int) -> Iterator[Figure]:
    """Run a book whose policy asks for the fewest trades."""
    return _mornings(accounts, "whole")
