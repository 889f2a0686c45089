"""The pages on governance are true: the day they tell runs, the columns they name are there."""

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

from trimtab.demo import book_path, policy_path
from trimtab.governance.books_and_records import SCHEMAS

DOCS = Path(__file__).parents[2] / "docs" / "governance"


def _commands(page):
    for block in re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        yield from (shlex.split(line) for line in block.splitlines() if line)


def _fills():
    trades = pd.read_parquet("run/trades.parquet")
    fills = trades[["trade_id", "quantity"]].assign(price=trades["value"] / trades["quantity"])
    fills.to_csv("fills.csv", index=False)


def test_the_day_it_tells_runs(tmp_path, monkeypatch, capfd):
    from trimtab.cli.commands import main

    shutil.copytree(book_path(), tmp_path / "book")
    shutil.copy(policy_path(), tmp_path / "policy.toml")
    monkeypatch.chdir(tmp_path)
    told = list(_commands("index.md"))
    for verb, *words in told:
        if verb == "export":
            monkeypatch.setenv(*words[0].split("="))
            continue
        assert verb == "trimtab"
        if words[0] == "fills":
            _fills()
        with pytest.raises(SystemExit) as left:
            main(words)
        out, err = capfd.readouterr()
        assert left.value.code == 0, (words, out, err)
    assert {words[1] for words in told} >= {"submit", "approve", "release", "fills", "replay", "ledger"}
    assert (tmp_path / "records" / "orders.csv").exists()


def test_every_column_is_told_and_none_that_is_not():
    page = (DOCS / "records.md").read_text(encoding="utf-8")
    for table, schema in SCHEMAS.items():
        (row,) = re.findall(rf"^\| `{table}` \|.*\|(.*)\|$", page, re.MULTILINE)
        assert re.sub(r" \(.*?\)", "", row).strip().split(", ") == schema.names
    for table, column in re.findall(r"`(orders|executions|acts)`\.(\w+)", page):
        assert column in SCHEMAS[table].names
