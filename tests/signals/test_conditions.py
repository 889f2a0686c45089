"""Conditions say of every day what was true on it, from what was known by then; rules replay from that alone."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.signals.conditions import Condition, Tape
from trimtab.signals.rules import ASLEEP, Action, Rule, Spell, replay

FIRST = dt.date(2016, 1, 1)


def tape(values, states=None):
    """A tape of one signal ``s``, a value a day; and of one regime ``r``."""
    days = pd.date_range(FIRST, periods=len(values), freq="D")
    frame = pd.DataFrame({"s": np.array(values, dtype=float)}, index=days)
    own = {} if states is None else {"r": pd.DataFrame({"state": states}, index=days)}
    return Tape(days, frame, 10 * frame, own)


def held(condition, values, states=None):
    return [int(x) for x in condition.holds(tape(values, states))]


NONE = float("nan")


@pytest.mark.parametrize(
    ("test", "values", "expected"),
    [
        ({"below": 0.0}, [1, -1, 0, NONE, -2], [0, 1, 0, 0, 1]),
        ({"above": 0.0}, [1, -1, 0, NONE, 2], [1, 0, 0, 0, 1]),
        ({"below": 0.0, "days": 2}, [-1, -1, -1, 1, -1, NONE, -1, -1], [0, 1, 1, 0, 0, 0, 0, 1]),
        ({"above": 5.0, "of": "raw"}, [0.4, 0.6], [0, 1]),
        ({"crosses_below": 0.0}, [1, -1, -2, 1, -1], [0, 1, 0, 0, 1]),
        ({"crosses_below": 0.0}, [-1, -2, 0, -1], [0, 0, 0, 1]),  # who begins below has not crossed
        ({"crosses_above": 0.0}, [-1, NONE, 1], [0, 0, 1]),  # the last known day counts
        ({"crosses_below": 0.0, "days": 3}, [1, -1, -1, -1, -1, 1, -1, 1], [0, 0, 0, 1, 0, 0, 0, 0]),
        ({"average_below": 0.0, "window_days": 3}, [3, 2, 1, 1, 2], [0, 0, 1, 1, 0]),
        ({"average_above": 0.5, "window_days": 3}, [3, 2, 1, 1, 2], [0, 0, 0, 0, 1]),
        ({"percentile_below": 0.2, "window_days": 4}, [1, 2, 3, 0, 4], [0, 0, 0, 1, 0]),
        ({"percentile_above": 0.8, "window_days": 4}, [1, 2, 3, 0, 4], [0, 0, 0, 0, 1]),
    ],
)
def test_each_test_by_hand(test, values, expected):
    assert held(Condition("s", **test), values) == expected


def test_a_percentile_of_all_history_wants_a_year_of_it():
    rising = held(Condition("s", percentile_above=0.9), np.arange(400.0))
    assert sum(rising[:364]) == 0
    assert all(rising[364:])


def test_a_regime_by_its_state_or_its_probability():
    states = ["calm", "stressed", "stressed", ""]
    assert held(Condition(regime="r", state="stressed", days=2), [0] * 4, states) == [0, 0, 1, 0]
    days = pd.date_range(FIRST, periods=3, freq="D")
    likely = pd.DataFrame({"state": "calm", "calm": [0.6, 0.3, NONE], "stressed": [0.4, 0.7, NONE]}, index=days)
    there = Condition(regime="r", state=("stressed",), likely="60%").holds(
        Tape(days, pd.DataFrame(index=days), pd.DataFrame(index=days), {"r": likely})
    )
    assert there.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"signal": "s"},
        {"signal": "s", "below": 1, "above": 0},
        {"signal": "s", "regime": "r", "below": 1},
        {"regime": "r"},
        {"regime": "r", "state": "calm", "below": 0},
        {"signal": "s", "below": "low"},
        {"signal": "s", "below": 0, "days": 0},
        {"signal": "s", "below": 0, "of": "rank"},
        {"signal": "s", "average_below": 0},
        {"signal": "s", "percentile_below": 20},
        {"regime": "r", "state": "calm", "likely": 1.5},
    ],
)
def test_what_says_nothing_or_two_things_is_refused(written):
    with pytest.raises(SignalError) as refused:
        Condition(**written)
    assert refused.value.code == "BAD_CONDITION"
    assert refused.value.mend


VALUES = st.lists(st.one_of(st.just(NONE), st.integers(-3, 3).map(float)), min_size=1, max_size=40)
NUMBER = st.integers(-2, 2).map(float)
CONDITIONS = st.one_of(
    *(
        st.builds(lambda x, d, name=name: Condition("s", **{name: x}, days=d), NUMBER, st.integers(1, 4))
        for name in ("below", "above", "crosses_below", "crosses_above")
    ),
    *(
        st.builds(lambda x, w, name=name: Condition("s", **{name: x}, window_days=w), share, st.integers(2, 6))
        for name, share in (("average_below", NUMBER), ("percentile_above", st.sampled_from([0.2, 0.5, 0.8])))
    ),
)


@given(CONDITIONS, VALUES, VALUES)
def test_what_comes_later_changes_no_day_before(condition, before, after):
    alone = condition.holds(tape(before))
    both = condition.holds(tape([*before, *after]))
    assert (both[: len(before)] == alone).all()


# ------------------------------------------------------------------------------------------------------------- rules

SHIFT = Action("target", "5%", "bonds - equity")


def spell(rule, values, upto=None):
    return replay(rule, tape(values[:upto]))


def acts_on(rule, values):
    """The days on which it acts, each asked by itself."""
    return [spell(rule, values, i + 1).since is not None for i in range(len(values))]


def ones(*runs):
    """``ones((2, 1), (3, 0))`` is 1 1 0 0 0, in values below 0 where it is 1."""
    return [-1.0 if on else 1.0 for count, on in runs for _ in range(count)]


def test_without_expiry_it_acts_while_its_conditions_hold():
    rule = Rule("r", Condition("s", below=0.0, days=2), SHIFT)
    assert acts_on(rule, ones((1, 0), (4, 1), (2, 0))) == [False, False, True, True, True, False, False]


def test_with_expiry_it_acts_so_many_days_and_then_rests():
    rule = Rule("r", Condition("s", below=0.0), SHIFT, expires_days=3, cooldown_days=2)
    values = ones((1, 0), (9, 1))
    assert "".join("A" if x else "." for x in acts_on(rule, values)) == ".AAA..AAA."
    once = ones((1, 0), (1, 1), (8, 0))
    assert "".join("A" if x else "." for x in acts_on(rule, once)) == ".AAA......"
    ended = spell(rule, values, 5)
    assert ended == Spell(None, FIRST + dt.timedelta(days=6))


def test_a_cross_acts_for_its_days_and_until_ends_it_early():
    crossed = Rule("r", Condition("s", crosses_below=0.0), SHIFT, expires_days=4)
    values = ones((2, 0), (1, 1), (6, 0))
    assert "".join("A" if x else "." for x in acts_on(crossed, values)) == "..AAAA..."
    early = Rule("r", Condition("s", crosses_below=0.0), SHIFT, Condition("s", above=0.0, days=2), expires_days=4)
    assert "".join("A" if x else "." for x in acts_on(early, values)) == "..AA....."


def day_by_day(rule, values):
    """The same in the plainest way: a day at a time, from what the rule's words say."""
    told = tape(values)
    holds = np.logical_and.reduce([c.holds(told) for c in rule.when])
    stops = np.logical_and.reduce([c.holds(told) for c in rule.until]) if rule.until else np.zeros(len(told), bool)
    since, free = None, 0
    for i in range(len(told)):
        over = since is not None and (
            stops[i] or (i >= since + rule.expires_days if rule.expires_days else not holds[i])
        )
        if over:
            since, free = None, i + rule.cooldown_days
        if since is None and i >= free and holds[i] and not stops[i]:
            since = i
    return None if since is None else FIRST + dt.timedelta(days=since)


RULES = st.builds(
    lambda when, until, cooldown, expires: Rule("r", when, SHIFT, until, cooldown_days=cooldown, expires_days=expires),
    st.lists(CONDITIONS, min_size=1, max_size=2),
    st.lists(CONDITIONS, max_size=1),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(1, 5)),
)


@given(RULES, VALUES)
def test_replaying_is_going_through_the_days(rule, values):
    assert replay(rule, tape(values)).since == day_by_day(rule, values)


@given(RULES, VALUES, st.data())
def test_replaying_the_rest_from_where_the_beginning_ended_is_replaying_the_whole(rule, values, data):
    cut = data.draw(st.integers(0, len(values)))
    whole = tape(values)
    before = replay(rule, tape(values[:cut])) if cut else ASLEEP
    assert replay(rule, whole, first=cut, before=before) == replay(rule, whole)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Action("targt", 0.05, "bonds - equity"), "BAD_RULE"),
        (lambda: Action("target", "much", "bonds - equity"), "BAD_RULE"),
        (lambda: Action("target", 0.05), "BAD_RULE"),
        (lambda: Action("aversion", 1.5, "equity"), "BAD_RULE"),
        (lambda: Rule("", Condition("s", below=0), SHIFT), "BAD_RULE"),
        (lambda: Rule("r", (), SHIFT), "BAD_RULE"),
        (lambda: Rule("r", Condition("s", below=0), ()), "BAD_RULE"),
        (lambda: Rule("r", "s below 0", SHIFT), "BAD_RULE"),
        (lambda: Rule("r", Condition("s", below=0), SHIFT, expires_days=0), "BAD_RULE"),
        (lambda: Rule("r", Condition("s", below=0), SHIFT, cooldown_days=-1), "BAD_RULE"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(make, code):
    with pytest.raises(SignalError) as refused:
        make()
    assert refused.value.code == code


def test_a_rule_is_data_that_hashes_and_travels():
    import pickle

    rule = Rule("r", Condition("s", below=0.0), SHIFT)
    assert pickle.loads(pickle.dumps(rule)) == rule  # noqa: S301  our own bytes
    assert hash(rule) == hash(Rule("r", [Condition("s", below="0%")], [SHIFT]))
