"""A backtest's decisions kept in a folder: read to the last bit, split by signal, forecasts counted once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.attribution import attribute, trace
from trimtab.attribution.forecasts import calibrate, settle
from trimtab.attribution.promises import promise
from trimtab.attribution.recordings import record_backtest
from trimtab.attribution.records import holds_record, read_record, write_record
from trimtab.attribution.reviews import review
from trimtab.constraints.bands import Band
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.policies import Policy
from trimtab.constraints.time_limits import TimeLimit
from trimtab.errors import InputError, RunError
from trimtab.models.costs import Costs
from trimtab.models.universes import Universe
from trimtab.models.views import View
from trimtab.scenarios.backtests import backtest
from trimtab.scenarios.chronicles import Chronicle
from trimtab.signals.definitions import Signal
from trimtab.signals.opinions import Opinion
from trimtab.signals.playbooks import Playbook

UNIVERSE = Universe(("SHARES", "NOTES", "GOLD"), ("equity", "bonds", "gold"))
MIX = {"SHARES": 0.5, "NOTES": 0.4, "GOLD": 0.08, "CASH": 0.02}
ABOUT = "SHARES - NOTES"
WEIGHTS = {"slow": 0.7, "fast": 0.3}
SIGNALS = tuple(
    Signal(name, "moving_average_gap", ("SHARES",), ABOUT, parameters={"window": window}, stale_days=10)
    for name, window in (("slow", 60), ("fast", 15))
)
OPINION = Opinion(
    ABOUT, ("slow", "fast"), "trend", weights=WEIGHTS, scale="raw", unit=0.5, horizon_days=30, least=0.0, author="ES"
)
HAND = View("GOLD - NOTES", 0.02, 0.4, dt.date(2020, 6, 1), dt.date(2020, 7, 15), "LM", id="gold")


def history(sessions=230):
    rng = np.random.default_rng(8)
    moves = rng.normal([0.0004, 0.0001, 0.0002], [0.012, 0.004, 0.009], (sessions, 3))
    returns = pd.DataFrame(moves, pd.bdate_range("2020-01-02", periods=sessions), ["SHARES", "NOTES", "GOLD"])
    return Chronicle.from_returns(returns, UNIVERSE, costs=Costs(np.full(4, 0.001)), cash=0.03)


@pytest.fixture(scope="module")
def walked():
    chronicle = history()
    band = Band(on=["SHARES", "NOTES", "GOLD"], absolute=0.01, use="trigger")
    policy = Policy((Deviation(most=0.10), band), {"mix": MIX}, playbook=Playbook(SIGNALS, opinions=(OPINION,)))
    found = backtest(policy, chronicle, "2020-04-01", views=[HAND], remember=True)
    return found, chronicle, record_backtest(found, chronicle, views=[HAND], about={"by": "a test"})


def test_what_is_read_is_what_was_written(walked, tmp_path):
    _, _, record = walked
    assert holds_record(tmp_path) is None
    write_record(record, tmp_path / "decisions")
    read = read_record(holds_record(tmp_path))
    one, two = attribute(record.chain), attribute(read.chain)
    np.testing.assert_array_equal(two.linked, one.linked)
    np.testing.assert_array_equal(two.portfolio, one.portfolio)
    assert (two.names, two.groups, two.regimes, two.residual) == (one.names, one.groups, one.regimes, one.residual)
    assert two.residual < 1e-14
    assert (two.origins, two.classes) == (one.origins, one.classes)
    assert (dict(read.about), len(read.transfers)) == ({"by": "a test"}, len(record.transfers))
    pd.testing.assert_frame_equal(read.forecasts, record.forecasts)
    with pytest.raises(RunError, match="holds something"):
        write_record(record, tmp_path / "decisions")


@pytest.mark.parametrize("table", ["stages", "periods", "parts", "origins", "forecasts", "transfers"])
def test_a_byte_that_was_changed_is_found(walked, tmp_path, table):
    write_record(walked[2], tmp_path)
    path = tmp_path / f"{table}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match=f"{table}.parquet is not what was written"):
        read_record(tmp_path)
    path.unlink()
    with pytest.raises(RunError, match="lost"):
        read_record(tmp_path)


def test_half_a_record_is_none_and_another_format_is_refused(walked, tmp_path):
    seal = write_record(walked[2], tmp_path) / "decisions.json"
    text = seal.read_text()
    seal.write_text(json.dumps(json.loads(text) | {"format": "trimtab decisions 0"}))
    with pytest.raises(RunError, match="of the format"):
        read_record(tmp_path)
    seal.unlink()
    assert holds_record(tmp_path) is None
    with pytest.raises(RunError, match="no record"):
        read_record(tmp_path)


def test_each_signal_has_the_part_of_the_view_that_it_has_of_the_score(walked):
    """The share is counted again from the scores of each reading: the stated weight times the score."""
    found, chronicle, record = walked
    told = attribute(record.chain)
    view, signals = told.series("view")["view trend"], told.series("signal")[["slow", "fast"]]
    np.testing.assert_allclose(signals.sum(axis=1), view, atol=1e-17)
    readings = [each for each in found.asked if each.reading is not None]
    checked = against = 0
    for end, start in zip(told.periods, chronicle.days[-len(told.periods) - 1 :], strict=False):
        reading = [each.reading for each in readings if pd.Timestamp(each.on) <= start][-1]
        if not reading.views or abs(view[end]) < 1e-9:
            continue
        score = reading.scores.set_index("signal")["value"].astype(float)
        parts = pd.Series(WEIGHTS) * score
        np.testing.assert_allclose(signals.loc[end] / view[end], parts / parts.sum(), rtol=1e-9)
        checked, against = checked + 1, against + (parts.min() < 0)
    assert checked > 50
    assert against > 5  # a signal that spoke against the view has a negative part of it


def test_the_opinion_speaks_once_at_a_time_and_the_view_once(walked):
    _, chronicle, record = walked
    rows = record.forecasts
    assert (rows["view_id"] == "gold").sum() == 1
    own = rows.loc[rows["view_id"] == "trend"]
    assert len(own) > 3
    assert (own["since"].iloc[1:].to_numpy() >= own["until"].iloc[:-1].to_numpy()).all()
    settled = settle(rows, chronicle.returns, chronicle.on(len(chronicle) - 1))
    assert set(settled["view_id"]) == {"trend", "gold"}
    # What a forecast's legs did is counted again from the levels.
    row = settled.loc[settled["view_id"] == "trend"].iloc[0]
    first, last = (chronicle.days.searchsorted(pd.Timestamp(row[d]), side="right") - 1 for d in ("since", "until"))
    grown = chronicle.levels[last] / chronicle.levels[first] - 1.0
    assert row["realised"] == pytest.approx(grown[0] - grown[1], abs=1e-12)
    later = settle(rows, chronicle.returns, row["until"])
    assert (later["until"] <= row["until"]).all()


def test_a_signal_is_right_where_it_spoke_against_a_view_that_was_wrong():
    view = View("A - B", 0.12, 0.5, dt.date(2020, 1, 31), dt.date(2020, 3, 31), id="v")
    row = promise(view, {"A": 1.0, "B": -1.0}, {"A": "equity", "B": "bonds"}, shares={"for": 1.5, "against": -0.5})
    returns = pd.DataFrame({"A": -0.01, "B": 0.0}, pd.to_datetime(["2020-02-29", "2020-03-31"]))
    settled = settle(pd.DataFrame([row]), returns, "2020-04-30")
    table = calibrate(settled, "signal")
    assert table.loc["for", ["right", "wrong"]].tolist() == [0, 1]
    assert table.loc["against", ["right", "wrong"]].tolist() == [1, 0]
    assert table["promised"].tolist() == pytest.approx([1.5 * 0.12 * 60 / 365.25, 0.5 * 0.12 * 60 / 365.25])
    assert calibrate(settled, "class").index.tolist() == ["bonds and equity"]
    with pytest.raises(InputError, match="have no 'colour'"):
        calibrate(settled, "colour")


def test_a_review_holds_every_figure_with_its_interval(walked):
    _, _, record = walked
    told = review(record, hurdles={"ES": 0.01})
    assert {"view", "signal", "author", "class"} <= set(told.skill["by"])
    judged = told.skill.loc[told.skill["periods"] >= 12]
    for name in ("information_ratio", "hit_rate", "slugging", "t"):
        known = judged.loc[judged[name].notna()]
        assert len(known)
        assert (known[f"{name}_low"] <= known[name]).all()
        assert (known[name] <= known[f"{name}_high"]).all()
    assert told.skill.set_index(["by", "source"]).loc[("author", "ES"), "hurdle"] == 0.01
    assert not set(told.skill["source"]) & {"costs", "waiting", "drift", "held back"}
    figures = told.figures.set_index("figure")
    assert 1.0 <= figures.loc["breadth", "low"] <= figures.loc["breadth", "value"] <= 3.0
    assert 0.0 < figures.loc["transfer_coefficient", "value"] <= 1.0
    assert told.proposal["source"].tolist() == ["trend", "LM"]
    assert (told.proposal["approved_by"] == "").all()
    assert told.benchmarks["score"].is_monotonic_decreasing
    with pytest.raises(InputError, match="'XX', which did nothing"):
        review(record, hurdles={"XX": 0.01})


def test_what_a_time_limit_costs_is_told():
    """A view that outlives the life of its position is held back by that limit, and by nothing else of that size."""
    chronicle = history(150)
    view = View(ABOUT, 0.05, 0.6, dt.date(2020, 4, 1), id="long")
    clock = TimeLimit(life_days=40, reversion_days=10, rest_days=60, name="patience")
    free = Policy((Deviation(most=0.10),), {"mix": MIX})
    told = {}
    for name, policy in (("free", free), ("timed", replace(free, limits=(*free.limits, clock)))):
        found = backtest(policy, chronicle, "2020-04-01", "2020-07-10", views=[view], remember=True)
        told[name] = attribute(trace(found, chronicle))
        assert told[name].residual < 1e-14
    moved = {name: told["timed"].series("effect")[name].abs().sum() for name in told["timed"].by("effect").index}
    held = {name: size for name, size in moved.items() if name.startswith("held back")}
    assert max(held, key=held.get) == "held back by patience"
    assert "held back by patience" not in told["free"].names
