"""Covariances: what is refused and in which words, and that every way in leads to the same Sigma."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import MarketError
from trimtab.models import Risk, Universe

NAMES = ["A", "B", "C", "D"]
U = Universe(tuple(NAMES), ("x", "x", "y", "y"))
VOL = np.array([0.1, 0.2, 0.15, 0.3])


def _frame(matrix, labels=NAMES):
    return pd.DataFrame(np.array(matrix, dtype=float), labels, labels)


def _sigma(seed=0):
    half = np.random.default_rng(seed).normal(size=(4, 6)) * 0.1
    return half @ half.T


def _code(make):
    with pytest.raises(MarketError) as error:
        make()
    return error.value


def test_a_dense_matrix_comes_back():
    sigma = _sigma()
    risk = Risk.from_covariance(_frame(sigma), U)
    np.testing.assert_allclose(risk.covariance[:4, :4], sigma, atol=1e-15)
    np.testing.assert_array_equal(risk.covariance[4], 0.0)
    np.testing.assert_allclose(risk.root.T @ risk.root, risk.covariance, atol=1e-15)
    np.testing.assert_allclose(risk.volatilities[:4], np.sqrt(np.diag(sigma)), atol=1e-15)


def test_labels_decide_and_the_cash_may_stand_or_not():
    sigma = _frame(_sigma())
    shuffled = sigma.loc[["C", "A", "D", "B"], ["D", "B", "A", "C"]]
    with_cash = sigma.reindex(index=[*NAMES, "CASH"], columns=[*NAMES, "CASH"]).fillna(0.0)
    one, two, three = (Risk.from_covariance(x, U).covariance for x in (sigma, shuffled, with_cash))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)


def test_a_singular_matrix_is_accepted():
    twin = np.array([[0.04, 0.04], [0.04, 0.04]])
    risk = Risk.from_covariance(pd.DataFrame(twin, ["A", "B"], ["A", "B"]), Universe(("A", "B"), ("x", "x")))
    assert risk.volatility(np.array([1.0, -1.0, 0.0])) == pytest.approx(0.0, abs=1e-9)
    assert risk.volatility(np.array([0.5, 0.5, 0.0])) == pytest.approx(0.2, abs=1e-12)


def test_what_is_not_positive_semidefinite_names_the_worst_assets():
    corr = np.eye(4)
    corr[1, 3] = corr[3, 1] = 0.9
    corr[1, 2] = corr[2, 1] = 0.9
    corr[2, 3] = corr[3, 2] = -0.9
    error = _code(lambda: Risk.from_covariance(_frame(corr * np.outer(VOL, VOL)), U))
    assert error.code == "NOT_PSD"
    assert set(error.value.split(", ")) == {"B", "C", "D"}
    assert "least eigenvalue" in str(error)


def test_halves_that_differ_are_named():
    sigma = _sigma()
    sigma[0, 2] *= 1 + 1e-6
    error = _code(lambda: Risk.from_covariance(_frame(sigma), U))
    assert (error.code, error.value) == ("NOT_SYMMETRIC", "A, C")
    sigma = _sigma()
    sigma[0, 2] *= 1 + 1e-15  # the last bit is rounding
    Risk.from_covariance(_frame(sigma), U)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_placed(bad):
    sigma = _sigma()
    sigma[1, 3] = sigma[3, 1] = bad
    error = _code(lambda: Risk.from_covariance(_frame(sigma), U))
    assert (error.code, error.value, error.field) == ("NOT_FINITE", "B", "D")


@pytest.mark.parametrize(
    ("factor", "code"), [(0.0, "ZERO_VARIANCE"), (1e-6, "IMPLAUSIBLE"), (100.0, "IMPLAUSIBLE"), (1e-17, "DENORMAL")]
)
def test_a_variance_that_cannot_be_meant(factor, code):
    m = np.array([1, factor, 1, 1])
    matrix = np.diag(VOL**2) * np.outer(m, m)
    if code == "DENORMAL":
        matrix[1, 1] = 1e-35
    error = _code(lambda: Risk.from_covariance(_frame(matrix), U))
    assert error.code == code
    assert error.value in {"B", "1e-35"}


def test_a_missing_asset_is_named():
    assert _code(lambda: Risk.from_covariance(_frame(_sigma()).drop(index="C"), U)).value == "C"
    returns = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)) * 0.01, columns=["A", "B", "D"])
    assert _code(lambda: Risk.from_returns(returns, U)).value == "C"


def test_factors_are_the_same_sigma():
    rng = np.random.default_rng(1)
    f, half, s = rng.normal(size=(4, 2)), rng.normal(size=(2, 2)) * 0.1, rng.uniform(0.05, 0.1, 4)
    omega = half @ half.T
    risk = Risk.from_factors(
        pd.DataFrame(f, NAMES, ["f", "g"]), pd.DataFrame(omega, ["f", "g"], ["f", "g"]), pd.Series(s, NAMES), U
    )
    dense = f @ omega @ f.T + np.diag(s**2)
    np.testing.assert_allclose(risk.covariance[:4, :4], dense, atol=1e-15)
    other = Risk.from_covariance(_frame((dense + dense.T) / 2), U)
    w = rng.normal(size=(3, 5))
    np.testing.assert_allclose(risk.times(w), other.times(w), atol=1e-15)
    np.testing.assert_allclose(
        risk.volatility(w), np.sqrt(np.einsum("ai,ij,aj->a", w[:, :4], dense, w[:, :4])), atol=1e-14
    )
    m = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(risk.scaled(m).covariance, risk.covariance * np.outer(m, m), atol=1e-15)


def test_factor_tables_that_do_not_fit():
    f, omega = pd.DataFrame(np.ones((4, 1)), NAMES, ["f"]), pd.DataFrame([[0.01]], ["f"], ["f"])
    s = pd.Series(0.1, NAMES)
    assert _code(lambda: Risk.from_factors(f.rename(columns={"f": "g"}), omega, s, U)).value == "g"
    assert _code(lambda: Risk.from_factors(f, omega, -s, U)).code == "NEGATIVE"
    assert _code(lambda: Risk.from_factors(f, -omega, s, U)).code == "NOT_PSD"
    assert _code(lambda: Risk.from_factors(f, omega, s.drop("B"), U)).value == "B"


@given(seed=st.integers(0, 1000), account=st.integers(0, 6))
def test_an_account_alone_has_the_same_bits(seed, account):
    risk = Risk.from_covariance(_frame(_sigma()), U)
    w = np.random.default_rng(seed).normal(size=(7, 5))
    assert risk.times(w)[account].tobytes() == risk.times(w[account]).tobytes()
    assert risk.volatility(w)[account].tobytes() == risk.volatility(w[account]).tobytes()


@pytest.mark.parametrize("method", ["ledoit_wolf", "ewma", "sample"])
def test_estimates_come_near_the_truth(method):
    sigma = _sigma()
    daily = np.random.default_rng(3).multivariate_normal(np.zeros(4), sigma / 252, size=20_000)
    returns = pd.DataFrame(daily, columns=NAMES)
    risk = Risk.from_returns(returns, U, method=method, half_life=10_000.0)
    np.testing.assert_allclose(risk.covariance[:4, :4], sigma, atol=0.05 * sigma.max())
    monthly = Risk.from_returns(returns, U, method=method, half_life=10_000.0, periods_per_year=12)
    np.testing.assert_allclose(monthly.covariance * 21, risk.covariance, rtol=1e-9, atol=1e-12)


def test_shrinkage_makes_few_periods_usable():
    """Three periods for four assets: the sample is singular, the shrunk matrix is not."""
    few = pd.DataFrame(np.random.default_rng(4).normal(size=(3, 4)) * VOL / 16, columns=NAMES)
    shrunk, sample = (Risk.from_returns(few, U, method=m).covariance[:4, :4] for m in ("ledoit_wolf", "sample"))
    assert np.linalg.eigvalsh(sample)[0] < 1e-12
    assert np.linalg.eigvalsh(shrunk)[0] > 1e-6
    correlation = shrunk / np.sqrt(np.outer(np.diag(shrunk), np.diag(shrunk)))
    own = np.corrcoef(few.to_numpy(), rowvar=False)
    assert (np.abs(correlation - np.eye(4)) <= np.abs(own - np.eye(4)) + 1e-12).all()


def test_ewma_by_hand():
    returns = pd.DataFrame({"A": [0.01, 0.02], "B": [0.0, 0.01], "C": [0.02, -0.01], "D": [0.01, 0.01]})
    risk = Risk.from_returns(returns, U, method="ewma", half_life=1.0, periods_per_year=1.0)
    x = returns.to_numpy()
    np.testing.assert_allclose(
        risk.covariance[:4, :4], (np.outer(x[0], x[0]) + 2 * np.outer(x[1], x[1])) / 3, atol=1e-12
    )


def test_a_history_too_short_or_holed_is_refused():
    history = pd.DataFrame(np.full((5, 4), 0.01) * np.arange(1, 6)[:, None], columns=NAMES)
    assert _code(lambda: Risk.from_returns(history.head(1), U)).code == "TOO_SHORT"
    history.loc[2, "B"] = np.nan
    assert _code(lambda: Risk.from_returns(history, U)).code == "NOT_FINITE"


def test_an_asymmetric_factor_covariance_is_refused():
    f, s = pd.DataFrame(np.eye(4)[:, :2] + 0.1, NAMES, ["f", "g"]), pd.Series(0.1, NAMES)
    omega = pd.DataFrame([[0.04, 0.02], [0.0, 0.04]], ["f", "g"], ["f", "g"])
    with pytest.raises(MarketError):
        Risk.from_factors(f, omega, s, U)


@pytest.mark.parametrize(
    "frame",
    [_frame(np.eye(4) * 0.04, ["A", "B", "C", "C"]).rename(index=str), pd.DataFrame([["x"] * 4] * 4, NAMES, NAMES)],
    ids=["a label twice", "text"],
)
def test_bad_tables_are_told_in_our_words(frame):
    universe = Universe(("A", "B", "C"), ("x", "x", "y"))
    with pytest.raises(MarketError):
        Risk.from_covariance(frame, universe)
