"""Phases as a policy writes them: read, said, refused with the field and the mend."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Band, Phases, Policy, Rebalance, Turnover, read_policy
from trimtab.errors import PolicyError

STEPS = [[0, "50%"], [30, "25%"], [60, 0.25]]


def test_a_document_says_what_python_says():
    written = {
        "phases": {"steps": STEPS, "of": "remaining", "merge_at": "2%", "restart_at": "150bp", "close_at": 0.002}
    }
    policy = read_policy(written)
    assert policy.phases == Phases(((0, 0.5), (30, 0.25), (60, 0.25)), "remaining", 0.02, 0.015, 0.002)
    assert policy.phases == Phases(STEPS, "remaining", "2%", "150bp", "0.2%")
    assert read_policy({}).phases is None
    assert policy.hash != read_policy({}).hash != read_policy({"phases": {"steps": STEPS}}).hash


def test_it_is_said_as_a_committee_would():
    assert str(Phases(STEPS)) in str(read_policy({"phases": {"steps": STEPS}}))
    assert str(Phases(((10, "12.5%"), (11, "87.5%")), "remaining")) == (
        "a gap is closed in 2 phases: 12.50% after 10 days, 87.50% after 11 days, of the gap at the start, each "
        "counted on what remains"
    )


@pytest.mark.parametrize(
    ("more", "field", "says"),
    [
        ({"steps": []}, "steps", "a list of pairs"),
        ({"steps": [[0, 0.5], [0, 0.5]]}, "steps", "days that increase"),
        ({"steps": [[-1, 1.0]]}, "steps", "at least 0"),
        ({"steps": [[True, 1.0]]}, "steps", "a whole number of days"),
        ({"steps": [[0, 0.5], [30, 0.4]]}, "steps", "sum to 90.00%"),
        ({"steps": [[0, 1.5], [30, -0.5]]}, "steps", "above 0 and at most 1"),
        ({"steps": [[0, "half"]]}, "steps", "'half'"),
        ({"steps": [[0, 0.5, 1]]}, "steps", "pairs"),
        ({"steps": STEPS, "merge_at": "1bp"}, "merge_at", "at least close_at"),
        ({"steps": STEPS, "restart_at": 2}, "restart_at", "at most 1"),
        ({"steps": STEPS, "close_at": -0.001}, "close_at", "at least 0"),
        ({"steps": STEPS, "of": "orginal"}, "of", "original"),
    ],
)
def test_what_cannot_be_meant_is_refused(more, field, says):
    with pytest.raises(PolicyError) as caught:
        read_policy({"phases": more})
    assert caught.value.field == f"phases.{field}"
    assert says in str(caught.value)


def test_an_unknown_key_suggests_the_nearest():
    with pytest.raises(PolicyError, match="did you mean 'steps'"):
        read_policy({"phases": {"steps": STEPS, "step": []}})


@pytest.mark.parametrize("destination", ["edge", "part", "flow"])
def test_phases_go_all_the_way(destination):
    with pytest.raises(PolicyError) as caught:
        Policy((Band("3%"),), phases=Phases(STEPS), rebalance=Rebalance(destination=destination))
    assert caught.value.code == "PHASED_DESTINATION"


def test_its_tier_is_below_every_other():
    assert Policy((Turnover("5%", tier=7),)).pace.tier == 8
    assert [Policy(phases=p).pace.name for p in (None, Phases(STEPS))] == ["pace", "phase"]


parts = st.lists(st.integers(1, 50), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(parts, st.data())
def test_steps_that_were_missed_release_what_they_would_have_released_one_by_one(sizes, data):
    """Exact fractions are the second opinion: 50 %, 25 %, 25 % of the whole are 50 %, 50 %, 100 % of what remains."""
    exact = [Fraction(size, sum(sizes)) for size in sizes]
    phases = Phases(tuple((k, float(part)) for k, part in enumerate(exact)), "remaining")
    before = data.draw(st.integers(0, len(sizes) - 1))
    after = data.draw(st.integers(before, len(sizes)))
    left = Fraction(1)
    for k in range(before, after):
        left *= 1 - exact[k] / sum(exact[k:])
    assert phases.released(np.array([before]), np.array([after]))[0] == pytest.approx(float(1 - left), abs=1e-12)
    assert phases.shares[-1] == 1.0
