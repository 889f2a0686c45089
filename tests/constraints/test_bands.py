"""Bands: widths, sentences, what is refused, and the term they are; when and how far a policy rebalances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Band, Deviation, Policy, Rebalance, read_policy
from trimtab.constraints import terms as said
from trimtab.errors import PolicyError

T = np.array([0.42, 0.18, 0.40, 0.0])


@pytest.fixture
def faced(context):
    """At 50, 10, 35, 5 around a target of 42, 18, 40, 0."""
    return replace(context, tactical=T)


DRIFTS = "that drifts from its tactical target by more than"
SENTENCES = [
    (Band("3%"), f"each asset {DRIFTS} 3.00% is brought back"),
    (Band(("2%", "4%"), on="equity", use="both"), f"equity {DRIFTS} 2.00% below or 4.00% above has to be brought back"),
    (
        Band(relative=0.2, floor="1%", use="constraint"),
        f"each asset {DRIFTS} 20.00% of it, and by more than 1.00%, may not stay there",
    ),
    (Band(0.05, on="equity", of="sum"), f"the sum of equity {DRIFTS} 5.00% is brought back"),
]


@pytest.mark.parametrize(("band", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_band_is_a_sentence(band, sentence):
    assert str(band) == sentence


REFUSED = [
    ({}, "absolute"),
    ({"absolute": 0.1, "relative": 0.1}, "absolute"),
    ({"absolute": 0.1, "floor": 0.1}, "floor"),
    ({"absolute": -0.1}, "absolute"),
    ({"absolute": (0.1, 0.1, 0.1)}, "absolute"),
    ({"absolute": (0.1, "wide")}, "absolute"),
    ({"relative": (0.1, 20)}, "relative"),
    ({"absolute": 0.1, "inner": 1.5}, "inner"),
    ({"absolute": 0.1, "least": 0.2, "most": 0.1}, "least"),
    ({"absolute": 0.1, "of": "sum"}, "on"),
    ({"absolute": 0.1, "of": "both"}, "of"),
    ({"absolute": 0.1, "use": "always"}, "use"),
    ({"absolute": 0.1, "grandfather": True}, "grandfather"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_band_is_refused(fields, field):
    with pytest.raises(PolicyError) as caught:
        Band(**fields)
    assert caught.value.field == field


def edges(band, context):
    read = band.read(context)
    return read.target - read.low, read.target + read.high


def test_absolute_relative_and_hybrid_widths(faced):
    low, high = edges(Band(0.03), faced)
    np.testing.assert_allclose(low, T - 0.03)
    np.testing.assert_allclose(high, T + 0.03)
    low, high = edges(Band(relative=0.25), faced)
    np.testing.assert_allclose(high - low, 2 * np.array([0.105, 0.045, 0.1, 0.0]))
    low, high = edges(Band(relative=(0.25, 0.5), floor=0.06), faced)
    np.testing.assert_allclose(T - low, [0.105, 0.06, 0.1, 0.06])
    np.testing.assert_allclose(high - T, [0.21, 0.09, 0.2, 0.06])


def test_a_weight_of_zero_has_the_floor_or_nothing(faced):
    """Holding any of what should not be held is a breach, holding nothing is none."""
    read = Band(relative=0.25).read(faced)
    assert read.left[3]
    assert np.isinf(read.used[3])
    none = Band(relative=0.25).read(replace(faced, current=np.array([0.5, 0.1, 0.4, 0.0])))
    assert not none.left[3]
    assert none.used[3] == 0.0
    floored = Band(relative=0.25, floor=0.1).read(faced)
    assert not floored.left[3]
    assert floored.used[3] == pytest.approx(0.5)


def test_a_short_target_has_a_band_of_its_size(faced):
    read = Band(relative=0.25).read(replace(faced, tactical=np.array([-0.4, 0.6, 0.4, 0.4])))
    np.testing.assert_allclose(read.low, [0.1, 0.15, 0.1, 0.1])


def test_the_tilt_widens_and_narrows_between_floor_and_cap(faced):
    wide = replace(faced, widening=(np.array([2.0, 1.0, 0.1, 1.0]), np.array([1.0, 5.0, 1.0, 1.0])))
    read = Band(0.03, least=0.01, most=0.05).read(wide)
    np.testing.assert_allclose(read.low, [0.05, 0.03, 0.01, 0.03])
    np.testing.assert_allclose(read.high, [0.03, 0.05, 0.03, 0.03])
    whole = Band(0.03, on="equity", of="sum").read(wide)
    np.testing.assert_allclose([whole.low[0], whole.high[0]], [0.045, 0.09])


def test_no_band_reaches_beyond_the_deviation_limit(faced):
    """At strategic 40 plus or minus 5, a band of 8 around a target of 42 ends at 35 and 45."""
    policy = Policy((Deviation("5%"), Band(0.08)), rebalance=Rebalance("band"))
    read = Band(0.08).read(policy.face(faced, T))
    np.testing.assert_allclose(read.target + read.high, [0.45, 0.25, 0.45, 0.05])
    np.testing.assert_allclose(read.target - read.low, [0.35, 0.15, 0.35, 0.0 - 0.05])
    whole = Band(0.2, on="equity", of="sum").read(policy.face(faced, T))
    np.testing.assert_allclose(whole.target + whole.high, [0.70])


def test_what_may_not_be_traded_has_not_drifted(faced):
    """The target is clipped into the account's own boxes: a frozen asset has none but where it stands."""
    rules = {"frozen": np.array([True, False, False, False]), "no_buy": np.array([False, True, False, False])}
    policy = Policy((Band(0.03),), rebalance=Rebalance("band"))
    read = Band(0.03).read(policy.face(replace(faced, rules=rules), T))
    np.testing.assert_array_equal(read.left, [False, False, True, True])
    assert read.drift[0] == read.drift[1] == 0.0


def test_a_part_of_what_the_desk_may_trade_hides_no_drift(faced):
    """The pace of the day is no reason to call an account fine: it would be held in the second round."""
    policy = Policy((Band(0.03),), rebalance=Rebalance("band"))
    slowed = replace(faced, allowances=np.full((2, 4), 0.001))
    np.testing.assert_array_equal(policy.face(slowed, T).tactical, policy.face(faced, T).tactical)


def test_a_band_that_only_triggers_is_no_term(faced):
    assert Band(0.03).terms(faced) == ()
    (box,) = Band(0.03, on="equity", use="both").terms(faced)
    assert isinstance(box, said.Box)
    np.testing.assert_allclose(box.lo, [0.39, 0.15, -np.inf, -np.inf])
    (rows,) = Band(0.03, on="equity", of="sum", use="constraint").terms(faced)
    np.testing.assert_allclose(rows.matrix, [[1, 1, 0, 0]])
    np.testing.assert_allclose([rows.lo, rows.hi], [[0.57], [0.63]])


def test_a_band_needs_a_target_to_be_measured_from(context):
    with pytest.raises(PolicyError, match="tactical target"):
        Band(0.03, use="both").terms(context)


def test_many_accounts_are_read_as_one_by_one(faced):
    rng = np.random.default_rng(5)
    current, tactical = rng.dirichlet(np.ones(4), 6), rng.dirichlet(np.ones(4), 6)
    many = replace(faced, current=current, tactical=tactical, strategic=np.broadcast_to(T, (6, 4)))
    for band in (Band(0.03), Band(relative=0.2, floor=0.01), Band((0.1, 0.2), on="equity", of="sum")):
        whole = band.read(many)
        for i in range(6):
            one = band.read(replace(faced, current=current[i], tactical=tactical[i]))
            for name in ("target", "low", "high", "drift", "left", "used"):
                np.testing.assert_array_equal(getattr(whole, name)[i], getattr(one, name))


# ------------------------------------------------------------------------------------------- when, and how far


def test_a_policy_file_says_bands_triggers_and_destinations():
    policy = read_policy(
        {
            "rebalance": {
                "trigger": ["band", "calendar", "tracking_error"], "destination": "part", "part": "40%",
                "exchange": "XLON", "every_sessions": 63, "cooldown_sessions": 5, "tracking_error": "1%",
            },
            "limits": [{"kind": "band", "relative": [0.2, 0.3], "floor": "1%", "use": "both", "inner": "50%"}],
        }
    )  # fmt: skip
    rules = policy.rebalance
    assert (rules.triggers, rules.destination, rules.part) == (("band", "calendar", "tracking_error"), "part", 0.4)
    assert (rules.tracking_error, rules.exchange) == (0.01, "XLON")
    assert policy.bands[0].relative == (0.2, 0.3)
    assert policy.needs_target
    assert "40% of the way" in str(policy)
    assert "rebalanced" not in str(read_policy({}))


BAD_RULES = [
    ({"trigger": "bands"}, "did you mean 'band'"),
    ({"trigger": []}, "one of"),
    ({"trigger": "band"}, "add a limit of kind band"),
    ({"destination": "edge"}, "add a limit of kind band"),
    ({"destination": "edges"}, "ideal"),
    ({"trigger": "tracking_error"}, "the number above which"),
    ({"part": 0}, "above 0"),
    ({"part": "150%"}, "above 0"),
    ({"every_sessions": 0}, "whole number"),
    ({"cooldown": 3}, "cooldown_sessions"),
]


@pytest.mark.parametrize(("rules", "words"), BAD_RULES, ids=range(len(BAD_RULES)))
def test_rules_that_cannot_be_meant_are_refused(rules, words):
    with pytest.raises(PolicyError, match=words):
        read_policy({"rebalance": rules})


def test_a_band_that_only_binds_is_no_trigger():
    with pytest.raises(PolicyError) as caught:
        Policy((Band(0.03, use="constraint"),), rebalance=Rebalance("band"))
    assert caught.value.code == "NO_BAND"
