"""Warnings: found once, kept in `run.json`, the same from whoever asks, and deciding nothing."""

from __future__ import annotations

import json

import pytest

from trimtab.batches import open_run, read_book, run
from trimtab.batches.cautions import list_cautions
from trimtab.batches.desks import open_desk
from trimtab.demo import ON
from trimtab.units import day


@pytest.fixture
def warned(book, mandate, append, tmp_path):
    append(book, "views", ["X1", "FIN - TECH", "0.02", "0.5", "2017-01-01", "2017-02-28", "me", "why", "active"])
    return run(book, mandate, ON, tmp_path / "out", workers=1)


def test_a_run_keeps_its_warnings_with_what_they_concern(warned):
    said = json.loads((warned.path / "run.json").read_text())["warnings"]
    (one,) = [each for each in said if each["code"] == "VIEW_ENDED"]
    assert one == {
        "code": "VIEW_ENDED", "table": "views", "field": "until", "message": "view X1 ended on 2017-02-28",
        "mend": "take it out, or give it another end", "concerns": ["X1"],
    }  # fmt: skip
    assert warned.warnings == tuple(each["message"] for each in said)
    assert open_run(warned.path).warnings == warned.warnings


def test_they_decide_nothing(warned, plain_run):
    for name in ("accounts", "targets", "trades"):
        mine, plain = warned.table(name), plain_run.table(name)
        assert mine.equals(plain)


def test_a_finished_run_tells_them_again(warned, book, mandate):
    again = run(book, mandate, ON, warned.path, workers=1)
    assert not again.fresh
    assert again.warnings == warned.warnings


def test_what_is_silent_in_every_model_is_told_once(book, policy, append):
    (book / "views.csv").unlink()
    head = ["view_id", "about", "gain", "confidence", "since", "half_life_days"]
    append(book, "views", head, ["old", "FIN - TECH", "0.02", "0.5", "2000-01-01", "1"])
    read = read_book(book)
    desk = open_desk(read, policy, day(ON))
    assert len(desk.beliefs) > 1
    found = list_cautions(read, desk.policy, desk.market, desk.beliefs, desk.on)
    assert [each.concerns for each in found if each.code == "VIEW_SILENT"] == [("old",)]
