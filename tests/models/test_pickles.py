"""Nouns travel between processes and stay what they were."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import numpy as np
import pytest

from trimtab.errors import AccountError, InputError
from trimtab.models import Account, Shock, Tilt, View, tilt
from trimtab.units import FrozenMap


@pytest.mark.parametrize("carry", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "deepcopy"])  # noqa: S301
def test_nouns_travel(small, balanced, carry):
    account = Account("1", "balanced", {"SPY": 3.0}, restrictions=(("SPY", "no_buy"),), overrides={"turnover": 0.1})
    view = View("SPY - IEF", 0.02, 0.5, since="2026-01-01")
    for noun in (account, view, balanced, Shock("s", {"SPY": -0.1}), small.universe, FrozenMap({"a": 1})):
        assert carry(noun) == noun
        assert hash(carry(noun)) == hash(noun)
    market = carry(small)
    np.testing.assert_array_equal(market.risk.covariance, small.risk.covariance)
    np.testing.assert_array_equal(market.prices, small.prices)
    said = tilt([view], small, balanced, dt.date(2026, 11, 20)) + Tilt(risk=2.0)
    np.testing.assert_array_equal(carry(said).alpha(5.0), said.alpha(5.0))
    error = carry(AccountError("bad", code="X", table="t", field="f", value=1, mend="m"))
    assert (type(error), str(error), error.code) == (AccountError, "bad [table t, field f]; mend: m", "X")
    assert isinstance(error, InputError)


def test_a_frozen_array_stays_frozen(small):
    market = pickle.loads(pickle.dumps(small))  # noqa: S301
    assert not market.prices.flags.writeable
