"""`trimtab signals` says what is read; check tells a name that means nothing; rebalance and why trade on it."""

import json
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest

from trimtab.batches import open_run
from trimtab.batches.readings import READ
from trimtab.constraints import read_policy
from trimtab.demo import ON


@pytest.fixture
def mandate(mandate, playbook):
    """The small mandate with a playbook on the returns of the demo book."""
    mandate.write_text(mandate.read_text() + playbook)
    return mandate


HEADS = (
    f"What was known at the end of {ON}",
    "Scores: positive is good for what a signal is about",
    "Regimes",
    "Convictions: the geometric mean of their parts",
    "Views they make",
    "Rules, the first outranks the next",
    "Overlays and rules at work",
    "Limits",
    "Worth a look",
)


@pytest.mark.parametrize("columns", [80, 120])
def test_signals_prints_scores_regimes_convictions_views_and_what_is_done(trimtab, book, mandate, columns):
    status, out, err = trimtab("signals", book, "--policy", mandate, "--on", ON, columns=columns)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line for line in lines if line in HEADS] == list(HEADS)
    assert all(len(line) <= columns and line == line.rstrip() for line in lines)
    assert re.search(r"equity trend +equity +\+0\.09 +0\.0\d+ +2017-02-28 +2017-02-28", out)
    assert re.search(r"fear +stressed +calm 0%, stressed 100%", out)
    assert re.search(r"shares over bonds +\+\d\.\d\d +\d+% +100% +100% +\d\.\d\d", out)
    assert re.search(r"shares over bonds +equity - bonds +\+\d\.\d\d% +\d+% +2017-05-29 +signals", out)
    assert re.search(r"shorter bonds while the trend holds +acts since 2016-\d\d-\d\d", out)
    assert re.search(r"overlay: momentum on ENERGY +target +ENERGY +\d\.\d\d%", out)
    assert "In stressed these limits hold beside the others: less risk in fear." in " ".join(out.split())
    assert "overlay: valuation on ENERGY gives way on ENERGY" in " ".join(out.split())


def test_an_earlier_day_knows_less(trimtab, book, mandate):
    _, out, _ = trimtab("signals", book, "--policy", mandate, "--on", "2000-06-30", columns=120)
    assert re.search(r"equity momentum +equity - bonds +.*history too short: 6 of ", out)
    assert "They make no view" in out
    assert "No overlay and no rule is at work" in out


def test_a_policy_without_a_playbook_reads_nothing(trimtab, book, mandate, playbook):
    mandate.write_text(mandate.read_text().replace(playbook, ""))
    status, out, _ = trimtab("signals", book, "--policy", mandate, "--on", ON)
    assert status == 0
    assert "The policy reads nothing" in out


@pytest.mark.parametrize("command", ["check", "signals"])
def test_a_series_that_the_book_does_not_have_is_told_with_the_nearest(trimtab, book, mandate, command):
    mandate.write_text(mandate.read_text().replace('"USMKT"', '"USMKTS"', 1))
    status, out, err = trimtab(command, book, "--policy", mandate, "--on", ON)
    assert (status, out) == (2, "")
    assert "there is no series 'USMKTS'" in err
    assert "did you mean 'USMKT'?" in err


def test_check_tells_conflicts(trimtab, book, mandate):
    status, out, _ = trimtab("check", book, "--policy", mandate, "--on", ON)
    assert status == 0
    assert "overlay: valuation on ENERGY gives way on ENERGY" in " ".join(out.split())
    assert "signals 5 of 5 signals speak; views they make: 1" in " ".join(out.split())


def test_rebalance_trades_on_the_playbook_and_why_names_it(trimtab, book, mandate, tmp_path):
    out = tmp_path / "run"
    for table in ("views", "tilts"):  # what people believe would outweigh it here
        (book / f"{table}.csv").unlink()
    assert trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", out)[0] == 0
    reasons = " ".join(open_run(out).table("trades")["reason"])
    why = r"since 2016-\d\d-\d\d: equity trend \+0\.\d\d, above 0 for 5 days"
    rule = rf"rule: shorter bonds while the trend holds \({why}\)"
    assert re.search(rule, reasons)
    assert re.search(r"overlay: momentum on ENERGY \(energy momentum [+-]\d\.\d\d\)", reasons)
    binding = open_run(out).table("accounts")["binding"].map(json.loads)
    assert any(bound["limit"] == "less risk in fear" for own in binding for bound in own)
    told = trimtab("why", out, "001", "--policy", mandate, columns=200)[1]
    assert "rule: shorter bonds while the trend holds +" in told
    assert "apart" not in told  # the account asked again is decided alike
    again = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", out)
    assert "nothing was computed" in again[1]


def test_a_run_holds_what_it_read(trimtab, book, mandate, tmp_path):
    out = tmp_path / "run"
    trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", out)
    for name, schema in READ.items():
        assert pq.read_table(out / f"{name}.parquet", page_checksum_verification=True).schema.equals(schema)
    said = {name: pd.read_parquet(out / f"{name}.parquet") for name in READ}
    assert said["signals"].query("section == 'signal'")["name"].tolist() == [
        each.name for each in read_policy(mandate).playbook.signals
    ]
    assert said["signals"].query("section == 'regime' and raw == 1")["state"].tolist() == ["stressed"]
    views = said["views"].set_index("view_id")
    assert views["source"].to_dict() == {"V1": "book", "V2": "book", "V3": "book", "shares over bonds": "signals"}
    assert views.loc["shares over bonds", "conviction"] == pytest.approx(views.loc["shares over bonds", "confidence"])
    shifts = said["tilts"].query("channel == 'target'").groupby(["model_id", "by", "tilt_id"])["value"].sum()
    assert shifts.abs().max() < 1e-12
    assert {"rule", "overlay", "tilt"} <= set(said["tilts"]["by"])


def test_a_run_without_a_playbook_has_the_same_tables(trimtab, book, mandate, playbook, tmp_path):
    mandate.write_text(mandate.read_text().replace(playbook, ""))
    for table in ("views", "tilts"):
        (book / f"{table}.csv").unlink()
    trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    for name, schema in READ.items():
        table = pq.read_table(tmp_path / "run" / f"{name}.parquet")
        assert (len(table), table.schema.equals(schema)) == (0, True)
