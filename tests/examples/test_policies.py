"""The example mandates: each reads, each is read on the demo book's day, and each ends in trades that say who asked."""

from __future__ import annotations

import datetime as dt
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from trimtab.batches.books import Book, read_book
from trimtab.batches.desks import Desk, open_desk
from trimtab.constraints.documents import read_policy
from trimtab.constraints.policies import Policy
from trimtab.demo import ON, book_path
from trimtab.optimizer.proposals import Proposal
from trimtab.optimizer.rebalancing import decide
from trimtab.optimizer.solutions import Outcome
from trimtab.signals.playbooks import NO_PLAYBOOK

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
DAY = dt.date.fromisoformat(ON)
APPROACHES = ("momentum", "valuation", "volatility", "macro")
METHODOLOGIES = ("bands", "targets", "phased", "rules")
PORTFOLIOS = ("defensive", "balanced", "growth")

# An account whose trades the policy moves, and who says so in the reason.
TRADED = {
    "momentum": ("003", "view market momentum (market 12-1 +0.84, market trend +0.71"),
    "valuation": ("005", "view carry of duration (price of duration -1.16"),
    "volatility": ("005", "rule: calm seas (since 2016-12-08: fear calm"),
    "macro": ("012", "overlay: macro on ENERGY and GOLD and UST10 (economy is reflation)"),
    "targets": ("003", "rule: flat curve (since 2017-02-23: slope -0.31"),
    "phased": ("003", "view carry of duration (price of duration -1.16"),
    "rules": ("005", "rule: oil above its two years (since 2017-02-06"),
    "defensive": ("013", "rule: credit heals (since 2017-01-13: widening credit +0.69"),
    "balanced": ("001", "overlay: credit value on BAA - UST20 (credit spread -0.54)"),
    "growth": ("002", "view cyclical sectors (technology against staples +1.77"),
}
# Days on which what slept on the demo book's day was awake: the same accounts, as the signals stood then.
AWAKE = {
    ("volatility", "2015-08-31"): ("005", "overlay: storm (fear is stressed)"),
    ("rules", "2015-09-30"): ("005", "rule: cut shares when the trend breaks"),
    ("defensive", "2015-09-30"): ("013", "rule: leave when the trend breaks"),
    ("growth", "2007-04-30"): ("002", "rule: recession ahead"),
}


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Book:
    """The demo book without the views and tilts that its people hold: only signals speak."""
    folder = shutil.copytree(book_path(), tmp_path_factory.mktemp("demo") / "book")
    for table in ("views", "tilts"):
        (folder / f"{table}.csv").unlink()
    return read_book(folder)


def policy(name: str) -> Policy:
    document = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return read_policy(document)


def proposal(desk: Desk, book: Book, account: str) -> Proposal:
    own = next(each for each in book.accounts(desk.policy) if each.id == account)
    leg = desk.legs_of(own.model).get(desk.policy.aversion(own))
    return decide(desk.problem, own, desk.beliefs[own.model], desk.on, leg)


def test_there_is_one_for_each_approach_methodology_and_portfolio():
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*APPROACHES, *METHODOLOGIES, *PORTFOLIOS}
    listed = (FOLDER.parent / "README.md").read_text("utf-8")
    assert all(f"`policies/{path.name}`" in listed for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", [*APPROACHES, *METHODOLOGIES, *PORTFOLIOS])
def test_a_mandate_reads_and_every_signal_of_it_has_a_score_on_the_books_day(book, name):
    mandate = book.policy(policy(name))
    reading = book.read(mandate, book.market(mandate, DAY), DAY)
    assert reading is not None
    silent = reading.scores[reading.scores["why_not"] != ""]
    assert silent.empty, silent.to_string()
    told = str(mandate)
    used = {name for each in mandate.playbook.overlays for name in (*each.signals_read, *each.regimes_read)}
    used |= {each.signal or each.regime for rule in mandate.playbook.rules for each in rule.reads}
    used |= {name for each in mandate.playbook.opinions for name in each.signals}
    used |= {signal.name for each in mandate.playbook.regimes for signal in each.reads}
    assert used >= {signal.name for signal in mandate.playbook.signals}, "a signal that nobody reads"
    assert all(str(each) in told for each in (*mandate.playbook.overlays, *mandate.playbook.rules))


@pytest.mark.parametrize("name", TRADED)
def test_a_mandate_ends_in_trades_that_say_who_asked(book, name):
    account, because = TRADED[name]
    made = proposal(open_desk(book, book.policy(policy(name)), DAY), book, account)
    assert made.outcome is Outcome.OPTIMAL
    assert any(because in trade.reason for trade in made.trades), [trade.reason for trade in made.trades]


@pytest.mark.parametrize(("name", "on"), AWAKE)
def test_what_sleeps_today_has_been_awake(book, name, on):
    account, because = AWAKE[name, on]
    desk = open_desk(book, book.policy(policy(name)), dt.date.fromisoformat(on))
    made = proposal(desk, book, account)
    assert made.outcome in (Outcome.OPTIMAL, Outcome.RELAXED)
    assert any(because in trade.reason for trade in made.trades), [trade.reason for trade in made.trades]


def test_narrow_bands_trade_where_wide_ones_hold_and_the_other_way_round(book):
    mandate = book.policy(policy("bands"))
    with_signals = open_desk(book, mandate, DAY)
    without = open_desk(book, replace(mandate, playbook=NO_PLAYBOOK), DAY)
    acts = with_signals.reading.acts["sixty_forty"]
    assert {act.source for act in acts} == {"rule: cheap to be exact", "overlay: momentum"}
    assert {act.channel for act in acts} == {"band_low", "band_high"}
    narrow = proposal(with_signals, book, "005")  # bonds are kept close to their targets: half the band
    assert proposal(without, book, "005").outcome is Outcome.HELD
    assert narrow.trades
    assert "its band 1.00%" in narrow.cause
    assert proposal(with_signals, book, "008").outcome is Outcome.HELD  # what rises may rise: a wider band above
    assert proposal(without, book, "008").trades
