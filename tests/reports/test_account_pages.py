"""The page of an account: what is proposed, why, what it changes; whatever the account calls itself."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from trimtab.batches.questions import pick_question
from trimtab.demo import ON, policy_path
from trimtab.models import Shock
from trimtab.reports.pages import Chart, Figures, Listing, Words, render
from trimtab.reports.proposals import make_page, proposal_page
from trimtab.reports.studies import study

HELD, STUCK = "005", "035"
EVIL = '</script><img src=x onerror="alert(1)">'
"""What account 012 calls itself here: see `made_book`."""
DAY = dt.date.fromisoformat(ON)
CRASH = Shock("crash", {"equity": -0.3, "bonds": 0.05})


@pytest.fixture(scope="module")
def looked(made_book):
    return study(pick_question(made_book, policy_path(), EVIL, DAY), shocks=[CRASH])


def section(page, title):
    found = [each for each in page.sections if each.title == title]
    assert len(found) == 1, [each.title for each in page.sections]
    return found[0]


def test_the_page_of_an_account_says_what_is_proposed(looked):
    page, proposal = make_page(looked), looked.proposal
    assert len(proposal.trades) > 2
    assert section(page, "Trades").frame["trade_id"].to_list() == [t.trade_id for t in proposal.trades]
    weights = section(page, "Weights").frame
    pd.testing.assert_frame_equal(weights[list(proposal.weights.columns)], proposal.weights)
    assert {"deviation low", "deviation high", "phase low"} <= set(weights.columns)
    figures = {name: value for name, value, _ in section(page, "In short").rows}
    assert figures["trades"] == str(len(proposal.trades))
    assert figures["tracking error"] == f"{proposal.tracking_error:.2%}"


def test_reasons_on_the_page_sum_to_the_trades(looked):
    frame = section(make_page(looked), "Why it trades").frame
    assert np.allclose(frame.drop(columns="trade").sum(axis=1), frame["trade"], atol=1e-9)
    weights = looked.proposal.weights
    assert np.allclose(frame["trade"], weights["target"] - weights["current"], atol=1e-9)


def test_before_and_after_are_those_of_the_weights(looked):
    change, weights = looked.change, looked.proposal.weights
    risk = looked.asked.market.risk
    for column, name in (("now", "current"), ("after", "target")):
        own = weights[name].to_numpy()
        assert change.loc["volatility a year", column] == pytest.approx(float(risk.volatility(own)))
        active = own - weights["strategic"].to_numpy()
        assert change.loc["tracking error a year", column] == pytest.approx(float(risk.volatility(active)))
        assert change.loc["active share", column] == pytest.approx(0.5 * np.abs(active).sum())
    assert change.loc["tracking error a year", "after"] == pytest.approx(looked.proposal.tracking_error)
    assert np.allclose(change["change"], change["after"] - change["now"])


def test_gauges_say_how_much_is_used_before_and_after_at_which_price(looked):
    gauges = looked.gauges
    assert gauges["share"].max() <= 1.0 + 1e-6
    turnover = gauges.loc[gauges["limit"] == "turnover"]
    assert (turnover["now"] == 0).all()
    assert turnover["used"].max() == pytest.approx(looked.proposal.turnover)
    tracking = gauges.loc[gauges["limit"] == "tracking_error"].iloc[0]
    assert tracking["now"] * 0.02 == pytest.approx(looked.change.loc["tracking error a year", "now"], rel=1e-6)
    prices = {(p.limit, p.on): p.price for p in looked.proposal.prices}
    assert all(row["price"] == prices.get((row["limit"], row["on"]), 0.0) for row in gauges.to_dict("records"))
    worth = section(make_page(looked), "What stops it").frame
    assert worth.iloc[:, -1].is_monotonic_decreasing


def test_views_come_with_their_age_and_end(looked):
    frame = section(make_page(looked), "What is believed").frame
    assert list(frame["view_id"]) == ["V1", "V2", "V3"]
    assert list(frame["days_left"]) == [184, 92, 275]
    assert (frame["age_days"] == 0).all()


def test_the_board_and_shocks_stand_beside_the_proposal(looked):
    page = make_page(looked)
    board = section(page, "What could be done instead").frame
    assert {"do nothing", "proposed", "no views", "V1 fails"} <= set(board.index)
    assert {"use: turnover", "regret: crash"} <= set(board.columns)
    shaken = section(page, "If it happened tomorrow").frame
    assert list(shaken.index) == ["crash"]
    assert shaken.loc["crash", "target"] == pytest.approx(
        float(looked.proposal.weights["target"] @ CRASH.vector(looked.asked.market.universe))
    )


def test_the_page_of_an_account_opens_and_draws_whatever_it_calls_itself(looked, show):
    page = make_page(looked, remarks=[f"a remark on {EVIL}"])
    shown = show(page)
    assert shown.complaints == []
    assert len(shown.requests) == 1
    charts = [each for each in page.sections if isinstance(each, Chart)]
    assert [each.title for each in charts] == [
        "Weights", "Why it trades", "Limits", "What is believed", "What could be done instead",
    ]  # fmt: skip
    traces = shown.read("[...document.querySelectorAll('.drawing')].map(d => d.data.length)")
    assert traces == [len(each.figure.data) for each in charts]
    assert shown.read("document.querySelectorAll('img').length") == 0
    assert shown.read("document.querySelector('h1').textContent") == page.title
    shown.tab.set_viewport_size({"width": 390, "height": 800})
    shown.tab.wait_for_timeout(300)
    assert shown.read("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("account", "words", "title"),
    [(HELD, "HELD", "nothing to trade"), (STUCK, "UNSOLVED", "no answer, so nothing is traded")],
)
def test_an_account_without_trades_has_a_page_too(made_book, account, words, title):
    page = proposal_page(pick_question(made_book, policy_path(), account, DAY))
    assert page.title == f"Account {account}: {title}"
    assert words in page.subtitle
    assert len(section(page, "Trades").frame) == 0
    assert not [each for each in page.sections if each.title == "Why it trades"]
    assert isinstance(section(page, "In short"), Figures)
    assert isinstance(section(page, "The proof"), Words)
    assert isinstance(section(page, "Before and after"), Listing)
    assert (section(page, "Before and after").frame["change"] == 0).all()
    limits = section(page, "Limits")
    assert isinstance(limits, Words) or len(limits.frame)  # never an empty drawing
    assert "<h1>" in render(page)
