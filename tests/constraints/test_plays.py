"""The playbook of a policy file: read into frozen nouns, part of the policy's hash, and refused by name."""

import pickle
import tomllib

import pytest

from trimtab.constraints import read_policy
from trimtab.errors import InputError
from trimtab.signals.overlays import OVERLAYS
from trimtab.signals.rules import Action

WRITTEN = """
[playbook]
order = ["value", "rules"]

[[signals]]
name = "trend"
kind = "moving_average_gap"
series = ["USMKT"]
about = "equity"
window = 10
transforms = ["sign", { kind = "clip", most = 2 }]
stale_days = 45
[[signals]]
name = "pe"
kind = "published"
series = "PE"
about = "equity - bonds"
sign = -1
[[signals]]
name = "vix"
kind = "implied_volatility"
series = ["VIX"]

[[regimes]]
name = "fear"
kind = "volatility"
signal = "vix"
thresholds = [0.15, 0.25]
drives_limits = true
[[regimes]]
name = "economy"
kind = "quadrant"
growth = "trend"
inflation = "pe"

[[opinions]]
about = "equity - bonds"
signals = ["pe"]
weights = { pe = 1 }

[[overlays]]
kind = "momentum"
signals = ["trend"]
per_score = "1%"
[[overlays]]
kind = "valuation"
name = "value"
signals = "pe"
[[overlays]]
kind = "volatility"
regime = "fear"
states = "stressed"
bands = "narrow"
[[overlays]]
kind = "macro"
regime = "economy"
[overlays.shifts.goldilocks]
cyclical = "2%"
defensive = "-2%"

[[rules]]
name = "cut"
when = [{ signal = "trend", below = 0.0, days = 5 }, { regime = "fear", state = "stressed" }]
then = [{ channel = "target", about = "bonds - equity", value = "5%" }, { channel = "aversion", value = 1.5 }]
until = { signal = "trend", above = 0 }
priority = 1
cooldown_days = 30
expires_days = 90

[[limits]]
kind = "tracking_error"
most = "1%"
when = "stressed"
"""


def written():
    return tomllib.loads(WRITTEN)


def test_every_table_becomes_its_noun():
    playbook = read_policy(written()).playbook
    assert [s.name for s in playbook.signals] == ["trend", "pe", "vix"]
    assert playbook.signals[0].parameters["window"] == 10
    assert [name for name, _ in playbook.signals[0].transforms] == ["sign", "clip"]
    assert [type(each) for each in playbook.overlays] == list(OVERLAYS.values())
    assert [each.name for each in playbook.ranked] == ["value", "cut", "momentum", "volatility", "macro"]
    assert playbook.rules[0].then[0] == Action("target", 0.05, "bonds - equity")
    assert playbook.limits == "fear"
    assert playbook.regimes[0].signal is playbook.signals[2]


def test_a_policy_without_a_playbook_reads_nothing():
    assert read_policy({}).playbook.empty


def test_the_mandate_says_its_overlays_and_rules():
    said = str(read_policy(written())).splitlines()
    assert said[-5:] == [
        "cut: when trend below 0 for 5 days and fear is stressed, shift 5.00% along bonds - equity and aversion times "
        "1.5, until trend above 0, for 90 days, then rest 30 days",
        "momentum: beyond a score of 0.5 in trend, bands 1.5 times as wide on the side it moves, 1.00% of weight a "
        "unit of score, at most 5.00%",
        "volatility: while fear is stressed, bands narrowed 1.5 times",
        "macro: while economy is goldilocks, +2.00% cyclical and -2.00% defensive",
        "the state of fear says which limits are in force",
    ]


def change(path, value):
    document = written()
    place = document
    *steps, last = path
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


EDITS = [
    (("signals", 0, "window"), 12),
    (("signals", 0, "stale_days"), 46),
    (("signals", 1, "sign"), 1),
    (("regimes", 0, "thresholds"), [0.15, 0.26]),
    (("regimes", 0, "drives_limits"), False),
    (("opinions", 0, "information_coefficient"), 0.04),
    (("overlays", 0, "per_score"), "2%"),
    (("overlays", 3, "shifts", "goldilocks"), {"cyclical": 0.03, "defensive": -0.03}),
    (("rules", 0, "when", 0, "days"), 6),
    (("rules", 0, "then", 0, "value"), 0.06),
    (("playbook", "order"), ["rules"]),
]


@pytest.mark.parametrize(("path", "value"), EDITS, ids=lambda x: ".".join(map(str, x)) if isinstance(x, tuple) else "")
def test_whatever_changes_in_a_playbook_changes_the_policys_hash(path, value):
    assert read_policy(change(path, value)).hash != read_policy(written()).hash


def test_two_ways_to_write_a_number_are_one_policy_and_it_travels():
    policy = read_policy(written())
    assert read_policy(change(("overlays", 0, "per_score"), 0.01)).hash == policy.hash
    assert pickle.loads(pickle.dumps(policy)).hash == policy.hash  # noqa: S301  our own bytes


@pytest.mark.parametrize(
    ("path", "value", "words", "mend"),
    [
        (("signals", 0, "windw"), 12, "signals[1].windw is not known", "'window'"),
        (("signals", 0, "kind"), "moving_avrage_gap", "'moving_avrage_gap'", "'moving_average_gap'"),
        (("signals", 0, "window"), "ten", "'window'", "whole number"),
        (("signals", 0, "name"), None, "signals[1].name is 'missing'", "give name"),
        (("signals", 0, "transforms"), [{"window": 3}], "signals[1].transforms", "name its kind"),
        (("regimes", 0, "kind"), "volatile", "'volatile' is no kind of regime", "'volatility'"),
        (("regimes", 0, "signal"), "vx", "regimes[1].signal is 'vx'", "'vix'"),
        (("regimes", 0, "drives_limits"), "yes", "regimes.drives_limits", "true or false"),
        (("regimes", 1, "drives_limits"), True, "fear, economy", "one regime"),
        (("opinions", 0, "signal"), "pe", "opinions[1].signal is not known", "'signals'"),
        (("overlays", 0, "kind"), "momentumm", "'momentumm' is no kind of overlay", "'momentum'"),
        (("overlays", 0, "widden"), 2, "overlays[1].widden is not known", "'widen'"),
        (("overlays", 0, "widen"), 0.5, "widen is 0.5", "between 1"),
        (("overlays", 2, "bands"), None, "overlays[3].bands is 'missing'", "give bands"),
        (("overlays", 2, "by_probability"), "no", "overlays[3].by_probability", "true or false"),
        (("overlays", 3, "shifts", "goldilocks", "cyclical"), "3%", "shifts.goldilocks", "sum to zero"),
        (("overlays", 3, "shifts", "goldilock"), {"a": 0.1, "b": -0.1}, "no state 'goldilock'", "'goldilocks'"),
        (("rules", 0, "when", 0, "belw"), 0, "rules[1].when[1].belw is not known", "'below'"),
        (("rules", 0, "when", 0, "signal"), "trnd", "there is no signal 'trnd'", "'trend'"),
        (("rules", 0, "when", 1, "state"), "stress", "there is no state 'stress'", "'stressed'"),
        (("rules", 0, "then", 0, "channel"), "targets", "channel is 'targets'", "'target'"),
        (("rules", 0, "expire_days"), 3, "rules[1].expire_days is not known", "'expires_days'"),
        (("rules", 0, "priority"), "high", "priority is 'high'", "whole number"),
        (("playbook", "order"), ["vale"], "there is no order 'vale'", "'value'"),
        (("playbook", "ordr"), [], "playbook.ordr is not known", "'order'"),
        (("rule",), [], "rule is not known", "'rules'"),
        (("risks",), [{"about": "equity", "signal": "vx"}], "there is no signal 'vx'", "'vix'"),
        (("risks",), [{"about": "equity", "sgnal": "vix"}], "risks[1].sgnal is not known", "'signal'"),
        (("limits", 0, "when"), "stresed", "'stresed', which is no state of 'fear'", "'stressed'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_the_nearest_known(path, value, words, mend):
    with pytest.raises(InputError) as refused:
        read_policy(change(path, value))
    notes = "\n".join(getattr(refused.value, "__notes__", ()))
    assert words in f"{refused.value}\n{notes}"
    assert mend in refused.value.mend
