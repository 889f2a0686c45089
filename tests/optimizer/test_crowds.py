"""Many accounts at once are each account alone: the same answers as one by one, the same bits in any company."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import numpy as np
import pytest

from trimtab.constraints import Custom
from trimtab.models.cohorts import Cohort
from trimtab.optimizer import Outcome, crowds, solve
from trimtab.optimizer.certificates import CERTIFIED_TE, RESIDUAL, Certificate
from trimtab.optimizer.crowds import ask_all, ask_one
from trimtab.optimizer.problems import outline, pose, pose_all
from trimtab.optimizer.programs import AXIS

SAMPLE = int(os.environ.get("TRIMTAB_CAMPAIGN", "60"))


def _cohort(d, size=3):
    """The account of a draw, and others of the same mandate that have drifted elsewhere."""
    rng = np.random.default_rng([d.seed, 5])
    universe = d.market.universe
    held = np.array([d.account.quantities.get(a, 0.0) for a in universe.assets])
    quantities = held * np.exp(rng.normal(0, 0.1, (size, len(held))))
    quantities[0] = held
    rules = {}
    for asset, rule in d.account.restrictions:
        rules.setdefault(rule, np.zeros(quantities.shape, dtype=bool))[:, universe.positions[asset]] = True
    overrides = {name: np.full(size, own) for name, own in d.account.overrides.items()}
    ids = np.array([str(i) for i in range(size)], dtype=object)
    flows = np.full(size, d.account.cash_flow)
    return Cohort(ids, "m", quantities, np.zeros_like(quantities), flows, rules, overrides)


def _account(d, cohort, i):
    units = dict(zip(d.market.universe.assets, cohort.quantities[i], strict=True))
    return replace(d.account, id=str(i), quantities=units)


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_the_crowd_says_what_each_is_told_alone(draws, seed):
    d = draws.draw(seed)
    problem, cohort = outline(d.policy, d.market), _cohort(d)
    cases, kept = pose_all(problem, cohort, d.belief)
    if not len(kept):
        pytest.skip("nobody of this mandate can be posed with others")
    crowd = ask_all(problem, cases.program)
    assert (crowd.residual[crowd.released] <= RESIDUAL).all()
    assert (crowd.certified_te[crowd.released] <= CERTIFIED_TE).all()
    for i in range(len(kept)):
        alone = solve(problem, _account(d, cohort, kept[i]), d.belief)
        if alone.outcome is Outcome.UNSOLVED:
            assert not crowd.released[i], f"{d.kinds}: weights where there are none"
        elif crowd.released[i]:
            apart = d.market.risk.volatility(crowd.weights[i] - alone.ideal)
            assert apart <= crowd.certified_te[i] + alone.certificate.certified_te + 1e-12, d.kinds
            weights = crowd.weights[i]
            assert cases.program.pick(i).utility(weights) == pytest.approx(
                alone.case.program.utility(alone.ideal), abs=1e-10
            )


@pytest.mark.parametrize("seed", range(0, SAMPLE, 2))
def test_bits_do_not_depend_on_neighbours(draws, seed):
    d = draws.draw(seed)
    problem, cohort = outline(d.policy, d.market), _cohort(d)
    cases, kept = pose_all(problem, cohort, d.belief)
    if len(kept) < len(cohort):
        pytest.skip("somebody of this mandate is asked alone")
    whole = ask_all(problem, cases.program)
    backwards = cohort.pick(np.arange(len(cohort))[::-1])
    turned = ask_all(outline(d.policy, d.market), pose_all(problem, backwards, d.belief)[0].program)
    for i in range(len(cohort)):
        single = ask_all(
            outline(d.policy, d.market), pose_all(problem, cohort.pick(np.array([i])), d.belief)[0].program
        )
        for name in ("released", "weights", "residual", "gap", "certified_te"):
            here = getattr(whole, name)[i]
            np.testing.assert_array_equal(getattr(single, name)[0], here)
            np.testing.assert_array_equal(getattr(turned, name)[len(cohort) - 1 - i], here)


def test_most_of_what_can_be_solved_is_solved_together(draws):
    """The general way is for the few; else a run of a million accounts would take days."""
    solvable = together = 0
    for seed in range(40):
        d = draws.draw(seed)
        problem = outline(d.policy, d.market)
        if solve(problem, d.account, d.belief).outcome is Outcome.OPTIMAL:
            solvable += 1
            cases, kept = pose_all(problem, _cohort(d, 1), d.belief)
            together += bool(len(kept) and ask_all(problem, cases.program).released[0])
    assert together >= 0.9 * solvable


def test_a_bad_neighbour_changes_nothing(desk):
    """Beside an account whose problem has no answer, and one without numbers, the third keeps its bits."""
    problem = outline(desk.policy, desk.market)
    cash = desk.market.universe.cash
    held = np.array([desk.account.quantities.get(a, 0.0) for a in desk.market.universe.assets])
    quantities = np.array([held, held, held])
    rules = {"no_hold": np.zeros(quantities.shape, dtype=bool)}
    rules["no_hold"][1, :] = np.arange(len(held)) != cash  # out of everything at once: the turnover limit forbids it
    cohort = Cohort(np.array(["1", "2", "3"], dtype=object), "balanced", quantities, 0 * quantities, np.zeros(3), rules)
    cases, _ = pose_all(problem, cohort, desk.no_tilt)
    program = cases.program
    spoilt = replace(program, force=np.array([[np.nan] * len(held), program.force[1], program.force[2]]))
    crowd = ask_all(outline(desk.policy, desk.market), spoilt)
    np.testing.assert_array_equal(crowd.released, [False, False, True])
    alone = ask_all(problem, program.pick(np.array([2])))
    np.testing.assert_array_equal(alone.weights[0], crowd.weights[2])


def test_the_numbers_of_a_chunk_are_those_of_its_accounts(draws):
    """What is stated for many, picked for one, is what is stated for that one."""
    for seed in range(12):
        d = draws.draw(seed)
        problem, cohort = outline(d.policy, d.market), _cohort(d)
        cases, kept = pose_all(problem, cohort, d.belief)
        for i, which in enumerate(kept):
            ours, theirs = cases.program.pick(i), pose(problem, _account(d, cohort, which), d.belief).program
            for field in fields(ours):
                mine, other = getattr(ours, field.name), getattr(theirs, field.name)
                if isinstance(mine, (np.ndarray, float)):
                    np.testing.assert_array_equal(mine, other, err_msg=f"seed {seed}, {field.name}")


def test_a_crowd_of_one_is_told_by_its_engine_and_whoever_cannot_be_one_is_asked_alone(desk):
    """PIQP where all is linear, Clarabel where a ball is; a custom limit no crowd knows; what is refused goes on."""
    never_binds = Custom(bind=lambda w, w0: [w[0] <= 0.9], slack=lambda w, w0: 0.9 - w[0], words="not all in SPY")
    for policy, engines in (
        (desk.linear, {"PIQP"}),
        (desk.policy, {"Clarabel"}),
        (replace(desk.linear, limits=(*desk.linear.limits, never_binds)), {"Clarabel", "PIQP", "CLARABEL"}),
    ):
        problem = outline(policy, desk.market)
        program = pose(problem, desk.account, desk.no_tilt).program
        found = ask_one(problem, program)
        assert found.certificate.released
        assert found.attempts[-1].engine in engines
        assert found.attempts[-1].status == "optimal"
        assert program.violations(found.weights).max() <= RESIDUAL
    problem = outline(desk.policy, desk.market)
    program = pose(problem, desk.account, desk.no_tilt).program
    refused = ask_one(problem, replace(program, force=np.full(4, np.nan)))
    assert refused.weights is None
    assert not refused.certificate.released


def test_what_was_never_asked_is_infinitely_far(desk):
    """Beside who is released, an account whose answer is no number has no numbers that could be mistaken for any."""
    problem = outline(desk.policy, desk.market)
    program = pose(problem, desk.account, desk.no_tilt).program.lift()
    both = replace(
        program, gamma=np.repeat(program.gamma, 2),
        **{name: np.repeat(getattr(program, name), 2, axis=0) for name in AXIS},
    )  # fmt: skip
    force = np.array(both.force)
    force[0] = np.nan
    crowd = ask_all(problem, replace(both, force=force))
    np.testing.assert_array_equal(crowd.released, [False, True])
    for values in (crowd.weights, crowd.residual, crowd.gap, crowd.certified_te):
        assert not np.isfinite(values[0]).any()
        assert np.isfinite(values[1]).all()
    assert crowd.seconds > 0


@pytest.mark.parametrize(
    ("residual", "te", "found", "passes"),
    [
        (0.0, 0.0, True, True), (RESIDUAL, CERTIFIED_TE, True, True), (2e-9, 0.0, True, False),
        (0.0, 1.1e-5, True, False), (0.0, 0.0, False, False), (np.nan, 0.0, True, False), (0.0, np.nan, True, False),
        (-np.inf, np.inf, True, False), (np.inf, 0.0, True, False),
    ],
)  # fmt: skip
def test_the_gate_of_many_is_that_of_one(desk, monkeypatch, residual, te, found, passes):
    """Whatever is measured: exact to the binding set, within the limits and proved, all three, or not released."""
    program = pose(outline(desk.policy, desk.market), desk.account, desk.no_tilt).program.lift()
    monkeypatch.setattr(crowds, "refine_all", lambda p, w, y: (w, y, np.array([found])))
    monkeypatch.setattr(crowds, "measure", lambda p, w, y: tuple(np.array([x]) for x in (residual, 0.0, te)))
    said = crowds.pass_gate(program, program.current, None)
    np.testing.assert_array_equal(said.released, [passes])
    assert said.seconds == 0.0  # no engine was asked
    if found:
        assert Certificate(residual, 0.0, te).released is passes
