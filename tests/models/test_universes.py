"""Names, the words of `about`, and what may not be called what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.errors import MarketError, ViewError
from trimtab.models import Universe

U = Universe(
    ("SPY", "BRK-B", "007", "2*X", "1.5"),
    ("equity", "equity", "bonds", "bonds", "real"),
    {"region": ("US", "US", "", "EM", "EM")},
)


@pytest.mark.parametrize(
    ("about", "legs"),
    [
        ("SPY", ((1.0, "SPY"),)),
        ("  SPY  ", ((1.0, "SPY"),)),
        ("BRK-B", ((1.0, "BRK-B"),)),
        ("SPY - BRK-B", ((1.0, "SPY"), (-1.0, "BRK-B"))),
        ("- SPY + bonds", ((-1.0, "SPY"), (1.0, "bonds"))),
        ("2*SPY - 0.5*bonds - .5*US", ((2.0, "SPY"), (-0.5, "bonds"), (-0.5, "US"))),
        ("2.*SPY", ((2.0, "SPY"),)),
        ("2*X", ((1.0, "2*X"),)),  # a known id is that id
        ("2*2*X", ((2.0, "2*X"),)),
        ("1.5", ((1.0, "1.5"),)),
        ("3*1.5", ((3.0, "1.5"),)),
        ("007 - CASH", ((1.0, "007"), (-1.0, "CASH"))),
        ("equity - cash", ((1.0, "equity"), (-1.0, "cash"))),
    ],
)
def test_the_words_of_about(about, legs):
    assert U.legs(about) == legs


@pytest.mark.parametrize(
    "about", ["", "   ", "SPY -", "SPY-BRK-B", "SPY & bonds", "7", "2*", "-2*SPY", "SPY - ", "2 * SPY", "bonds  - "]
)
def test_what_about_cannot_say(about):
    with pytest.raises(ViewError) as error:
        U.legs(about)
    assert error.value.field == "about"
    assert error.value.mend


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ViewError, match="did you mean 'equity'"):
        U.legs("equty - bonds")
    with pytest.raises(MarketError, match="did you mean 'bonds'"):
        U.members("bond")
    with pytest.raises(MarketError, match="did you mean 'SPY'"):
        U.vector({"SPX": 1.0})


def test_ids_are_text():
    assert U.positions["007"] == 2
    with pytest.raises(MarketError):
        U.members("7")
    for bad in (7, "", " SPY", "x" * 201, None):
        with pytest.raises(MarketError) as error:
            Universe((bad,), ("equity",))
        assert error.value.code == "BAD_ID"


def test_the_cash_is_one():
    assert U.assets[-1] == "CASH"
    assert U.classes[-1] == "cash"
    assert U.groupings["region"][-1] == ""
    assert Universe(("A", "USD", "B"), ("x", "cash", "x")).cash == 1
    with pytest.raises(MarketError, match="all of class cash"):
        Universe(("A", "B"), ("cash", "cash"))
    with pytest.raises(MarketError, match="not of class cash"):
        Universe(("CASH",), ("bonds",))


def test_a_name_means_one_set_of_assets():
    with pytest.raises(MarketError) as error:
        Universe(("A", "B"), ("x", "y"), {"region": ("y", "y")})
    assert error.value.code == "NAME_TWICE"
    with pytest.raises(MarketError):
        Universe(("A", "B"), ("B", "B"))
    same = Universe(("A", "B"), ("x", "x"), {"region": ("x", "x")})  # the same set twice is one meaning
    assert same.members("x").tolist() == [True, True, False]


def test_an_id_twice_is_refused():
    with pytest.raises(MarketError) as error:
        Universe(("A", "A"), ("x", "x"))
    assert error.value.code == "DUPLICATE_ASSET"


def test_select_joins_names():
    assert U.select(None).all()
    assert U.select(["SPY", "bonds"]).tolist() == [True, False, True, True, False, False]
    assert U.select("EM").tolist() == [False, False, False, True, True, False]


def test_a_class_stands_for_its_strategic_mix():
    strategic = np.array([0.3, 0.1, 0.6, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(U.mix("equity", strategic), [0.75, 0.25, 0, 0, 0, 0])
    assert U.mix("EM", strategic) is None
    np.testing.assert_array_equal(U.mix("cash", strategic), [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(U.mix("007", strategic), [0, 0, 1, 0, 0, 0])


def test_numbers_are_aligned_by_label():
    np.testing.assert_array_equal(U.vector(pd.Series({"007": 2.0, "SPY": 1.0})), [1, 0, 2, 0, 0, 0])
    with pytest.raises(MarketError) as error:
        U.vector({"SPY": float("nan")}, "price")
    assert (error.value.code, error.value.field, error.value.value) == ("NOT_FINITE", "price", "SPY")
    assert U.series(np.arange(6.0), "x").to_dict()["007"] == 2.0


def test_an_id_that_could_not_be_named_is_refused():
    with pytest.raises(MarketError, match="no id"):
        Universe(("A - B", "C"), ("x", "y"))


def test_lists_of_unequal_length_are_told_in_our_words():
    with pytest.raises(MarketError):
        Universe(("A", "B"), ("x",))


def test_a_grouping_is_as_long_as_the_assets():
    with pytest.raises(MarketError):
        Universe(("A", "B"), ("x", "y"), {"region": ("US",)})
