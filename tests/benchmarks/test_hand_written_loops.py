"""The loops that trimtab is compared to answer the same problems, whoever was asked before."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.crowds import heap, pose_book
from benchmarks.loops import prepare_clarabel, prepare_dpp, prepare_piqp, prepare_rebuilt
from trimtab.optimizer.solutions import solve

APART = 1e-5
"""A tenth of a basis point of tracking error."""
LOOPS = {
    "plain": {
        "piqp": prepare_piqp,
        "clarabel": prepare_clarabel,
        "piqp, parameters": lambda programs: prepare_dpp(programs, "PIQP"),
        "clarabel, rebuilt": lambda programs: prepare_rebuilt(programs, "CLARABEL"),
    },
    "capped": {
        "clarabel": prepare_clarabel,
        "clarabel, parameters": lambda programs: prepare_dpp(programs, "CLARABEL"),
        "clarabel, rebuilt": lambda programs: prepare_rebuilt(programs, "CLARABEL"),
    },
}
CASES = [(variant, name) for variant, loops in LOOPS.items() for name in loops]


@pytest.fixture(scope="module", params=["plain", "capped"])
def posed(request):
    return request.param, *pose_book(12, request.param, 8)


def test_they_find_the_released_ideal(posed):
    variant, problem, cases = posed
    ideals = [solve(problem, c.account, c.belief).ideal for c in cases]
    for name, prepare in LOOPS[variant].items():
        loop = prepare([c.program for c in cases])
        apart = [problem.market.risk.volatility(loop(i) - ideal) for i, ideal in enumerate(ideals)]
        assert max(apart) < APART, name


@pytest.mark.parametrize(("variant", "prepare"), [("plain", prepare_piqp), ("capped", prepare_clarabel)])
def test_an_answer_does_not_depend_on_who_was_asked_before(posed, variant, prepare):
    of, _, cases = posed
    if of != variant:
        pytest.skip("the other engine's accounts")
    programs = [c.program for c in cases]
    tight = np.arange(len(programs[0].lo)) < 3
    impossible = replace(programs[0], lo=np.where(tight, 0.6, programs[0].lo), hi=np.where(tight, 0.9, programs[0].hi))
    loop = prepare([*programs, impossible, replace(programs[0], force=np.full_like(programs[0].force, np.nan))])
    for i in reversed(range(len(programs))):
        for bad in (len(programs), len(programs) + 1):
            assert np.isnan(loop(bad)).all()
        assert np.array_equal(loop(i), prepare([programs[i]])(0))


def test_a_heap_of_programs_is_each_of_them(posed):
    _, _, cases = posed
    many = heap([c.program for c in cases])
    for i, c in enumerate(cases):
        for name in ("force", "current", "lo", "hi", "most", "anchor"):
            assert np.array_equal(getattr(many, name)[i], getattr(c.program, name))
