"""Nothing looks ahead: every measure and every transform, those that others add too.

Bit by bit: what a row says does not change when the rows after it are cut off or replaced, nor when rows are cut off
that lie further back than the memory it declares. The second law is what lets an incremental day equal a full run.
"""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.signals.definitions import Signal
from trimtab.signals.kinds import complete
from trimtab.signals.measures import FAMILIES, KINDS
from trimtab.signals.transforms import TRANSFORMS

CASES = [(kind, each) for kind, each in KINDS.items()] + [(kind, each) for kind, each in TRANSFORMS.items()]
ROWS = 90


@st.composite
def levels(draw, columns):
    """Positive walks of which some begin late and some have holes."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    values = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (ROWS, columns)), axis=0))
    if draw(st.booleans()):
        values = np.round(values)  # ties
    if draw(st.booleans()):
        values[rng.random(values.shape) < 0.03] = np.nan
    if draw(st.booleans()):
        values[: rng.integers(1, 30), rng.integers(columns)] = np.nan
    return values


def small(draw, one, kind):
    """Parameters with whole numbers small enough for the rows, so that windows fill and forget."""
    given = {}
    for name, parameter in inspect.signature(one.function).parameters.items():
        is_whole = parameter.kind is parameter.KEYWORD_ONLY and parameter.annotation == "int"
        if is_whole and draw(st.booleans()):
            given[name] = draw(st.integers(0, 25))
        if name == "half_life":
            given[name] = draw(st.sampled_from([0.5, 1.0, 2.0]))
        if name == "decay":
            given[name] = draw(st.sampled_from([0.3, 0.7]))
    return complete(one.function, given, kind)


def inputs(one, crosswise_columns=4):
    count = getattr(one, "count", 1)
    return crosswise_columns if count in {None, 1} else count


def answer(one, values, parameters):
    try:
        return one.function(values, **parameters)
    except SignalError:
        assume(False)


@pytest.mark.parametrize(("kind", "one"), CASES, ids=[kind for kind, _ in CASES])
@settings(max_examples=10)
@given(data=st.data())
def test_the_future_changes_no_past_row(kind, one, data):
    values = data.draw(levels(inputs(one)))
    parameters = small(data.draw, one, kind)
    full = answer(one, values, parameters)
    assert len(full) == ROWS
    cut = data.draw(st.integers(1, ROWS - 1))
    np.testing.assert_array_equal(one.function(values[:cut], **parameters), full[:cut])
    order = np.random.default_rng(cut).permutation(np.arange(cut, ROWS))
    shuffled = np.concatenate([values[:cut], 7.0 * values[order]])
    np.testing.assert_array_equal(one.function(shuffled, **parameters)[:cut], full[:cut])


@pytest.mark.parametrize(("kind", "one"), CASES, ids=[kind for kind, _ in CASES])
@settings(max_examples=10)
@given(data=st.data())
def test_a_row_depends_on_no_more_rows_than_its_memory(kind, one, data):
    values = data.draw(levels(inputs(one)))
    parameters = small(data.draw, one, kind)
    full = answer(one, values, parameters)
    memory = one.memory(parameters)
    if memory is None:
        return
    assert memory >= 1
    last = data.draw(st.integers(0, ROWS - 1))
    tail = values[max(0, last - memory + 1) : last + 1]
    np.testing.assert_array_equal(one.function(tail, **parameters)[-1], full[last])


@pytest.mark.parametrize(("kind", "one"), CASES, ids=[kind for kind, _ in CASES])
def test_defaults_have_a_memory_and_every_parameter_an_annotation(kind, one):
    for name, parameter in list(inspect.signature(one.function).parameters.items())[1:]:
        assert parameter.kind is parameter.KEYWORD_ONLY, name
        assert parameter.annotation in {"int", "float", "bool", "str"}, name
        assert parameter.default is not parameter.empty, name
    memory = one.memory(complete(one.function, {}, kind))
    assert memory is None or memory >= 1


BY_COLUMN = [(kind, one) for kind, one in CASES if getattr(one, "count", 1) == 1 and not one.crosswise]


@pytest.mark.parametrize(("kind", "one"), BY_COLUMN, ids=[kind for kind, _ in BY_COLUMN])
def test_what_works_by_column_works_on_one_alone(kind, one):
    values = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.02, (400, 3)), axis=0))
    parameters = complete(one.function, {}, kind)
    together = one.function(values, **parameters)
    for column in range(3):
        np.testing.assert_array_equal(one.function(values[:, column], **parameters), together[:, column])


@pytest.mark.parametrize("kind", KINDS)
def test_every_measure_says_what_it_is(kind):
    one = KINDS[kind]
    assert one.family in FAMILIES
    assert one.takes
    assert one.gives
    assert "Source:" in one.function.__doc__, "a source"
    assert ">>>" in one.function.__doc__, "a worked example"


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_every_transform_has_a_worked_example(kind):
    assert ">>>" in TRANSFORMS[kind].function.__doc__


def peeking(values, *, window: int = 2):
    """The mean of the whole: what a careless z-score subtracts."""
    return values - np.nanmean(values, axis=0)


def test_the_law_can_fail():
    values = np.arange(10.0)
    assert not np.array_equal(peeking(values[:5]), peeking(values)[:5])


def test_a_signal_remembers_what_its_parts_do():
    signal = Signal(
        "s", "momentum", ("X",), parameters={"lookback": 10, "skip": 1}, transforms=(("zscore", {"window": 5}), "clip")
    )
    assert signal.recipe.memory == 11 + 5 - 1
    assert Signal("s", "momentum", ("X",), transforms=("zscore",)).recipe.memory is None
