"""The page of a run: its numbers are those of the tables, whoever wrote the names in them."""

import pytest

from trimtab.batches.openings import open_run
from trimtab.cli.commands import main
from trimtab.demo import policy_path
from trimtab.reports.pages import Chart, render
from trimtab.reports.runs import run_page

HELD, REFUSED, STUCK = "005", "024", "035"
EVIL = '</script><img src=x onerror="alert(1)">'
"""What account 012 calls itself here: see `made_book`."""


def section(page, title):
    found = [each for each in page.sections if each.title == title]
    assert len(found) == 1, [each.title for each in page.sections]
    return found[0]


def test_the_page_of_a_run_counts_every_account_once(done):
    page = run_page(done)
    ends = section(page, "How accounts ended").frame
    assert dict(zip(ends["outcome"], ends["accounts"], strict=True)) == dict(done.counts)
    assert section(page, "Models").frame["accounts"].sum() == 4
    listed = section(page, "Accounts that deserve a look").frame.set_index("account_id")
    assert listed.loc[REFUSED, "code"] == "BAD_QUANTITY"
    assert listed.loc[STUCK, "outcome"] == "UNSOLVED"
    assert [*listed.columns[:2]] == ["because", "reason"]  # a reader on a narrow page sees why first


def test_the_page_of_a_run_adds_up_its_trades(done):
    page, trades = run_page(done), done.table("trades")
    flows = section(page, "What is traded").frame
    assert flows["orders"].sum() == len(trades) > 0
    assert (flows["buys"].sum() + flows["sells"].sum()) == pytest.approx(trades["value"].sum())
    pulls = section(page, "What pulls the trades").frame
    assert pulls["orders"].sum() == len(trades)
    assert pulls["share"].sum() == pytest.approx(1.0)


def test_the_same_run_has_the_same_page(done):
    assert render(run_page(done.path)) == render(run_page(open_run(done.path)))


def test_the_page_of_a_run_opens_and_draws_whatever_an_account_calls_itself(done, show):
    page = run_page(done)
    shown = show(page)
    assert shown.complaints == []
    assert len(shown.requests) == 1
    charts = [each for each in page.sections if isinstance(each, Chart)]
    assert len(charts) >= 5
    assert shown.read(
        "[...document.querySelectorAll('.drawing')].filter(d => d.querySelector('.main-svg')).length"
    ) == len(charts)
    assert shown.read("document.querySelectorAll('img').length") == 0
    assert EVIL in shown.read("document.body.innerText")


def call(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


def test_the_command_writes_both_pages(done, tmp_path, capfd):
    assert call("report", done.path, "--out", tmp_path / "run.html") == 0
    assert str(tmp_path / "run.html") in capfd.readouterr().out
    assert "4 accounts" in (tmp_path / "run.html").read_text(encoding="utf-8")
    more = ("--account", EVIL, "--policy", policy_path(), "--shock", "crash: equity=-30%")
    assert call("report", done.path, *more, "--out", tmp_path / "account.html") == 0
    text = (tmp_path / "account.html").read_text(encoding="utf-8")
    assert done.run_id in text
    assert EVIL not in text
    assert "The run&#39;s own target is" not in text  # asked alone it is decided alike


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--account", HELD), "name the file with --policy"),
        (("--account", REFUSED, "--policy", policy_path()), "was refused"),
        (("--account", "nobody", "--policy", policy_path()), "has no account 'nobody'"),
        (("--shock", "x: equity=-1%"), "about an account"),
    ],
    ids=["no policy", "refused", "unknown", "no account"],
)
def test_what_the_command_cannot_write_it_refuses_in_words(done, tmp_path, capfd, more, said):
    assert call("report", done.path, *more, "--out", tmp_path / "page.html") == 2
    assert said in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
