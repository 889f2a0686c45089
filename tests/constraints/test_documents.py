"""A policy as TOML: what is read, and how a mistake is told."""

from __future__ import annotations

import pytest

from trimtab.constraints import Deviation, Group, TrackingError, Turnover, read_policy
from trimtab.errors import PolicyError

TEXT = """
[objective]
risk_aversion = 4.0
cost_horizon_years = 1.0
[trades]
indifference = "0.5bp"
[models.balanced]
SPY = "60%"
IEF = 0.4
[[limits]]
kind = "deviation"
most = "5%"
[[limits]]
kind = "tracking_error"
most = 0.02
tier = 1
[[limits]]
kind = "group"
on = ["SPY", "IEF"]
least = -0.05
most = 0.05
around = "strategic"
name = "core"
grandfather = true
[[limits]]
kind = "group"
exposure = { SPY = 1.1, IEF = 0 }
most = 0.8
[[limits]]
kind = "turnover"
most = "10%"
[run]
max_unsolved = "2%"
"""


def test_a_file_is_read(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(TEXT, encoding="utf-8-sig")  # a byte-order mark from Windows is no matter
    policy = read_policy(path)
    assert policy.risk_aversion == 4.0
    assert policy.trades.indifference == 5e-5
    assert policy.tripwires.max_unsolved == 0.02
    assert dict(policy.models["balanced"]) == {"SPY": 0.6, "IEF": 0.4}
    assert policy.limits[0] == Deviation(0.05)
    assert policy.limits[1] == TrackingError(0.02, tier=1)
    assert policy.limits[2] == Group(
        ("SPY", "IEF"), least=-0.05, most=0.05, around="strategic", name="core", grandfather=True
    )
    assert policy.names == ("deviation", "tracking_error", "core", "group", "turnover")
    assert policy.limits[4] == Turnover(0.1)
    assert read_policy(str(path)).hash == policy.hash


@pytest.mark.parametrize(
    ("document", "place", "mend"),
    [
        ({"objectve": {}}, "objectve", "did you mean 'objective'?"),
        ({"objective": {"risk_aversn": 3}}, "objective.risk_aversn", "did you mean 'risk_aversion'?"),
        ({"rebalance": {"triger": "always"}}, "rebalance.triger", "did you mean 'trigger'?"),
        ({"limits": [{"kind": "turnover", "mots": 0.1}]}, "limits[1].mots", "did you mean 'most'?"),
        (
            {"limits": [{"kind": "turnover", "most": 0.1}, {"kind": "devation"}]},
            "limits[2].kind",
            "did you mean 'deviation'?",
        ),
        ({"limits": [{"kind": "xyz"}]}, "limits[1].kind", "one of"),
        ({"limits": [{"most": 0.1}]}, "limits[1].kind", "one of"),
        ({"limits": [{"kind": "custom", "bind": "os.system"}]}, "limits[1].kind", ""),
        ({"limits": [{"kind": "turnover", "zzzzzz": 0.1}]}, "limits[1].zzzzzz", "known: "),
    ],
)
def test_an_unknown_word_is_told_with_its_place_and_the_nearest_known(document, place, mend):
    with pytest.raises(PolicyError) as error:
        read_policy(document)
    assert error.value.field == place
    assert mend in error.value.mend


@pytest.mark.parametrize(
    "document",
    [
        {"objective": {"risk_aversion": "high"}},
        {"objective": {"risk_aversion": float("nan")}},
        {"objective": {"risk_aversion": -1}},
        {"objective": {"long_only": "yes"}},
        {"objective": []},
        {"rebalance": {"destination": "moon"}},
        {"limits": {"kind": "turnover"}},
        {"limits": ["turnover"]},
        {"limits": [{"kind": "turnover", "most": "lots"}]},
        {"limits": [{"kind": "turnover", "most": [0.1]}]},
        {"limits": [{"kind": "turnover", "most": -0.1}]},
        {"limits": [{"kind": "turnover", "most": float("nan")}]},
        {"limits": [{"kind": "turnover", "most": 0.1, "tier": -1}]},
        {"limits": [{"kind": "turnover", "most": 0.1, "tier": 0.5}]},
        {"limits": [{"kind": "deviation"}]},
        {"limits": [{"kind": "group", "on": "equity", "most": 0.1, "around": "benchmark"}]},
        {"limits": [{"kind": "group", "exposure": {"SPY": "much"}, "most": 1}]},
        {"limits": [{"kind": "trade_count", "most": 2.5}]},
        {"models": {"m": {"SPY": 60, "IEF": 40}}},
        {"models": {"m": 1}},
        {"run": {"max_unsolved": 2}},
        {"trades": {"node_limit": 0}},
        {"risk": {"method": "garch"}},
        {"market": {"ticket_fee": -5}},
    ],
)
def test_a_value_that_cannot_be_meant_is_ours_to_refuse(document):
    with pytest.raises(PolicyError) as error:
        read_policy(document)
    assert error.value.mend or getattr(error.value, "__notes__", [])


def test_a_mistake_inside_a_limit_says_where_the_limit_stands():
    with pytest.raises(PolicyError) as error:
        read_policy({"limits": [{"kind": "turnover", "most": 0.1}, {"kind": "deviation", "most": -1}]})
    assert any("limits[2]" in note for note in error.value.__notes__)


def test_files_that_are_no_policy(tmp_path):
    for name, content in (("a.toml", b"= nonsense"), ("b.toml", b"\xff\xfe\x00bad")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PolicyError) as error:
            read_policy(tmp_path / name)
        assert error.value.code == "NOT_TOML"
    for missing in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(PolicyError) as error:
            read_policy(missing)
        assert error.value.code == "UNREADABLE"


@pytest.mark.parametrize(
    "fields",
    [{"most": True}, {"most": 0.1, "tier": "1"}, {"most": 0.1, "grandfather": "yes"}],
    ids=["most", "tier", "grandfather"],
)
def test_a_value_of_another_type_is_not_guessed_at(fields):
    with pytest.raises(PolicyError):
        read_policy({"limits": [{"kind": "turnover", **fields}]})


def test_a_kind_that_is_a_list():
    with pytest.raises(PolicyError):
        read_policy({"limits": [{"kind": ["turnover"], "most": 0.1}]})
