"""What came of views changes how much the next is believed, once a person has approved it."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from trimtab.attribution.feedback import (
    approve_confidences,
    propose_confidences,
    skill_interval,
    update_confidence,
    write_confidences,
)
from trimtab.attribution.forecasts import against_hurdles, calibrate, settle_views
from trimtab.batches import read_book
from trimtab.demo import book_path
from trimtab.errors import BookError, InputError
from trimtab.models import Universe, View

UNIVERSE = Universe(("EQ", "BD"), ("equity", "bonds"))
MONTHS = pd.date_range("2010-01-31", periods=120, freq="ME")


def settled(right, wrong, confidence=0.5):
    return pd.DataFrame({"confidence": [confidence], "right": [right], "wrong": [wrong]}, index=["ES"])


def test_the_update_is_beta_binomial():
    # 20 forecasts of weight at c = 0.5 are 15 right and 5 wrong; 30 more at 50 % pull p to (15 + 15)/50.
    assert update_confidence(0.5, 15, 15) == pytest.approx(2 * 30 / 50 - 1)
    assert update_confidence(0.5, 0, 0) == 0.5
    assert update_confidence(0.5, 10**6, 0) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(InputError, match="cannot be updated"):
        update_confidence(1.5, 1, 1)


def test_more_evidence_moves_more_and_a_record_as_stated_moves_nothing():
    moved = [update_confidence(0.4, k, 0) - 0.4 for k in (0, 1, 5, 50)]
    assert moved == sorted(moved)
    assert moved[0] == pytest.approx(0.0, abs=1e-15)
    assert update_confidence(0.5, 75, 25) == pytest.approx(0.5)


@pytest.mark.parametrize("p", [0.5, 0.55, 0.3])
def test_demotion_has_its_stated_error_rate(p):
    """Exactly, over every record of 60 forecasts: a coin is demoted at most one time in twenty, or nearly."""
    n = 60
    demoted = sum(binom.pmf(h, n, p) for h in range(n + 1) if skill_interval(h, n - h)[1] < 0.5)
    assert demoted < 0.065 if p >= 0.5 else demoted > 0.9


def test_a_source_that_is_wrong_is_demoted_and_a_short_record_is_not():
    assert propose_confidences(settled(12, 48)).loc["ES", ["verdict", "scale"]].tolist() == ["demote", 0.0]
    short = propose_confidences(settled(1, 3)).loc["ES"]
    assert short["verdict"] == "lower"
    assert 0.6 < short["scale"] < 1.0
    assert propose_confidences(settled(0, 0)).loc["ES", "verdict"] == "keep"
    assert propose_confidences(settled(40, 2)).loc["ES", "verdict"] == "raise"


def test_views_are_settled_by_what_their_legs_did():
    returns = pd.DataFrame({"EQ": 0.01, "BD": 0.002}, index=MONTHS)
    views = [
        View("EQ - BD", 0.12, 0.5, dt.date(2010, 1, 31), dt.date(2010, 7, 31), "ES", id="up"),
        View("EQ - BD", -0.12, 0.5, dt.date(2011, 1, 31), dt.date(2011, 7, 31), "LM", id="down"),
        View("EQ - BD", 0.12, 0.5, dt.date(2019, 6, 30), dt.date(2029, 1, 1), "ES", id="live"),
    ]
    table = settle_views(views, returns, UNIVERSE, np.array([0.6, 0.4, 0.0]), "2019-12-31").set_index("view_id")
    assert list(table.index) == ["up", "down"]
    assert table.loc["up", "realised"] == pytest.approx(1.01**6 - 1.002**6, abs=1e-12)
    assert (table["right"].tolist(), table["author"].tolist()) == ([True, False], ["ES", "LM"])
    assert np.isnan(table.loc["up", "days_to_pay_off"])  # 5 % of the 6 % it promised
    cleared = against_hurdles(table.reset_index(), pd.Series({"up": 0.08}))
    assert cleared["cleared"].tolist() == [True, False]
    assert calibrate(table.reset_index()).loc["ES", ["right", "wrong"]].tolist() == [1, 0]


def test_calibration_finds_what_a_forecast_is_worth():
    rng = np.random.default_rng(0)
    promised = rng.normal(0, 0.02, 400)
    table = pd.DataFrame(
        {"author": "ES", "promised": promised, "realised": 0.5 * promised + rng.normal(0, 0.01, 400), "right": True,
         "cleared": True, "confidence": 0.5, "days_to_pay_off": np.nan}
    )  # fmt: skip
    row = calibrate(table).loc["ES"]
    assert row["slope"] == pytest.approx(0.5, abs=0.08)
    assert row["ic"] > 0.5
    assert row["ic_t"] > 5
    noise = calibrate(table.assign(realised=rng.normal(0, 0.01, 400))).loc["ES"]
    assert abs(noise["slope"]) < 0.08
    assert abs(noise["ic_t"]) < 3


def test_the_next_run_believes_what_was_approved_and_nothing_else(tmp_path):
    folder = shutil.copytree(book_path(), tmp_path / "book")
    before = {view.id: view for view in read_book(folder).views()}
    author = before["V1"].author
    proposed = propose_confidences(settled(5, 5).rename(index={"ES": author}))
    with pytest.raises(InputError, match="nobody has approved"):
        write_confidences(proposed, folder)
    with pytest.raises(InputError, match="a name"):
        approve_confidences(proposed, "", "minutes")
    write_confidences(approve_confidences(proposed, "R. Ames", "minutes of 2017-03-01"), folder)
    scale = proposed.loc[author, "scale"]
    after = {view.id: view for view in read_book(folder).views()}
    for name, view in before.items():
        wanted = view.confidence * (scale if view.author == author else 1.0)
        assert after[name].confidence == pytest.approx(wanted, rel=1e-12)
    text = (folder / "confidences.csv").read_text()
    (folder / "confidences.csv").write_text(text.replace("R. Ames", ""))
    with pytest.raises(BookError, match="nobody approved"):
        read_book(folder).views()
    (folder / "confidences.csv").write_text(f"source,scale,approved_by\n{author},0,R. Ames\n")
    assert {v.id for v in read_book(folder).views()} == {k for k, v in before.items() if v.author != author}
