import re
import time

import pandas as pd
import pytest

from trimtab.demo import ON

WIDTHS = (80, 120)


def narrow(text, columns):
    """Whether tables and sentences fit; paths and commands are there to be copied and may be longer."""
    lines = [line for line in text.splitlines() if "/" not in line]
    return all(len(line) <= columns and line == line.rstrip() for line in lines)


def test_help_reads_like_a_readme_and_answers_at_once(python):
    began = time.perf_counter()
    answer = python("-m", "trimtab.cli", "--help")
    took = time.perf_counter() - began
    assert answer.returncode == 0
    for words in (
        "tactical views into trades",
        "demo",
        "check",
        "rebalance",
        "export",
        "--policy policy.toml",
        "Exit status",
    ):
        assert words in answer.stdout
    assert answer.stdout.index("demo  ") < answer.stdout.index("check  ") < answer.stdout.index("rebalance  ")
    assert took < 3  # a second on an idle machine; the next test says why


def test_help_imports_nothing_heavy(python):
    told = python("-c", "import sys, trimtab.cli.commands; print(*sys.modules)").stdout.split()
    assert not {"numpy", "pandas", "scipy", "cvxpy", "pyarrow", "rich.table"} & set(told)


@pytest.mark.parametrize("columns", WIDTHS)
def test_rebalance_writes_a_run_and_says_how_it_ended(trimtab, book, mandate, tmp_path, columns):
    status, out, err = trimtab(
        "rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run", columns=columns
    )
    assert (status, err) == (0, "")
    assert re.search(r"Run [0-9a-f]{12}: 3 accounts\n", out)
    assert re.search(r"OPTIMAL +3  the best weights", out)
    assert re.search(r"\d+ trades in 3 accounts", out)
    assert narrow(out, columns)
    assert len(pd.read_parquet(tmp_path / "run" / "accounts.parquet")) == 3
    again = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    assert again[0] == 0
    assert "nothing was computed" in again[1]


def test_another_run_in_the_folder_is_status_2(trimtab, book, mandate, tmp_path):
    trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    status, out, err = trimtab("rebalance", book, "--policy", mandate, "--on", "2017-03-01", "--out", tmp_path / "run")
    assert (status, out) == (2, "")
    assert "holds another run" in err
    assert "Traceback" not in err


def test_a_bad_account_is_shown_and_does_not_fail_the_run(trimtab, book, mandate, tmp_path):
    with (book / "holdings.csv").open("a") as file:
        file.write("003,GLD,1\n")
    status, out, _ = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    assert status == 0
    assert re.search(r"QUARANTINED +1  its input cannot be used", out)
    assert re.search(r"003 +UNKNOWN_ASSET +'GLD' is not", out)
    assert narrow(out, 80)


def test_a_tripwire_is_status_3(trimtab, book, mandate, tmp_path):
    with (book / "holdings.csv").open("a") as file:
        file.write("003,GLD,1\n")
    mandate.write_text(mandate.read_text() + "[run]\nmax_quarantined = 0.1\n")
    status, out, _ = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    assert status == 3
    assert "BLOCKED: 1 of 3 accounts are QUARANTINED (33.33%), above max_quarantined" in out
    assert trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")[0] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chek",),
        ("rebalance",),
        ("rebalance", "nowhere", "--policy", "x", "--on", ON, "--out", "y"),
        ("rebalance", "{book}", "--policy", "{mandate}", "--on", "28/02/2017", "--out", "y"),
        ("rebalance", "{book}", "--policy", "{mandate}", "--on", ON),
        ("check", "{mandate}"),
    ],
)
def test_wrong_usage_is_status_2(trimtab, book, mandate, arguments):
    status, _, err = trimtab(*(a.format(book=book, mandate=mandate) for a in arguments))
    assert status == 2
    assert err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["check", "rebalance"])
def test_bad_shared_input_is_status_2_and_one_message(trimtab, book, mandate, tmp_path, command):
    path = book / "assets.csv"
    path.write_text(path.read_text().replace("68.7435", "68\x1b7"))
    more = ("--out", tmp_path / "run") if command == "rebalance" else ()
    status, out, err = trimtab(command, book, "--policy", mandate, "--on", ON, *more)
    assert (status, out) == (2, "")
    assert err.startswith("trimtab: line 4 of assets.csv: price is ")
    assert "\x1b" not in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_policy_error_says_where(trimtab, book, mandate):
    mandate.write_text(mandate.read_text().replace("most = 0.30", "mots = 0.30"))
    status, _, err = trimtab("check", book, "--policy", mandate)
    assert status == 2
    assert "limits[2].mots is not known" in err
    assert "did you mean 'most'" in err


def test_a_fault_of_ours_is_status_1(trimtab, book, mandate, monkeypatch, python):
    told = (
        "import trimtab.cli.checks as c; from trimtab.cli.commands import main\n"
        f"c.examine = lambda *a: {{}}['gone']\nmain(['check', {str(book)!r}])"
    )
    answer = python("-c", told)
    assert answer.returncode == 1
    assert "KeyError" in answer.stderr


def test_an_interrupt_is_told_in_a_line(trimtab, book, monkeypatch):
    from trimtab.cli import checks

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "examine", stop)
    status, out, err = trimtab("check", book)
    assert (status, out) == (130, "")
    assert "interrupted" in err


@pytest.mark.parametrize("columns", WIDTHS)
def test_check_says_what_a_run_would_find(trimtab, book, mandate, columns):
    status, out, err = trimtab("check", book, "--policy", mandate, "--on", ON, columns=columns)
    assert (status, err) == (0, "")
    assert re.search(r"holdings +48  holdings.csv", out)
    assert "3 live of 3" in out
    assert "3 active with" in out
    assert "no limit of kind lots" in out
    assert "no account that is fine follows model conservative" in out
    assert "a run can be made" in out
    assert narrow(out, columns)


def test_check_lists_refusals_and_what_deserves_a_look(trimtab, book, mandate):
    with (book / "holdings.csv").open("a") as file:
        file.write("003,GLD,1\nX\x1b[2J,GOLD,1\n")
    (book / "README.md").write_text("mine")
    lines = (book / "accounts.csv").read_text().splitlines()
    (book / "accounts.csv").write_text(
        "\n".join([lines[0] + ",turnover", lines[1] + ",0.5", *(x + "," for x in lines[2:])])
    )
    status, out, _ = trimtab("check", book, "--policy", mandate, "--on", "2017-09-01", columns=120)
    assert status == 0
    assert re.search(r"001 +LOOSER_OVERRIDE", out)
    assert re.search(r"003 +UNKNOWN_ASSET", out)
    assert r"X\x1b[2J" in out
    assert "\x1b" not in out
    assert "view V2 ended on 2017-05-31" in out
    assert "tilt T1 ended on 2017-08-31" in out
    assert "newest return is of 2017-02-28, 185 days before" in out
    assert "no tables: README.md" in out
    assert "without the 3 refused" in out


def test_check_names_accounts_that_arithmetic_rules_out(trimtab, book, mandate):
    with (book / "restrictions.csv").open("a") as file:
        file.write("001,USMKT,no_hold\n")
    _, out, _ = trimtab("check", book, "--policy", mandate, "--on", ON)
    assert "would be UNSOLVED" in out
    assert re.search(r"001 +USMKT: ", out)


def test_check_without_a_policy_reads_what_it_can(trimtab, book):
    status, out, _ = trimtab("check", book)
    assert status == 0
    assert "no policy was given" in out
    assert "view V1 ended on 2017-08-31" in out  # today is the default


def test_views_that_say_nothing_are_named(trimtab, book):
    path = book / "strategic.csv"
    lines = [x for x in path.read_text().splitlines() if not x.startswith("growth,BAA")]
    gone = next(x for x in path.read_text().splitlines() if x.startswith("growth,BAA")).split(",")[2]
    lines = [
        f"growth,USMKT,{float(x.split(',')[2]) + float(gone):.6f}" if x.startswith("growth,USMKT") else x for x in lines
    ]
    path.write_text("\n".join(lines))
    _, out, _ = trimtab("check", book, "--on", ON, columns=120)
    assert "V3 says nothing: BAA has no strategic weight in model growth" in out


def test_nothing_moves_where_nobody_watches(trimtab, book, mandate, tmp_path):
    _, out, err = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    assert "\r" not in out + err
    assert "\x1b" not in out + err
