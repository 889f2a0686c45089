"""Warnings: found once, kept in `run.json`, the same from whoever asks, and deciding nothing."""

from __future__ import annotations

import json

import pytest

from trimtab.batches import open_run, run
from trimtab.demo import ON


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
