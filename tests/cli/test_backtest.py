"""`trimtab backtest`: tables that open, a page that says what to doubt, and refusals."""

import numpy as np
import pandas as pd

from trimtab.cli.backtests import sessions_of_quarter
from trimtab.models.sessions import count_sessions

PLAYBOOK = """
[rebalance]
trigger = "band"
[[limits]]
kind = "band"
on = "equity"
of = "sum"
absolute = 0.01
[[signals]]
name = "market trend"
kind = "moving_average_gap"
series = ["USMKT"]
about = "equity - bonds"
window = 10
stale_days = 45
[[opinions]]
about = "equity - bonds"
name = "trend"
signals = ["market trend"]
scale = "raw"
unit = "10%"
least = 0.0
"""


def ask(trimtab, book, mandate, *more):
    mandate.write_text(mandate.read_text() + PLAYBOOK)
    given = ("--policy", mandate, "--model", "sixty_forty", "--from", "2016-06-01", "--to", "2017-01-31")
    return trimtab("backtest", book, *given, "--estimate", "year", *more)


def test_tables_open_and_the_page_names_what_was_tried(trimtab, book, mandate, tmp_path):
    out = tmp_path / "tested"
    status, page, _ = ask(trimtab, book, mandate, "--grid", "band=1%,2%", "--out", out)
    assert status == 0
    for words in ("the policy", "hold", "calendar", "threshold", "opinion trend al", "How much of it is luck"):
        assert words in page
    assert max(len(line) for line in page.splitlines()) <= 80
    days = pd.read_parquet(out / "days.parquet")
    assert {"the policy", "hold", "band=0.01", "band=0.02"} <= set(days["rule"])
    own = days[days["rule"] == "the policy"]
    change = own["nav"].diff().iloc[1:] - (own["gained"] + own["flow"] - own["cost"]).iloc[1:]
    assert change.abs().max() < 1e-6
    assert own["date"].min() >= pd.Timestamp("2016-06-30")
    audit = pd.read_parquet(out / "audit.parquet")
    assert (pd.to_datetime(audit["signals"]) <= pd.to_datetime(audit["as_of"])).loc[audit["signals"].notna()].all()
    assert "<h1>What the policy would have done</h1>" in (out / "backtest.html").read_text()
    for table in ("weights", "trades", "statistics", "grid"):
        assert len(pd.read_parquet(out / f"{table}.parquet"))


def test_month_ends_make_a_quarter_of_three():
    ends, least = pd.date_range("2007-01-31", "2016-12-31", freq="ME").date, sessions_of_quarter(12)

    def passed(months):
        return [
            float(count_sessions("XNYS", np.array([a], dtype="datetime64[D]"), b)[0])
            for a, b in zip(ends, ends[months:], strict=False)
        ]

    assert max(passed(2)) < least <= min(passed(3))


def test_refusals_are_one_sentence(trimtab, book, mandate, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    status, _, said = ask(trimtab, book, mandate, "--out", taken)
    assert (status, "holds something" in said) == (2, True)
    assert (taken / "mine.txt").read_text() == "mine"
