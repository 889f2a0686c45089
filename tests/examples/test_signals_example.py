"""The example is true: what it says lives scores on the book's day, and the tables it asks for are enough."""

from __future__ import annotations

import datetime as dt
import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trimtab.batches import read_book
from trimtab.demo import ON, book_path
from trimtab.signals import Panel, score

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "signals.py"), run_name="example")
LIVE, OWN = EXAMPLE["LIVE"], EXAMPLE["OWN"]
DAY = dt.date.fromisoformat(ON)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return read_book(book_path()).panel()


@pytest.mark.parametrize("family", LIVE)
def test_a_family_that_lives_has_a_score_or_says_why_not(panel, family):
    told = [score(signal, panel, DAY) for signal in LIVE[family]]
    for each in told:
        assert math.isfinite(each.value) or each.why_not.startswith("stale")
        assert each.value == pytest.approx(0.0, abs=5.0) or each.why_not
    if family != "growth":  # the only figures of output that packages ship end in 2009
        assert all(math.isfinite(each.value) for each in told)
    else:
        assert math.isfinite(score(LIVE[family][0], panel, dt.date(2009, 12, 31)).value)


def test_what_the_market_is_said_to_have_done_is_what_it_did(panel):
    said = {signal.name: score(signal, panel, DAY) for signals in LIVE.values() for signal in signals}
    closes = panel.history("sp500", DAY)
    assert said["market above its 200 days"].raw == pytest.approx(closes.iloc[-1] / closes.iloc[-200:].mean() - 1)
    assert said["ten years less three months"].raw == pytest.approx(0.0236 - 0.0053)
    assert said["unemployment over a year"].raw == pytest.approx(-0.3)
    assert said["unemployment over a year"].date == dt.date(2016, 12, 31)
    assert said["core inflation gathering pace"].known == dt.date(2017, 2, 24)
    assert said["fear, against the crowd"].raw == pytest.approx(12.92)


@pytest.mark.parametrize("feed", OWN.values(), ids=OWN)
def test_the_table_that_a_family_asks_for_is_enough(feed):
    days = pd.date_range("2000-01-31", periods=200, freq="ME")
    rng = np.random.default_rng(5)
    table = pd.DataFrame({name: np.exp(rng.normal(0, 0.1, 200)) for name in feed.columns})
    table.insert(0, "date", days)
    table.insert(1, "available_at", days + pd.Timedelta(days=5))
    assert feed.header == ",".join(table.columns)
    own = Panel.from_frame(table)
    used = set()
    for signal in feed.signals:
        assert math.isfinite(score(signal, own, dt.date(2017, 2, 28)).value), signal.name
        used |= set(signal.named(own.names))
    assert used == set(feed.columns)


def test_it_prints_every_family(capsys):
    EXAMPLE["main"](DAY)
    told = capsys.readouterr().out
    assert all(family in told for family in (*LIVE, *OWN))
    assert "stale: the last value is of 2009-09-30" in told
