"""Whose word counts: nothing that stands speaks against what came before it, and every shift still sums to nought."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.models import Universe
from trimtab.signals.grounds import Climate, Ground, Readout
from trimtab.signals.overlays import MacroOverlay, VolatilityOverlay
from trimtab.signals.priorities import Act, combine, settle

UNIVERSE = Universe(("A", "B", "C", "D"), ("equity", "equity", "bonds", "gold"))
N = len(UNIVERSE)
SIGNS = st.lists(st.integers(-1, 1), min_size=N - 1, max_size=N - 1).map(lambda x: np.array([*x, 0.0]))


@st.composite
def an_act(draw, source):
    channel = draw(st.sampled_from(["target", "band_high", "buy_pace", "aversion"]))
    lean, size = draw(SIGNS), draw(st.integers(1, 4)) / 100
    if channel == "target":
        values = size * lean
        values[-1] -= values.sum()  # the cash pays, and leans nowhere
    elif channel == "aversion":
        values, lean = np.array([draw(st.sampled_from([0.5, 1.5]))]), np.zeros(N)
    else:
        up = draw(st.sampled_from([0.5, 1.5]))
        values = np.where(lean != 0, up, 1.0)
    return Act("overlay", source, source, channel, "", values, lean, "")


ACTS = st.lists(st.sampled_from("abcde").flatmap(an_act), max_size=6)


def speaks_against(act, other):
    if act.source == other.source:
        return False
    if len(act.values) > 1 and (act.lean * other.lean < 0).any():
        return True
    if act.channel != other.channel or act.channel == "target":
        return False
    return bool((np.log(act.values) * np.log(other.values) < 0).any())


@given(ACTS)
def test_what_stands_contradicts_nothing_before_it(acts):
    kept, conflicts = settle(acts, UNIVERSE)
    for i, act in enumerate(kept):
        assert not any(speaks_against(act, other) for other in kept[:i])
        if act.channel == "target":
            assert abs(act.values.sum()) < 1e-12
    clashes = any(speaks_against(a, b) for i, a in enumerate(acts) for b in acts[:i])
    if not clashes:
        assert not conflicts
        assert [k.values.tolist() for k in kept] == [a.values.tolist() for a in acts if not a.idle]
    assert settle(kept, UNIVERSE)[1] == ()  # what is settled stays so


@given(ACTS)
def test_the_first_is_heard_whole_and_nobody_grows(acts):
    kept, _ = settle(acts, UNIVERSE)
    said = [act for act in acts if not act.idle]
    if said:
        assert kept[0].values.tolist() == said[0].values.tolist()
    most = sum(np.abs(act.values[:-1]).sum() for act in acts if act.channel == "target")
    assert np.abs(np.broadcast_to(combine(kept).target, (N,))[:-1]).sum() <= most + 1e-12


def ground(**weights):
    return Ground("m", UNIVERSE, UNIVERSE.vector(weights or {"A": 0.4, "B": 0.2, "C": 0.3, "D": 0.1}))


def climate(state, **likely):
    return Readout({}, {}, {"r": Climate(state, likely)})


def test_by_probability_each_multiplier_is_a_power_and_each_shift_a_share():
    overlay = VolatilityOverlay(
        regime="r", states=("wild",), bands="widen", factor=2.0, frequency=0.25, risky="equity", cut="6%", fund="gold",
        by_probability=True,
    )  # fmt: skip
    half = combine(list(overlay.acts(climate("calm", calm=0.5, wild=0.5), ground())))
    assert half.band_low == pytest.approx(np.full(N, np.sqrt(2.0)))
    assert half.frequency == pytest.approx(0.5)
    assert half.target == pytest.approx([-0.02, -0.01, 0.0, 0.03, 0.0])
    assert not list(overlay.acts(climate("calm", calm=1.0, wild=0.0), ground()))
    label = VolatilityOverlay(regime="r", states=("wild",), bands="narrow", factor=2.0)
    assert not list(label.acts(climate("calm", calm=0.5, wild=0.5), ground()))  # by its state it is calm


def test_macro_by_probability_is_the_mean_of_its_states():
    overlay = MacroOverlay(
        regime="r", shifts={"up": {"A": "4%", "C": "-4%"}, "down": {"A": "-2%", "D": "2%"}}, aversion={"down": 4.0},
        by_probability=True,
    )  # fmt: skip
    tilt = combine(list(overlay.acts(climate("up", up=0.75, down=0.25), ground())))
    assert tilt.target == pytest.approx([0.025, 0.0, -0.03, 0.005, 0.0])
    assert tilt.aversion == pytest.approx(4.0**0.25)


def test_what_a_model_does_not_hold_moves_nothing():
    overlay = VolatilityOverlay(regime="r", states=("wild",), bands="keep", risky="gold", cut="6%", fund="bonds")
    assert not list(overlay.acts(climate("wild"), ground(A=0.5, C=0.5)))
    small = combine(list(overlay.acts(climate("wild"), ground(A=0.5, C=0.48, D=0.02))))
    assert small.target == pytest.approx([0.0, 0.0, 0.02, -0.02, 0.0])
