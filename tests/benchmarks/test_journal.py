"""The history of figures: what is kept of a run, and what counts as worse."""

import pytest

from benchmarks.journal import compare, entry, keep, main, read, yardstick
from benchmarks.registry import Figure


def line(value, *, better="less", case="solve", processor="one", what="ours / theirs"):
    ratio = {"what": what, "size": "n=30", "value": value, "beside": "companion", "better": better}
    return {"when": "", "commit": "", "case": case, "rounds": 5, "machine": {"processor": processor}, "ratios": [ratio]}


@pytest.mark.parametrize(
    ("now", "better", "flagged"),
    [
        (1.31, "less", True),
        (1.3, "less", True),
        (1.29, "less", False),
        (0.5, "less", False),
        (0.76, "more", True),
        (0.78, "more", False),
        (2.0, "more", False),
    ],
)
def test_worse_by_three_tenths_is_flagged_whichever_way_is_better(now, better, flagged):
    (row,) = compare([line(1.0, better=better), line(now, better=better)])
    assert row["before"] == 1.0
    assert row["flagged"] is flagged


def test_only_the_run_before_of_the_same_case_and_processor_counts():
    lines = [line(0.1), line(1.0), line(9.0, case="crowd"), line(5.0, processor="another"), line(1.1)]
    rows = {row["case"]: row for row in compare(lines)}
    assert rows["solve"]["before"] == 1.0
    assert not rows["solve"]["flagged"]
    assert rows["crowd"]["before"] is None
    assert rows["crowd"]["worse"] is None


def test_a_run_keeps_ratios_seconds_in_yardsticks_and_memory():
    figures = [
        Figure("ratio", "n=1", 2.0, "x", better="more"),
        Figure("time", "n=1", 30.0, "ms an account"),
        Figure("long", "n=1", 3.0, "s"),
        Figure("memory", "n=1", 100.0, "MiB"),
        Figure("share", "n=1", 99.0, "%"),
    ]
    kept = {
        each["what"]: (each["value"], each["beside"], each["better"]) for each in entry("c", figures, 5, 0.01)["ratios"]
    }
    assert kept == {
        "ratio": (2.0, "companion", "more"),
        "time": (3.0, "yardstick", "less"),
        "long": (300.0, "yardstick", "less"),
        "memory": (100.0, "MiB", "less"),
    }


def test_lines_are_added_at_the_end_and_read_again(tmp_path, capsys):
    file = tmp_path / "history.jsonl"
    assert read(file) == []
    for value in (1.0, 1.1):
        keep(line(value), file)
    assert [each["ratios"][0]["value"] for each in read(file)] == [1.0, 1.1]
    assert main(["--file", str(file)]) == 0
    keep(line(2.0), file)
    assert main(["--file", str(file)]) == 1
    assert "<- WORSE" in capsys.readouterr().out
    assert main(["another case", "--file", str(file)]) == 0


def test_the_yardstick_is_a_positive_time():
    assert 0 < yardstick() < 60
