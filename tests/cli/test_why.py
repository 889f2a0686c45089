"""Why an account of a run trades: the parts in a table, and a sentence an asset."""

from __future__ import annotations

import re

import pytest

from trimtab.demo import ON


@pytest.fixture
def run(trimtab, book, mandate, tmp_path):
    mandate.write_text(mandate.read_text().replace("0.05", "0.01"))  # so tight that it binds
    assert (
        trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run", "--workers", 1)[0] == 0
    )
    return tmp_path / "run"


def test_why_shows_the_parts_and_says_them(trimtab, run, mandate):
    status, out, err = trimtab("why", run, "003", "--policy", mandate, columns=120)
    assert (status, err) == (0, "")
    assert "apart" not in out
    assert re.search(r"asset +trade +back +beliefs +held back +lots\n", out)
    assert re.search(r"- (buy|sell) \d+\.\d\d% of [A-Z0-9]+: .*view ", out)
    assert "held back by no buy" in out
    assert "stopped by deviation (one percentage point more would add" in " ".join(out.split())
    # Each line of the table adds up, to the rounding of what is printed.
    lines = [line.split() for line in out.splitlines() if re.match(r"  \w+ +[-+]?\d+\.\d\d% ", line)]
    assert len(lines) > 3
    for _, trade, *parts in lines:
        assert sum(float(p.rstrip("%")) for p in parts) == pytest.approx(float(trade.rstrip("%")), abs=0.0201)


def test_what_is_missing_or_another_is_said(trimtab, run, book, mandate, tmp_path):
    def said(*arguments):
        status, out, err = trimtab("why", *arguments, columns=200)
        assert (status, out) == (2, "")
        return err

    assert "name the file with --policy" in said(run, "003")
    assert "has no account '3'" in said(run, "3", "--policy", mandate)
    assert "holds no run" in said(tmp_path, "003", "--policy", mandate)
    other = tmp_path / "other.toml"
    other.write_text(mandate.read_text().replace("0.01", "0.04"))
    assert "is not the policy of this run" in said(run, "003", "--policy", other)
    with (book / "views.csv").open("a") as file:
        file.write("\n")
    assert "views changed" in said(run, "003", "--policy", mandate)
    book.rename(tmp_path / "moved")
    assert "name its folder with --book" in said(run, "003", "--policy", mandate)


def test_an_account_that_is_not_there_is_named_before_the_book_is_read(trimtab, run, mandate, book):
    book.rename(book.with_name("moved"))
    book.mkdir()  # whatever stands there now is not looked at
    status, _, err = trimtab("why", run, "-7", "--policy", mandate, columns=200)
    assert status == 2
    assert "No such option" in err
    status, _, err = trimtab("why", run, "--policy", mandate, "--", "-7", columns=200)
    assert status == 2
    assert "has no account '-7'" in err
    assert "behind --" in trimtab("why", "--help")[1]
