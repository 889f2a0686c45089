"""What a run as a whole may come to: read, refused, hashed and said."""

from dataclasses import replace

import pytest

from trimtab.constraints import Policy, read_policy
from trimtab.constraints.tripwires import Tripwires
from trimtab.errors import PolicyError


@pytest.mark.parametrize("written", [0.1, "10%", "1000bp"])
def test_shares_are_decimals_or_percents(written):
    assert read_policy({"run": {"max_participation": written}}).tripwires == Tripwires(max_participation=0.1)
    assert Tripwires(max_participation=written, max_unsolved=written).max_unsolved == 0.1


def test_nothing_is_wired_by_default():
    assert Policy().tripwires == Tripwires(None, None, None, "slow") == read_policy({}).tripwires


@pytest.mark.parametrize(
    "fields",
    [
        {"max_participation": 0},
        {"max_participation": 10},
        {"max_participation": -0.1},
        {"max_participation": float("nan")},
        {"max_participation": "much"},
        {"max_participation": True},
        {"max_unsolved": 2},
        {"max_quarantined": -0.01},
        {"on_participation": "stop"},
        {"on_participation": True},
    ],
)
def test_what_a_tripwire_cannot_be(fields):
    with pytest.raises(PolicyError, match=next(iter(fields))):
        Tripwires(**fields)
    with pytest.raises(PolicyError) as error:
        read_policy({"run": fields})
    assert error.value.field == f"run.{next(iter(fields))}" or error.value.__notes__


def test_a_misspelt_key_is_told():
    with pytest.raises(PolicyError, match="did you mean 'max_participation'"):
        read_policy({"run": {"max_particpation": 0.1}})


def test_the_hash_says_it():
    policies = [
        replace(Policy(), tripwires=wires)
        for wires in (
            Tripwires(),
            Tripwires(max_participation=0.1),
            Tripwires(max_participation=0.2),
            Tripwires(max_participation=0.1, on_participation="block"),
        )
    ]
    assert len({policy.hash for policy in policies}) == 4
    assert policies[1].hash == replace(Policy(), tripwires=Tripwires(max_participation="10%")).hash


def test_the_mandate_reads_aloud():
    slow, block = (Tripwires(max_participation=0.1, on_participation=on) for on in ("slow", "block"))
    words = "all accounts together buy, and sell, at most 10.00% of a day of an asset's trading; above it "
    assert str(replace(Policy(), tripwires=slow)).endswith(words + "accounts trade less")
    assert str(replace(Policy(), tripwires=block)).endswith(words + "the run is blocked")
    assert "together" not in str(Policy())
