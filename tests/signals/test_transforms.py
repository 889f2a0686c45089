"""Transforms against plain pandas, and the laws of each."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trimtab.errors import SignalError
from trimtab.signals import transforms

RNG = np.random.default_rng(17)
VALUES = np.cumsum(RNG.normal(size=(300, 3)), axis=0) + 50.0
VALUES[40:44, 1] = np.nan
VALUES[:11, 2] = np.nan
FRAME = pd.DataFrame(VALUES)

numbers = arrays(float, st.integers(1, 60), elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 3)))


def close(found, wanted):
    np.testing.assert_allclose(found, np.asarray(wanted, dtype=float), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", [0, 30, 63])
def test_zscores_are_those_of_pandas(window):
    roll = FRAME.rolling(window, min_periods=20) if window else FRAME.expanding(min_periods=20)
    close(transforms.zscore(VALUES, window=window, least=20), (FRAME - roll.mean()) / roll.std())


def test_a_zscore_keeps_its_digits_far_from_nought():
    wave = np.sin(np.arange(200.0))
    near, far = (transforms.zscore(wave + level, window=50) for level in (0.0, 1e9))
    np.testing.assert_allclose(far, near, atol=1e-5)


@pytest.mark.parametrize("name", ["zscore", "robust"])
@pytest.mark.parametrize("window", [0, 30])
def test_what_does_not_move_has_no_score(name, window):
    still = np.full(100, 0.1) + 0.2
    assert np.isnan(getattr(transforms, name)(still, window=window)).all()


@pytest.mark.parametrize("window", [0, 40])
def test_a_percentile_counts_what_lies_below_and_half_of_the_ties(window):
    values = np.round(VALUES[:, 0])
    found = transforms.percentile(values, window=window, least=5)
    for row in range(4, len(values)):
        past = values[max(0, row - window + 1) if window else 0 : row + 1]
        assert found[row] == pytest.approx(((past < values[row]).sum() + 0.5 * (past == values[row]).sum()) / len(past))
    assert np.isnan(found[:4]).all()
    close(
        transforms.percentile(values, window=window, centred=True), 2 * transforms.percentile(values, window=window) - 1
    )


@pytest.mark.parametrize("window", [0, 40])
def test_winsorised_values_stay_within_their_quantiles(window):
    found = transforms.winsorise(VALUES, window=window, tail=0.1)
    roll = FRAME.rolling(window, min_periods=24) if window else FRAME.expanding(min_periods=24)
    close(found, FRAME.clip(roll.quantile(0.1), roll.quantile(0.9)).where(roll.quantile(0.1).notna()))
    assert (found != VALUES)[60:].any()


@pytest.mark.parametrize("window", [0, 31])
def test_robust_scores_are_those_of_medians(window):
    found = transforms.robust(VALUES, window=window, least=12)
    for column in range(3):
        for row in range(0, 300, 7):
            past = VALUES[max(0, row - window + 1) if window else 0 : row + 1, column]
            past = past[~np.isnan(past)]
            if len(past) < 12 or np.isnan(VALUES[row, column]):
                assert np.isnan(found[row, column])
                continue
            middle = np.median(past)
            wanted = (VALUES[row, column] - middle) / (1.4826 * np.median(np.abs(past - middle)))
            assert found[row, column] == pytest.approx(wanted, rel=1e-12)


def test_decay_is_the_exponential_mean_of_pandas():
    close_enough = FRAME.ewm(halflife=3.0, ignore_na=False).mean()
    found = transforms.decay(VALUES, half_life=3.0)
    np.testing.assert_allclose(found, close_enough, rtol=3e-6)


def test_simple_transforms_are_those_of_pandas():
    close(transforms.trailing_average(VALUES, window=7), FRAME.rolling(7).mean())
    close(transforms.difference(VALUES, lookback=5), FRAME.diff(5))
    close(transforms.change(VALUES, lookback=5), FRAME.pct_change(5, fill_method=None))
    close(transforms.scale(VALUES, by=2.0, less=50.0), 2 * (FRAME - 50))
    close(transforms.clip(VALUES, most=51.0), FRAME.clip(-51, 51))


@given(numbers)
def test_bounds_keep_sign_and_order(values):
    order = np.argsort(values, kind="stable")
    for bend in (transforms.clip, transforms.tanh, transforms.sign):
        bent = bend(values)
        assert (np.diff(bent[order]) >= 0).all()
        assert (np.abs(bent) <= 3.0).all()
        assert (bent * values >= 0).all()


@given(arrays(float, (3, 5), elements=st.one_of(st.integers(-5, 5).map(float), st.just(np.nan))))
def test_a_rank_is_a_place_among_those_that_say_something(values):
    found = transforms.rank(values)
    for row, placed in zip(values, found, strict=True):
        said = row[~np.isnan(row)]
        for value, place in zip(row, placed, strict=True):
            if np.isnan(value) or len(said) < 2:
                assert np.isnan(place)
            else:
                below, same = (said < value).sum(), (said == value).sum()
                assert place == pytest.approx((2 * below + same) / len(said) - 1)
    np.testing.assert_allclose(transforms.rank(-values), -found)


def test_columns_are_compared_with_the_others_of_their_row():
    wanted = FRAME.sub(FRAME.mean(axis=1), axis=0).div(FRAME.std(axis=1), axis=0)
    close(transforms.cross_zscore(VALUES), wanted)
    assert np.isnan(transforms.cross_zscore(np.array([[1.0, 1.0], [np.nan, 2.0]]))).all()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("zscore", {"least": 1}),
        ("zscore", {"window": -1}),
        ("percentile", {"least": 0}),
        ("winsorise", {"tail": -0.1}),
        ("winsorise", {"tail": 0.6}),
        ("decay", {"half_life": 0.0}),
        ("change", {"lookback": 0}),
        ("clip", {"most": -1.0}),
        ("tanh", {"most": 0.0}),
        ("sign", {"dead": -1.0}),
    ],
)
def test_impossible_parameters_are_refused(name, given):
    with pytest.raises(SignalError) as caught:
        getattr(transforms, name)(VALUES, **given)
    assert caught.value.code == "BAD_PARAMETER"
