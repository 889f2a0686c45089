"""The policy as a whole: names, models, overrides, its hash, its text."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import (
    Cash,
    Custom,
    Deviation,
    Leverage,
    Phases,
    Policy,
    Rebalance,
    TrackingError,
    Turnover,
)
from trimtab.constraints.names import HOUSE
from trimtab.constraints.terms import Box
from trimtab.errors import AccountError, PolicyError
from trimtab.models import Account
from trimtab.models.accounts import RULES

MODELS = {"m": {"SPY": 0.6, "IEF": 0.4}}


def _code(make, kind=PolicyError):
    with pytest.raises(kind) as error:
        make()
    return error.value.code


def test_repeated_names_are_numbered_and_given_ones_must_differ():
    policy = Policy((Deviation(0.1), Turnover(0.1), Deviation(0.05, on="equity"), Deviation(0.2, name="wide")))
    assert policy.names == ("deviation", "turnover", "deviation_2", "wide")
    assert policy.with_models(MODELS).names == policy.names
    assert _code(lambda: Policy((Deviation(0.1, name="x"), Turnover(0.1, name="x")))) == "DUPLICATE_LIMIT"


@pytest.mark.parametrize("name", HOUSE)
def test_no_limit_is_called_what_a_standing_one_is(name):
    """It would be taken for it: a soft limit called long_only made long-only give way, and the account sold short."""
    assert _code(lambda: Policy((Deviation("40%", name=name, tier=1),))) == "RESERVED_NAME"


def test_whatever_a_policy_states_beside_its_limits_has_such_a_name(context):
    everything = replace(
        context,
        rules={rule: np.zeros(4, dtype=bool) for rule in RULES},
        allowances=np.full((2, 4), np.inf),
        pace=Box(np.full(4, -np.inf), np.full(4, np.inf)),
    )
    policies = (
        Policy(rebalance=Rebalance(destination="flow")),
        Policy(phases=Phases(((0, "50%"), (30, "50%")))),
    )
    stated = {name for policy in policies for name, _ in policy.terms(everything)}
    assert stated == set(HOUSE) - {"edge", "risk_aversion"}


def test_names_are_unique_whatever_was_given():
    names = Policy((Turnover(0.1, name="turnover_2"), Turnover(0.1), Turnover(0.2))).names
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"risk_aversion": 0.0},
        {"risk_aversion": float("nan")},
        {"risk_aversion": 1e7},
        {"cost_horizon_years": 0.0},
        {"cost_horizon_years": float("inf")},
        {"limits": ("turnover",)},
        {"long_only": False},
        {"models": {"m": {"SPY": 60, "IEF": 40}}},
    ],
)
def test_what_a_policy_cannot_say(fields):
    with pytest.raises(PolicyError):
        Policy(**fields)


def test_shorts_need_leverage():
    assert _code(lambda: Policy(long_only=False)) == "NO_LEVERAGE"
    Policy((Leverage(1.5),), long_only=False)


def test_standing_limits_come_first(context):
    policy = Policy((Turnover(0.1),))
    held = replace(context, rules={"frozen": np.zeros(context.current.shape, dtype=bool)})
    assert [name for name, _ in policy.terms(held)] == [
        "long_only",
        "cash_floor",
        "frozen",
        "turnover",
        "turnover",
    ]
    soft = Policy((Cash(least=0.01, tier=1),))  # may give way: the floor at zero does not
    assert "cash_floor" in [name for name, _ in soft.terms(context)]
    hard = Policy((Cash(least=0.01),))
    assert "cash_floor" not in [name for name, _ in hard.terms(context)]
    only_most = Policy((Cash(most=0.1),))
    assert "cash_floor" in [name for name, _ in only_most.terms(context)]
    below = Policy((Cash(least=-0.1),))
    assert "cash_floor" in [name for name, _ in below.terms(context)]
    short = Policy((Leverage(1.5),), long_only=False)
    assert [name for name, _ in short.terms(held)] == ["frozen", "leverage", "leverage"]


def test_an_override_of_nothing_is_refused(context):
    policy = Policy((Turnover(0.1),))
    with pytest.raises(AccountError, match="did you mean 'turnover'"):
        policy.terms(replace(context, overrides={"turnovr": 0.05}))


def test_aversion_of_an_account():
    policy = Policy(models=MODELS)
    assert policy.aversion(Account("1", "m", {})) == 6.0
    assert policy.aversion(Account("1", "m", {}, overrides={"risk_aversion": 3})) == 3.0
    for bad in (0.0, -1.0, float("nan"), 1e9):
        account = Account("1", "m", {}, overrides={"risk_aversion": bad})
        assert _code(lambda account=account: policy.aversion(account), AccountError) == "BAD_AVERSION"


def test_an_unknown_model_is_the_accounts_fault():
    with pytest.raises(AccountError, match="did you mean 'balanced'"):
        Policy(models={"balanced": {"SPY": 1.0}}).model(Account("1", "balancd", {}))


def test_grandfathering_through_the_policy(context):
    stated = dict(Policy((Deviation(0.05, grandfather=True),)).terms(context))
    assert stated["deviation"].hi[0] == 0.5
    assert dict(Policy((Deviation(0.05),)).terms(context))["deviation"].hi[0] == pytest.approx(0.45)


@pytest.mark.parametrize("overrides", [{"turnover": "5%"}, {"risk_aversion": "high"}])
def test_text_in_an_override_is_the_accounts_own_fault(context, overrides):
    policy = Policy((Turnover(0.1),), MODELS)
    try:
        policy.aversion(Account("1", "m", {}, overrides=overrides))
        policy.terms(replace(context, overrides={k: v for k, v in overrides.items() if k != "risk_aversion"}))
    except AccountError:
        return


# ------------------------------------------------------------------------------------------------ the hash

SCRIPT = """
from trimtab.constraints import *
p = Policy((Deviation("5%"), Group(exposure={"B": 2.0, "A": 1.0}, most=1.0), TrackingError(0.02, on=["SPY", "IEF"])),
           {"m": {"SPY": 0.6, "IEF": 0.4}, "a": {"IEF": 1.0}}, risk_aversion=4.0)
print(p.hash)
"""


def test_the_hash_is_the_same_in_every_process():
    hashes = set()
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        hashes.add(done.stdout.strip())
    assert len(hashes) == 1
    assert len(hashes.pop()) == 64


def test_the_hash_says_what_the_policy_says():
    base = Policy((Turnover(0.1),), MODELS)
    assert base.hash == Policy((Turnover("10%"),), {"m": {"IEF": 0.4, "SPY": 0.6}}).hash
    others = [
        replace(base, risk_aversion=7.0),
        replace(base, cost_horizon_years=1.0),
        replace(base, limits=(Turnover(0.2),)),
        replace(base, limits=(Turnover(0.1, tier=1),)),
        replace(base, limits=(Turnover(0.1), TrackingError(0.02))),
        base.with_models({"m": {"SPY": 0.5, "IEF": 0.5}}),
        replace(base, limits=(Leverage(1.5), Turnover(0.1)), long_only=False),
        replace(base, trades=replace(base.trades, indifference=1e-5)),
    ]
    assert len({p.hash for p in [base, *others]}) == len(others) + 1


@pytest.mark.parametrize("six", [6, np.float64(6.0)])
def test_equal_policies_have_equal_hashes(six):
    assert Policy(risk_aversion=six) == Policy(risk_aversion=6.0)
    assert Policy(risk_aversion=six).hash == Policy(risk_aversion=6.0).hash


def test_two_custom_limits_have_two_hashes():
    one = Policy((Custom(lambda w, w0: [w[0] <= 0.1], lambda w, w0: 0.1 - w[0]),))
    two = Policy((Custom(lambda w, w0: [w[0] <= 0.9], lambda w, w0: 0.9 - w[0]),))
    assert one.hash != two.hash


def test_a_policy_travels_and_reads_aloud():
    policy = Policy((Deviation("5%"), Turnover("10%", tier=2)), MODELS)
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301
    assert pickle.loads(pickle.dumps(policy)).hash == policy.hash  # noqa: S301
    assert str(policy).splitlines() == [
        "risk aversion 6, costs spread over 0.5 years",
        "long-only",
        "each asset stays within 5.00% of its strategic weight",
        "one-way turnover is at most 10.00% a rebalance (tier 2)",
    ]
