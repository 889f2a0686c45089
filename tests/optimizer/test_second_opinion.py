"""Random mandates against a second statement of the same mathematics, in the plainest cvxpy, by another solver.

The suite takes 200; `TRIMTAB_CAMPAIGN=2000 pytest tests/optimizer/test_second_opinion.py` takes as many as asked.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from trimtab.optimizer import Outcome, solve, state

SAMPLE = int(os.environ.get("TRIMTAB_CAMPAIGN", "200"))
HALF_A_BASIS_POINT = 5e-5
PRECISION = 1e-8
"""What is left of the duality gap of a solver asked for 1e-9, in units of the normalised objective."""


def _te(d, difference):
    return float(np.sqrt(max(difference @ d.tilted_sigma @ difference, 0.0)))


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("seed", range(SAMPLE))
def test_two_statements_agree(draws, seed):
    d = draws.draw(seed)
    ours = solve(state(d.policy, d.market), d.account, d.belief)
    status, theirs = d.solve_plainly()
    if status == "infeasible":
        assert ours.outcome is Outcome.UNSOLVED, f"{d.kinds}: we found weights where there are none"
        np.testing.assert_array_equal(ours.ideal, ours.case.program.current)
        assert ours.reason
        return
    assert status in {"optimal", "optimal_inaccurate"}  # it asks its solver for more than it can always give
    assert ours.outcome is Outcome.OPTIMAL, f"{d.kinds}: {ours.reason}"
    assert ours.certificate.residual <= 1e-9
    assert ours.certificate.certified_te <= 1e-5
    apart = _te(d, ours.ideal - theirs)
    assert apart <= HALF_A_BASIS_POINT
    precision = np.sqrt(2 * PRECISION * np.diag(d.tilted_sigma).mean())
    assert apart <= ours.certificate.certified_te + precision
    assert d.violation(ours.ideal) <= 2e-9
    # One objective on both roads.
    assert ours.case.program.utility(ours.ideal) == pytest.approx(d.utility(ours.ideal), rel=1e-9, abs=1e-12)
    if d.linear:
        status, third = d.solve_plainly("PIQP", eps_abs=1e-10, eps_rel=1e-10, max_iter=2000)
        if status == "optimal":
            assert _te(d, ours.ideal - third) <= HALF_A_BASIS_POINT


def test_the_sample_says_everything(draws):
    """The sample holds every kind of limit, tilts, shorts, impact and mandates that cannot be met."""
    sample = [draws.draw(seed) for seed in range(60)]
    kinds = {kind for d in sample for kind in d.kinds}
    assert kinds >= {
        "deviation", "group", "tracking_error", "volatility", "turnover", "cash", "position", "restriction",
        "trade_size", "leverage", "account no_buy", "account no_sell", "account no_hold", "account frozen",
    }  # fmt: skip
    for trait in (
        lambda d: d.iota.any(),
        lambda d: d.kappa.any() and not d.iota.any(),
        lambda d: not d.kappa.any(),
        lambda d: (d.m != 1).any(),
        lambda d: d.q != 1,
        lambda d: d.shift.any(),
        lambda d: d.alpha.any(),
        lambda d: d.account.cash_flow > 0,
        lambda d: d.account.cash_flow < 0,
        lambda d: d.account.overrides,
        lambda d: len(d.b) < 8,
        lambda d: len(d.b) > 22,
    ):
        assert any(trait(d) for d in sample)
