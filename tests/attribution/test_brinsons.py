"""Standard attribution against Bacon's worked year, the papers' definitions, and the laws of linking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.attribution import brinson, link, roll_up
from trimtab.errors import InputError

BACON = json.loads((Path(__file__).parents[1] / "data" / "cases.json").read_text())["bacon_brinson"]
METHODS = ("fachler", "hood-beebower")
ADDITIVE = ("carino", "menchero", "grap", "frongello")


def bacon(**options):
    frames = (pd.DataFrame(BACON[k], columns=BACON["classes"]) for k in ("wp", "wb", "Rp", "Rb"))
    return brinson(*frames, **options)


def column(found, effect: str) -> np.ndarray:
    return found.by_period[effect].to_numpy().reshape(4, 3)


@pytest.mark.parametrize(("method", "key"), [("fachler", "BF_alloc"), ("hood-beebower", "BHB_alloc")])
def test_bacons_quarters(method, key):
    found = bacon(method=method)
    np.testing.assert_allclose(column(found, "allocation"), BACON[key], atol=1e-9)
    np.testing.assert_allclose(column(found, "selection"), BACON["selection"], atol=1e-9)
    np.testing.assert_allclose(column(found, "interaction"), BACON["interaction"], atol=1e-9)
    np.testing.assert_allclose(found.portfolio, BACON["rp"], atol=1e-12)
    np.testing.assert_allclose(found.benchmark, BACON["rb"], atol=1e-12)


@pytest.mark.parametrize("linking", ["carino", "grap"])
def test_bacons_year(linking):
    linked = bacon(linking=linking).linked.sum()
    assert linked["allocation"] == pytest.approx(BACON[linking]["alloc"], abs=1e-9)
    assert linked["selection"] + linked["interaction"] == pytest.approx(BACON[linking]["sel"], abs=1e-9)
    assert linked["total"] == pytest.approx(BACON["cum_p"] - BACON["cum_b"], abs=1e-12)


def test_carinos_ratios_are_bacons():
    ones = np.ones((4, 1))
    ratios = link(ones, np.array(BACON["rp"]), np.array(BACON["rb"]), "carino")[:, 0]
    np.testing.assert_allclose(ratios, BACON["carino"]["ratio"], atol=1e-9)
    factors = link(ones, np.array(BACON["rp"]), np.array(BACON["rb"]), "grap")[:, 0]
    np.testing.assert_allclose(factors, BACON["grap"]["factor"], atol=1e-12)


def test_mencheros_factors_are_his_papers():
    r, b = np.array(BACON["rp"]), np.array(BACON["rb"])
    whole, base, t = np.prod(1 + r) - 1, np.prod(1 + b) - 1, len(r)
    scale = ((whole - base) / t) / ((1 + whole) ** (1 / t) - (1 + base) ** (1 / t))
    rest = (whole - base - scale * (r - b).sum()) * (r - b) / ((r - b) ** 2).sum()
    np.testing.assert_allclose(link(np.ones((4, 1)), r, b, "menchero")[:, 0], scale + rest, rtol=1e-12)


def test_frongellos_recursion_is_his_papers():
    r, b, e = np.array(BACON["rp"]), np.array(BACON["rb"]), np.array(BACON["rp"]) - np.array(BACON["rb"])
    by_hand, total = [], 0.0
    for t in range(4):
        by_hand.append(e[t] * np.prod(1 + r[:t]) + b[t] * total)
        total += by_hand[-1]
    np.testing.assert_allclose(link(e[:, None], r, b, "frongello")[:, 0], by_hand, rtol=1e-12)


def test_geometric_effects_compound_to_the_ratio():
    found = bacon(linking="geometric")
    by_period = found.by_period.groupby(level="period")[["allocation", "selection"]].sum()
    ratio = (1 + found.portfolio) / (1 + found.benchmark)
    np.testing.assert_allclose((1 + by_period).prod(axis=1), ratio, rtol=1e-12)
    linked = found.linked.sum()
    assert (1 + linked["allocation"]) * (1 + linked["selection"]) == pytest.approx(ratio.prod(), rel=1e-12)
    assert linked["total"] == pytest.approx(ratio.prod() - 1, abs=1e-12)
    np.testing.assert_allclose((1 + by_period).prod() - 1, linked[["allocation", "selection"]], rtol=1e-12)


@st.composite
def histories(draw):
    """Weights and returns of a few periods and groups; now and then a year that is exactly the benchmark's."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    periods, groups = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    weights = [rng.dirichlet(np.ones(groups), periods) for _ in range(2)]
    returns = [rng.normal(0.01, draw(st.sampled_from([1e-6, 0.02, 0.2])), (periods, groups)).clip(-0.9) for _ in "pb"]
    if draw(st.booleans()):
        weights[0][0], returns[0][0] = weights[1][0], returns[1][0]
    return [pd.DataFrame(x) for x in (*weights, *returns)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(histories(), st.sampled_from(ADDITIVE), st.sampled_from(METHODS))
def test_every_additive_row_sums_to_the_arithmetic_excess(history, linking, method):
    found = brinson(*history, method=method, linking=linking)
    whole, base = (np.prod(1 + x) - 1 for x in (found.portfolio, found.benchmark))
    assert abs(found.linked["total"].sum() - (whole - base)) <= 1e-12 * (1 + abs(whole)) + 1e-14
    sums = found.by_period.groupby(level="period").sum().sum(axis=1)
    np.testing.assert_allclose(sums, found.portfolio - found.benchmark, atol=1e-14)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(histories())
def test_finer_groups_roll_up_to_the_same_excess(history):
    wp, wb, rp, rb = history
    groups = {name: f"g{name % 2}" for name in wp.columns}
    coarse = brinson(*_cross(roll_up(wp, rp, groups), roll_up(wb, rb, groups)))
    fine = brinson(wp, wb, rp, rb)
    assert coarse.linked["total"].sum() == pytest.approx(fine.linked["total"].sum(), abs=1e-12)


def _cross(own, other):
    return own[0], other[0], own[1], other[1]


def test_carino_in_the_limit():
    r = np.array([0.05, -0.02])
    np.testing.assert_array_equal(link(np.zeros((2, 1)), r, r, "carino"), 0.0)
    ratio = link(np.ones((2, 1)), r, r, "carino")[:, 0]
    np.testing.assert_allclose(ratio, (np.prod(1 + r)) / (1 + r), rtol=1e-12)
    near = link(np.ones((2, 1)), r + 1e-13, r, "carino")[:, 0]
    np.testing.assert_allclose(near, ratio, rtol=1e-9)


def test_a_group_outside_the_benchmark_is_allocation():
    wp, wb = pd.DataFrame([[0.8, 0.2]], columns=["a", "b"]), pd.DataFrame([[1.0, 0.0]], columns=["a", "b"])
    rp, rb = pd.DataFrame([[0.1, 0.3]], columns=["a", "b"]), pd.DataFrame([[0.1, np.nan]], columns=["a", "b"])
    found = brinson(wp, wb, rp, rb).linked
    assert found.loc["b"].to_dict() == pytest.approx(
        {"allocation": 0.2 * 0.2, "selection": 0, "interaction": 0, "total": 0.04}
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"wp": [[0.7, 0.4]]}, "WEIGHTS_SUM"),
        ({"wp": [[70, 30]]}, "WEIGHTS_SUM"),
        ({"rp": [[-1.5, -1.0]]}, "TOTAL_LOSS"),
        ({"rb": [[np.nan, 0.0]]}, "NO_RETURN"),
        ({"rb": [[0.1, 0.0], [0.1, 0.0]]}, "LENGTH"),
        ({"linking": "carinho"}, "UNKNOWN_METHOD"),
        ({"method": "brinson"}, "UNKNOWN_METHOD"),
    ],
)
def test_what_is_refused(change, code):
    given_ = {"wp": [[0.7, 0.3]], "wb": [[0.5, 0.5]], "rp": [[0.1, 0.0]], "rb": [[0.1, 0.0]]} | change
    frames = [pd.DataFrame(given_.pop(name)) for name in ("wp", "wb", "rp", "rb")]
    with pytest.raises(InputError) as caught:
        brinson(*frames, **given_)
    assert caught.value.code == code
