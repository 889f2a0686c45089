"""A playbook read on a day: overlays and rules end in trades, what comes later changes nothing, conflicts show."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Band, Deviation, Policy, Rebalance
from trimtab.errors import InputError, SignalError
from trimtab.models import Account, Market
from trimtab.optimizer import rebalance, why
from trimtab.signals.conditions import Condition
from trimtab.signals.definitions import Signal
from trimtab.signals.opinions import Opinion
from trimtab.signals.overlays import MacroOverlay, MomentumOverlay, ValuationOverlay, VolatilityOverlay
from trimtab.signals.panels import Panel
from trimtab.signals.playbooks import Playbook
from trimtab.signals.readings import read, record
from trimtab.signals.regimes import QuadrantRegime, VolatilityRegime
from trimtab.signals.risk_opinions import RiskOpinion
from trimtab.signals.rules import Action, Rule

ON = dt.date(2016, 11, 30)
DAYS = pd.date_range("2012-01-31", "2016-10-31", freq="ME")
MIX = {"SPY": 0.3, "XLY": 0.15, "XLP": 0.15, "IEF": 0.3, "GLD": 0.1}
MODELS = {"balanced": MIX}


def make_market():
    roles = {"SPY": "", "XLY": "cyclical", "XLP": "defensive", "IEF": "", "GLD": ""}
    classes = ["equity", "equity", "equity", "bonds", "gold"]
    assets = pd.DataFrame({"asset_class": classes, "role": list(roles.values())}, list(MIX))
    half = np.diag([0.06, 0.08, 0.06, 0.05, 0.15])
    half[:3] += np.array([0.13, 0.16, 0.09])[:, None] * np.array([1, 0, 0, 0, 0])
    return Market.from_frames(assets, pd.DataFrame(half @ half.T, list(MIX), list(MIX)))


MARKET = make_market()


def make_panel(**latest):
    """Series that wandered about nought and ended, on 31 October, where they are told to."""
    random = np.random.default_rng(3)
    names = ("momentum", "value", "vix", "growth", "inflation")
    table = {name: pd.Series(random.normal(0.0, 0.4, len(DAYS)), DAYS) for name in names}
    table["vix"] = table["vix"].abs() * 10 + 12
    for name, value in latest.items():
        table[name].iloc[-1] = value
    return Panel.from_series(table, 10)


MOMENTUM, VALUE = (Signal(name, "published", (name,), "SPY") for name in ("momentum", "value"))
VIX = Signal("vix", "published", ("vix",))
GROWTH, INFLATION = (Signal(name, "published", (name,)) for name in ("growth", "inflation"))
FEAR = VolatilityRegime("fear", VIX, thresholds=(15.0, 25.0))
ECONOMY = QuadrantRegime("economy", GROWTH, INFLATION)
SIGNALS = (MOMENTUM, VALUE, VIX, GROWTH, INFLATION)
FREE = Policy((Deviation("10%"),), MODELS)
EDGES = Policy((Deviation("10%"), Band("3%", on="SPY")), MODELS, rebalance=Rebalance("band", "edge"))


def book(*overlays, rules=(), opinions=(), **more):
    return Playbook(SIGNALS, (FEAR, ECONOMY), opinions, overlays, rules, **more)


def decide(playbook, panel, policy=FREE, drift=0.0):
    """Read, and rebalance an account whose SPY has drifted at the cost of IEF."""
    reading = read(playbook, panel, MARKET, MODELS, ON)
    held = {**MIX, "SPY": MIX["SPY"] + drift, "IEF": MIX["IEF"] - drift}
    account = Account.from_weights("1", "balanced", held, 1e6, MARKET)
    overlay = reading.overlay["balanced"]
    proposal = rebalance(account, policy, MARKET, reading.views, ON, overlay=overlay)
    told = why(account, policy, MARKET, reading.views, ON, overlay=overlay).to_frame() if proposal.trades else None
    return reading, proposal, told


def traded(proposal):
    return {t.asset: round(t.weight, 6) for t in proposal.trades}


# ---------------------------------------------------------------------------------------------------------- momentum


def test_a_winner_may_drift_further_and_a_loser_too_before_anything_is_done():
    overlay = book(MomentumOverlay(signals=("momentum",), widen=1.5))
    for score, drift, held in ((1.2, 0.04, True), (0.2, 0.04, False), (-1.2, 0.04, False), (-1.2, -0.04, True)):
        _, proposal, _ = decide(overlay, make_panel(momentum=score), EDGES, drift)
        assert (proposal.outcome.name == "HELD") == held, (score, drift)
    _, proposal, _ = decide(overlay, make_panel(momentum=1.2), EDGES, 0.06)
    assert traded(proposal)["SPY"] == pytest.approx(-0.015, abs=3e-4)  # back to the wider edge: 4.5 above, no further
    assert "overlay: momentum on SPY sets band high times 1.5 (momentum +1.20)" in proposal.notes


def test_momentum_delays_selling_what_rises_and_buying_what_falls():
    overlay = book(MomentumOverlay(signals=("momentum",), sell_pace=0.5, buy_pace=0.25))
    rising, falling = (decide(overlay, make_panel(momentum=z))[0].overlay["balanced"] for z in (1.0, -1.0))
    spy, ief = (list(MARKET.universe.assets).index(a) for a in ("SPY", "IEF"))
    assert (rising.sell_pace[spy], rising.sell_pace[ief], rising.buy_pace.max()) == (0.5, 1.0, 1.0)
    assert (falling.buy_pace[spy], falling.buy_pace[ief], falling.sell_pace.max()) == (0.25, 1.0, 1.0)


def test_targets_lean_on_a_score_beyond_least_up_to_most_and_the_trade_says_so():
    lean = MomentumOverlay(signals=("momentum",), widen=1, least=0.5, per_score="2%", most="3%", fund="IEF")
    for score, size in ((0.4, 0.0), (1.0, 0.01), (1.5, 0.02), (3.0, 0.03), (-1.0, -0.01)):
        _, proposal, told = decide(book(lean), make_panel(momentum=score))
        assert traded(proposal) == ({"SPY": pytest.approx(size), "IEF": pytest.approx(-size)} if size else {})
        if size:
            assert told.loc["SPY", "overlay: momentum on SPY"] == pytest.approx(size)
            assert {t.reason for t in proposal.trades} == {f"overlay: momentum on SPY (momentum {score:+.2f})"}


def test_nothing_sells_more_than_the_model_holds():
    lean = MomentumOverlay(signals=("momentum",), widen=1, per_score="30%", most="30%", fund="GLD")
    reading, proposal, _ = decide(book(lean), make_panel(momentum=3.0))
    assert reading.overlay["balanced"].target.min() == pytest.approx(-0.1)
    assert traded(proposal) == {"SPY": pytest.approx(0.1), "GLD": pytest.approx(-0.1)}


# --------------------------------------------------------------------------------------------------------- valuation


def test_value_buys_what_is_cheap_faster_and_leaves_it_slower():
    overlay = book(ValuationOverlay(signals=("value",), per_score="1%", most="2%", fund="IEF"))
    reading, proposal, _ = decide(overlay, make_panel(value=1.5))
    assert traded(proposal) == {"SPY": pytest.approx(0.01), "IEF": pytest.approx(-0.01)}
    assert {t.reason for t in proposal.trades} == {"overlay: valuation on SPY (value +1.50)"}
    tilt = reading.overlay["balanced"]
    assert (tilt.buy_pace[0], tilt.sell_pace[0]) == (1.5, 0.5)
    dear = decide(overlay, make_panel(value=-1.5))[0].overlay["balanced"]
    assert (dear.buy_pace[0], dear.sell_pace[0], dear.target[0]) == (0.5, 1.5, pytest.approx(-0.01))
    one_way = book(ValuationOverlay(signals=("value",), mirror=False))
    assert not decide(one_way, make_panel(value=-1.5))[0].acts["balanced"]


# -------------------------------------------------------------------------------------------------------- volatility


@pytest.mark.parametrize(
    ("bands", "vix", "drift", "trades"),
    [
        ("widen", 30.0, 0.04, False),
        ("keep", 30.0, 0.04, True),
        ("narrow", 30.0, 0.04, True),
        ("widen", 30.0, 0.025, False),
        ("keep", 30.0, 0.025, False),
        ("narrow", 30.0, 0.025, True),
        ("narrow", 20.0, 0.025, False),
    ],
)
def test_bands_widen_or_narrow_in_a_spike_as_the_policy_says(bands, vix, drift, trades):
    overlay = book(VolatilityOverlay(regime="fear", states="stressed", bands=bands, factor=1.5))
    _, proposal, _ = decide(overlay, make_panel(vix=vix), EDGES, drift)
    assert bool(proposal.trades) == trades


def test_whether_bands_widen_or_narrow_has_to_be_said():
    with pytest.raises(TypeError, match="bands"):
        VolatilityOverlay(regime="fear", states="stressed")
    with pytest.raises(SignalError, match="bands is 'wider'"):
        VolatilityOverlay(regime="fear", states="stressed", bands="wider")


def test_a_spike_sells_what_is_risky_and_looks_more_often():
    spike = VolatilityOverlay(
        regime="fear", states="stressed", bands="keep", risky="equity", cut="6%", fund="IEF", frequency=0.5
    )
    reading, proposal, told = decide(book(spike), make_panel(vix=30.0))
    assert reading.overlay["balanced"].frequency == 0.5
    assert traded(proposal) == {a: pytest.approx(x) for a, x in zip(MIX, (-0.03, -0.015, -0.015, 0.06), strict=False)}
    assert {t.reason for t in proposal.trades} == {"overlay: volatility on equity (fear is stressed)"}
    assert told.loc["IEF", "overlay: volatility on equity"] == pytest.approx(0.06)
    calm, nothing, _ = decide(book(spike), make_panel(vix=12.0))
    assert not nothing.trades
    assert not calm.acts["balanced"]


def test_more_aversion_in_a_spike_leans_out_of_equity_by_itself():
    _, proposal, told = decide(
        book(VolatilityOverlay(regime="fear", states="stressed", bands="keep", aversion=1.5)), make_panel(vix=30.0)
    )
    assert traded(proposal)["SPY"] < -0.01
    assert told.loc["SPY", "overlay: volatility"] < -0.01


# ------------------------------------------------------------------------------------------------------------- macro

PRO = MacroOverlay(
    regime="economy",
    shifts={
        "goldilocks": {"cyclical": "3%", "defensive": "-3%"},
        "stagflation": {"cyclical": "-3%", "defensive": "2%", "GLD": "1%"},
    },
    aversion={"stagflation": 1.2},
)


def test_the_state_of_the_economy_chooses_between_cyclical_and_defensive():
    _, good, told = decide(book(PRO), make_panel(growth=1.0, inflation=-1.0))
    assert traded(good) == {"XLY": pytest.approx(0.03), "XLP": pytest.approx(-0.03)}
    assert {t.reason for t in good.trades} == {"overlay: macro on cyclical and defensive (economy is goldilocks)"}
    bad, _, told = decide(book(PRO), make_panel(growth=-1.0, inflation=1.0))
    assert bad.overlay["balanced"].aversion == pytest.approx(1.2)
    part = told["overlay: macro on cyclical and defensive and GLD"]
    assert part["XLY"] == pytest.approx(-0.03)
    assert part["GLD"] == pytest.approx(0.01)
    none, proposal, _ = decide(book(PRO), make_panel(growth=1.0, inflation=1.0))
    assert not proposal.trades
    assert not none.acts["balanced"]


def test_shifts_that_nobody_pays_for_are_refused():
    with pytest.raises(SignalError, match=r"shifts\.goldilocks"):
        MacroOverlay(regime="economy", shifts={"goldilocks": {"cyclical": "3%"}})


# ------------------------------------------------------------------------------------------------------------- rules


def test_a_rule_trades_and_the_trade_names_rule_and_signal():
    rule = Rule(
        "cut equity when trend breaks", Condition("momentum", below=0.0, days=5), Action("target", "5%", "IEF - SPY")
    )
    reading, proposal, told = decide(book(rules=(rule,)), make_panel(momentum=-0.42))
    assert traded(proposal) == {"SPY": pytest.approx(-0.05), "IEF": pytest.approx(0.05)}
    assert reading.rules["since"].item() == dt.date(2016, 11, 14)  # known on the 10th, and the fifth day of it
    said = "rule: cut equity when trend breaks (since 2016-11-14: momentum -0.42, below 0 for 5 days)"
    assert {t.reason for t in proposal.trades} == {said}
    assert told.loc["SPY", "rule: cut equity when trend breaks"] == pytest.approx(-0.05)


def test_a_rule_that_fires_is_news_like_a_view():
    rule = Rule("r", Condition("momentum", below=0.0), Action("target", "5%", "IEF - SPY"))
    fired, silent = (read(book(rules=(rule,)), make_panel(momentum=z), MARKET, MODELS, ON) for z in (-1.0, 1.0))
    assert fired.overlay["balanced"].sign != silent.overlay["balanced"].sign
    assert "rule r acts" in str(fired)
    assert "rule r acts" not in str(silent)


def test_a_rule_waits_until_its_signal_could_be_known_for_long_enough():
    rule = Rule("r", Condition("momentum", below=-5.0, days=5), Action("target", "5%", "IEF - SPY"))
    panel = make_panel(momentum=-6.0)
    since = [
        read(book(rules=(rule,)), panel, MARKET, MODELS, dt.date(2016, 11, d)).rules["since"].item()
        for d in (9, 13, 14)
    ]
    assert since == [None, None, dt.date(2016, 11, 14)]


def test_a_rule_for_one_model_leaves_the_others():
    rule = Rule("r", Condition("momentum", below=0.0), Action("target", "5%", "IEF - SPY"), models=("other",))
    models = {"balanced": MIX, "other": {"SPY": 0.6, "IEF": 0.4}}
    reading = read(book(rules=(rule,)), make_panel(momentum=-1.0), MARKET, models, ON)
    assert not reading.acts["balanced"]
    assert reading.overlay["other"].target[0] == -0.05


def test_the_rule_of_the_lower_number_comes_first():
    up = Rule("up", Condition("momentum", above=0.0), Action("target", "2%", "SPY - IEF"), priority=2)
    down = Rule("down", Condition("value", below=0.0), Action("target", "3%", "IEF - SPY"), priority=1)
    same = Rule("same", Condition("value", below=0.0), Action("target", "1%", "IEF - SPY"), priority=3)
    reading, proposal, _ = decide(book(rules=(up, down, same)), make_panel(momentum=1.0, value=-1.0))
    assert traded(proposal) == {"SPY": pytest.approx(-0.04), "IEF": pytest.approx(0.04)}
    assert reading.notes == ("rule: up gives way on SPY, IEF (target): rule: down comes first",)


# --------------------------------------------------------------------------------------------------------- conflicts

MOMENTUM_LEANS = MomentumOverlay(signals=("momentum",), widen=1, per_score="2%", fund="IEF", buy_pace=0.5)
VALUE_LEANS = ValuationOverlay(signals=("value",), per_score="2%", fund="IEF")


@pytest.mark.parametrize(("order", "sign"), [((), -1), (("valuation",), 1), (("rules", "momentum"), -1)])
def test_a_falling_asset_that_is_cheap_goes_by_the_declared_order(order, sign):
    playbook = book(MOMENTUM_LEANS, VALUE_LEANS, order=order)
    reading, proposal, _ = decide(playbook, make_panel(momentum=-1.5, value=1.5))
    assert traded(proposal)["SPY"] == pytest.approx(sign * 0.02)
    first, second = ("momentum", "valuation") if sign < 0 else ("valuation", "momentum")
    assert all(note.startswith(f"overlay: {second} on SPY gives way on SPY") for note in reading.notes)
    assert all(note.endswith(f"overlay: {first} on SPY comes first") for note in reading.notes)
    assert {c.channel for c in reading.conflicts["balanced"]} >= {"target", "buy_pace"}


def test_a_shift_gives_way_on_what_is_contested_and_keeps_the_rest():
    spike = VolatilityOverlay(regime="fear", states="stressed", bands="keep", risky="equity", cut="6%", fund="IEF")
    lean = MomentumOverlay(signals=("momentum",), widen=1, per_score="2%", fund="GLD")
    reading, proposal, _ = decide(book(lean, spike), make_panel(momentum=1.5, vix=30.0))
    target = dict(zip(MARKET.universe.assets, reading.overlay["balanced"].target.tolist(), strict=True))
    assert target == {
        "SPY": pytest.approx(0.02), "GLD": pytest.approx(-0.02),
        "XLY": pytest.approx(-0.015), "XLP": pytest.approx(-0.015), "IEF": pytest.approx(0.03), "CASH": 0.0,
    }  # fmt: skip
    assert proposal.trades
    assert reading.notes == (
        "overlay: volatility on equity gives way on SPY (target): overlay: momentum on SPY comes first",
    )


def test_rules_outrank_overlays_unless_the_order_says_otherwise():
    rule = Rule("buy", Condition("value", above=0.0), Action("target", "1%", "SPY - IEF"))
    panel = make_panel(momentum=-1.5, value=1.5)
    assert traded(decide(book(MOMENTUM_LEANS, rules=(rule,)), panel)[1])["SPY"] == pytest.approx(0.01)
    other = book(MOMENTUM_LEANS, rules=(rule,), order=("momentum", "rules"))
    assert traded(decide(other, panel)[1])["SPY"] == pytest.approx(-0.02)


# ------------------------------------------------------------------------------------------------------------- views


def test_signals_become_a_view_that_trades_under_the_signals_name():
    opinion = Opinion("SPY", ("momentum",), name="equity over bonds", least=0.1)
    reading, proposal, _ = decide(book(opinions=(opinion,)), make_panel(momentum=1.5))
    assert [view.author for view in reading.views] == ["signals"]
    assert reading.convictions["opinion"].tolist() == ["equity over bonds"]
    reason = next(t.reason for t in proposal.trades if t.asset == "SPY")
    assert reason.startswith("view equity over bonds (momentum +1.50; conviction")


def test_no_view_is_made_of_little_and_it_says_so():
    opinion = Opinion("SPY", ("momentum",), least=0.9)
    reading, proposal, _ = decide(book(opinions=(opinion,)), make_panel(momentum=0.1))
    assert not reading.views
    assert not proposal.trades
    assert "makes no view" in reading.notes[0]


def test_what_cannot_be_judged_is_said():
    stale = Playbook(
        (Signal("momentum", "published", ("momentum",), "SPY", stale_days=7),),
        overlays=(MOMENTUM_LEANS,),
        rules=(Rule("r", Condition("momentum", below=0.0), Action("target", "1%", "IEF - SPY")),),
    )
    reading = read(stale, make_panel(momentum=-2.0), MARKET, MODELS, ON)
    assert not reading.acts["balanced"]
    assert [note.split(" cannot")[0] for note in reading.notes] == ["rule: r", "overlay: momentum"]
    assert all("stale" in note for note in reading.notes)


def test_implied_volatility_reaches_the_risk_channel_and_trades():
    risky = RiskOpinion("equity", "vix", unit=0.01, sense="least")
    reading, proposal, told = decide(book(risks=(risky,)), make_panel(vix=40.0))
    assert [belief.id for belief in reading.beliefs] == ["volatility of equity"]
    assert reading.overlay["balanced"].risk[0] > 1.5
    assert traded(proposal)["SPY"] < -0.01
    assert told.loc["SPY", "risk: volatility of equity"] < -0.01
    reason = next(t.reason for t in proposal.trades if t.asset == "SPY")
    assert reason.startswith("risk: volatility of equity (vix 0.4 of 2016-10-31)")
    assert not decide(book(risks=(risky,)), make_panel(vix=5.0))[
        1
    ].trades  # a floor below the market's own says nothing


# --------------------------------------------------------------------------------------------------- what is looked at


def test_a_calendar_that_looks_twice_as_often_in_a_spike():
    policy = Policy((Deviation("10%"),), MODELS, rebalance=Rebalance("calendar", every_sessions=20))
    spike = book(VolatilityOverlay(regime="fear", states="stressed", bands="keep", frequency=0.5))
    for vix, trades in ((30.0, True), (12.0, False)):
        reading = read(spike, make_panel(vix=vix), MARKET, MODELS, ON)
        held = {**MIX, "SPY": 0.34, "IEF": 0.26}
        account = Account.from_weights("1", "balanced", held, 1e6, MARKET)
        account = replace(account, last_rebalance=dt.date(2016, 11, 10))  # 13 sessions ago
        proposal = rebalance(account, policy, MARKET, (), ON, overlay=reading.overlay["balanced"])
        assert bool(proposal.trades) == trades


# -------------------------------------------------------------------------------------------------------- look-ahead

WHOLE = book(
    MOMENTUM_LEANS,
    VALUE_LEANS,
    VolatilityOverlay(regime="fear", states=("normal", "stressed"), bands="widen", risky="equity", cut="2%"),
    PRO,
    rules=(
        Rule(
            "trend", Condition("momentum", below=0.0, days=20), Action("target", "2%", "IEF - equity"), expires_days=90
        ),
        Rule(
            "crosses",
            Condition("value", crosses_above=0.2),
            Action("band", 1.5, "SPY"),
            expires_days=60,
            cooldown_days=30,
        ),
        Rule("average", Condition("vix", of="raw", average_above=1.0, window_days=365), Action("aversion", 1.2)),
        Rule("rich", Condition("value", percentile_below=0.3), Action("sell_pace", 1.5, "SPY")),
        Rule("fear", Condition(regime="fear", state="stressed", days=10), Action("frequency", 0.5)),
    ),
    opinions=(Opinion("SPY", ("momentum", "value"), name="equity", least=0.0, weights="inverse_variance"),),
    limits="fear",
)


def said(reading):
    """Everything a reading says, so that two can be compared."""
    acts = {m: [(a.name, a.channel, a.values.tolist(), a.because) for a in own] for m, own in reading.acts.items()}
    tables = [frame.to_csv() for frame in (reading.scores, reading.regimes, reading.convictions, reading.rules)]
    return (reading.views, acts, tables, reading.notes, reading.regime)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(400, 1700))
def test_nothing_that_becomes_known_later_changes_a_reading(seed, after):
    random, on = np.random.default_rng(seed), DAYS[0].date() + dt.timedelta(days=after)
    panel = make_panel()
    frame = panel.frame(panel.names).reset_index(names="date")
    frame["available_at"] = frame["date"] + pd.Timedelta(days=10)
    late = (frame["available_at"] > pd.Timestamp(on)).to_numpy()
    other = frame.copy()
    other.loc[late, list(panel.names)] = random.normal(0.0, 9.0, (late.sum(), len(panel.names)))
    revised = frame.iloc[random.integers(0, len(frame), 5)].drop_duplicates("date").copy()  # what was, said anew later
    revised[list(panel.names)] += 5.0
    revised["available_at"] = pd.Timestamp(on) + pd.to_timedelta(random.integers(1, 900, len(revised)), "D")
    revised = revised[revised["available_at"] > revised["date"]]
    changed = pd.concat([other, revised]).drop_duplicates(["date", "available_at"])
    truth = said(read(WHOLE, panel, MARKET, MODELS, on))
    assert said(read(WHOLE, Panel.from_frame(changed), MARKET, MODELS, on)) == truth
    assert said(read(WHOLE, panel.as_of(on), MARKET, MODELS, on)) == truth


def test_a_tape_of_a_longer_time_serves_every_day_of_it():
    panel = make_panel()
    tape = record(WHOLE, panel, ON)
    for days in (500, 900, 1500):
        on = DAYS[0].date() + dt.timedelta(days=days)
        assert said(read(WHOLE, panel, MARKET, MODELS, on, tape=tape)) == said(read(WHOLE, panel, MARKET, MODELS, on))


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("make", "words", "mend"),
    [
        (lambda: book(MomentumOverlay(signals=("momentm",))), "there is no signal 'momentm'", "'momentum'"),
        (lambda: book(MomentumOverlay(signals=("vix",))), "signals is 'vix'", "what it is about"),
        (lambda: book(MOMENTUM_LEANS, MOMENTUM_LEANS), "'momentum' is there twice", "own name"),
        (lambda: book(MOMENTUM_LEANS, order=("momento",)), "no order 'momento'", "'momentum'"),
        (
            lambda: book(VolatilityOverlay(regime="feer", states="stressed", bands="keep")),
            "there is no regime 'feer'",
            "'fear'",
        ),
        (
            lambda: book(VolatilityOverlay(regime="fear", states="stresed", bands="keep")),
            "there is no state 'stresed'",
            "'stressed'",
        ),
        (
            lambda: book(rules=(Rule("r", Condition("valu", below=0), Action("aversion", 1.5)),)),
            "rule 'r': there is no signal 'valu'",
            "'value'",
        ),
        (lambda: book(limits="economi"), "no regime 'economi'", "'economy'"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_the_nearest(make, words, mend):
    with pytest.raises(SignalError) as refused:
        make()
    assert words in str(refused.value)
    assert mend in refused.value.mend


@pytest.mark.parametrize(
    ("playbook", "words"),
    [
        (book(rules=(Rule("r", Condition("momentum", below=-9.0), Action("target", "1%", "SPY")),)), "rule 'r' shifts"),
        (book(rules=(Rule("r", Condition("momentum", below=-9.0), Action("risk", 1.5, "SPX")),)), "rule 'r': 'SPX'"),
        (
            book(MomentumOverlay(signals=("momentum",), least=9.0, fund="cash money")),
            "overlay 'momentum': 'cash money'",
        ),
        (
            book(MacroOverlay(regime="economy", shifts={"deflation": {"XLU": 0.1, "IEF": -0.1}})),
            "overlay 'macro': 'XLU'",
        ),
        (Playbook((Signal("s", "published", ("value",), "equities"),)), "signal 's': 'equities'"),
    ],
)
def test_what_means_nothing_is_refused_before_the_day_it_would_act(playbook, words):
    with pytest.raises(InputError) as refused:
        read(playbook, make_panel(), MARKET, MODELS, ON)
    assert words in str(refused.value)


def test_a_regime_without_a_state_is_told():
    reading = read(book(VolatilityOverlay(regime="fear", states="stressed", bands="keep", aversion=2)), make_panel(),
                   MARKET, MODELS, dt.date(2012, 2, 1))  # fmt: skip
    assert "regime: fear has no state: vix says nothing" in reading.notes
    assert reading.overlay["balanced"].aversion == 1.0
