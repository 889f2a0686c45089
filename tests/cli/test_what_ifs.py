"""`trimtab board`, `sweep`, `breakpoints`, `sensitivity`: what they print and write; they ask what a run asks."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from trimtab.batches.desks import open_desk
from trimtab.batches.questions import pick_question
from trimtab.cli.shock_texts import read_shock
from trimtab.demo import ON, book_path, policy_path
from trimtab.errors import InputError
from trimtab.models import tilt
from trimtab.optimizer import rebalance
from trimtab.optimizer.rebalancing import decide

DAY = dt.date.fromisoformat(ON)


def about(book, mandate, account="001"):
    return (book, "--policy", mandate, "--account", account, "--on", ON)


def test_a_question_is_what_a_run_asks_of_the_account(book, mandate, playbook):
    mandate.write_text(mandate.read_text() + playbook)
    asked = pick_question(book, mandate, "002", DAY)
    assert "less risk in fear" in [limit.name for limit in asked.policy.in_force]
    assert "shares over bonds" in [view.id for view in asked.views]
    desk = open_desk(asked.book, asked.policy, DAY)
    model = asked.policy.model(asked.account)
    own = tilt(asked.views, asked.market, model, DAY, trail=asked.trail) + asked.overlay
    theirs = desk.beliefs[model.id]
    assert np.array_equal(own.gain, theirs.gain)
    assert np.array_equal(own.target, theirs.target)
    assert own.target.any()  # the rule shifts
    run = decide(desk.problem, asked.account, theirs, DAY)
    alone = rebalance(
        asked.account, asked.policy, asked.market, asked.views, DAY, overlay=asked.overlay, trail=asked.trail
    )
    pd.testing.assert_frame_equal(alone.weights, run.weights)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_board_fits_the_page_and_shows_every_alternative(trimtab, book, mandate, columns):
    shocks = ("--shock", "crash: equity=-30%, bonds=5%", "--shock", "fall: spread equity=-20%", "--robust")
    status, out, err = trimtab("board", *about(book, mandate), *shocks, columns=columns)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert all(len(line) <= columns and line == line.rstrip() for line in lines)
    assert "…" not in out  # a number is never cut
    for row in ("do nothing", "back to strategic", "proposed", "phased", "no views", "only V1", "V1 fails"):
        assert re.search(rf"^  {row} +\d", out, re.MULTILINE), row
    assert "Left out: band edge (the policy has no band)." in out
    assert "To hold the proposal" in out
    assert "The best for the worst of these" in out


def test_a_board_of_an_account_without_an_answer_says_so(trimtab, demo_book, tmp_path):
    pytest.importorskip("plotly", reason="plotly is not installed")
    stuck = demo_book(tmp_path / "stuck", ("035",), without=("phases",))
    (stuck / "restrictions.csv").write_text("account_id,asset_id,rule\n035,USMKT,no_sell\n")
    status, out, err = trimtab("board", *about(stuck, policy_path(), "035"), "--out", tmp_path / "o")
    assert (status, err) == (0, "")
    said = " ".join(out.split())
    assert re.search(r"No answer, shown as it stands now: [^.]*proposed.* UNSOLVED: USMKT: no_sell", said)
    assert "To hold the proposal" not in out
    shown = (tmp_path / "o" / "board.html").read_text()
    assert "no answer" in shown
    assert "What must be believed to hold the proposal" not in shown


def test_boards_and_sweeps_are_written(trimtab, book, mandate, tmp_path):
    pytest.importorskip("plotly", reason="plotly is not installed")
    out = tmp_path / "out"
    assert trimtab("board", *about(book, mandate), "--out", out)[0] == 0
    assert {p.name for p in out.iterdir()} >= {"board.parquet", "board.csv", "implied.csv", "worth.csv", "board.html"}
    board = pd.read_parquet(out / "board.parquet").set_index("alternative")
    assert board.loc["proposed", "regret:as believed"] == pytest.approx(0.0, abs=1e-7)
    knobs = ("--knob", "turnover=5%,10%", "--knob", "gain=0.5:2:4")
    status, text, err = trimtab("sweep", *about(book, mandate), *knobs, "--out", out)
    assert (status, err) == (0, "")
    assert "8 points of turnover (2) and gain (4)" in text
    sweep = pd.read_parquet(out / "sweep.parquet")
    assert sweep["knob:turnover"].tolist() == [0.05] * 4 + [0.10] * 4  # turnover is a knob and a figure
    assert (sweep["turnover"] <= sweep["knob:turnover"] + 1e-9).all()
    assert (out / "frontier.csv").exists()
    assert "<h1>Account 001: turnover and gain turned</h1>" in (out / "sweep.html").read_text()
    assert "<h1>Account 001: what could be done</h1>" in (out / "board.html").read_text()


def test_sensitivities_and_breakpoints_are_told(trimtab, book, mandate, tmp_path):
    status, out, err = trimtab("sensitivity", *about(book, mandate), "--out", tmp_path / "s", columns=100)
    assert (status, err) == (0, "")
    assert re.search(r"view\.V1\.gain +\+0\.1%", out)
    assert len(pd.read_csv(tmp_path / "s" / "sensitivity.csv")) >= 8
    asked = ("--knob", "view.V2.gain", "--out", tmp_path / "b")
    status, out, err = trimtab("breakpoints", *about(book, mandate), *asked)
    assert (status, err) == (0, "")
    found = pd.read_parquet(tmp_path / "b" / "breakpoints.parquet")
    assert set(found["knob"]) == {"view.V2.gain"}
    assert "if the view 'V2'" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sweep", "--knob", "trackingerror=1%:2%:3"), "there is no knob 'trackingerror'"),
        (("sweep", "--knob", "turnover"), "it is not NAME=VALUES"),
        (("sweep", "--knob", "turnover=5%", "--plot", "gain"), "there is no figure 'gain'"),
        (("board", "--shock", "crash"), "'crash' is no shock"),
        (("board", "--shock", "crash: equities=-3%"), "equities"),
        (("breakpoints", "--knob", "view.V9.gain"), "there is no view 'V9'"),
    ],
)
def test_what_cannot_be_asked_is_said_without_a_traceback(trimtab, book, mandate, arguments, words):
    status, out, err = trimtab(arguments[0], *about(book, mandate), *arguments[1:])
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_an_account_that_is_not_there_is_named(trimtab, book, mandate):
    status, _, err = trimtab("board", *about(book, mandate, "01"))
    assert status == 2
    assert "has no account '01'; ids are text, so 007 is not 7" in err


def test_shocks_are_read_as_typed():
    asked = pick_question(book_path(), policy_path(), "001", DAY)
    crash = read_shock("a crash: equity=-30%, volatility.equity=2, correlation=0.3", asked)
    assert (crash.name, dict(crash.moves)) == ("a crash", {"equity": -0.3})
    assert (dict(crash.volatility), crash.correlation) == ({"equity": 2.0}, 0.3)
    autumn = read_shock("2008: 2008-08-31..2008-11-30 with risk", asked)
    assert -0.5 < autumn.moves["USMKT"] < -0.2
    assert autumn.like is not None
    spread = read_shock("fall: spread equity=-20%", asked).vector(asked.market.universe)
    held = pd.Series(asked.policy.models["balanced"])
    equity = asked.market.universe.members("equity")
    mix = np.where(equity, asked.market.universe.vector(held), 0.0)
    assert mix @ spread / mix.sum() == pytest.approx(-0.2, abs=1e-8)
    for text in ("", "x", "x:", "x: equity", "x: =3", ": equity=1"):
        with pytest.raises(InputError):
            read_shock(text, asked)
