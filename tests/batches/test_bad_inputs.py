"""The catalogue of bad inputs: 98 things a rebalancer meets, what each of them gets, and that nobody else feels it.

Behaviours: E stops the run with an error that names table and field; Q refuses one account; N is accepted and made
regular; W is accepted with a warning; R gives way by tier, or there is no answer; H holds; ``-`` cannot be said today.
One law stands over every Q: what the other accounts become is, to the bit, what they become without the bad account.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import html
import json
import pickle
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab.batches import export, parts, read_book, run, sources
from trimtab.batches.cautions import Caution, list_cautions
from trimtab.batches.chunks import decide_chunk
from trimtab.batches.desks import Desk, open_desk
from trimtab.constraints import Band, Deviation, Policy, TimeLimit, read_policy
from trimtab.constraints.terms import Custom, use
from trimtab.demo import ON, book_path
from trimtab.errors import InputError, RunError
from trimtab.models import Account, Costs, Market, Model, View
from trimtab.optimizer import rebalance
from trimtab.units import day

DEVIATION = {"kind": "deviation", "most": 0.05}
TURNOVER = {"kind": "turnover", "most": 0.30}
BY_ACCOUNT = ("accounts", "holdings", "restrictions", "orders", "positions", "history", "breaches")
ALIKE = ("accounts", "targets", "trades", "positions", "breaches")


def mandate(*limits: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"risk": {"periods_per_year": 12}, "limits": [dict(x) for x in limits or (DEVIATION, TURNOVER)], **more}


# ------------------------------------------------------------------------------------------------------- changing


def rows_of(folder: Path, table: str) -> list[list[str]]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def put(folder: Path, table: str, rows: list[list[str]]) -> None:
    with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def added(table: str, *more: list[str], head: list[str] | None = None) -> Callable[[Path], None]:
    """Add rows to a table, after a header where there is no such table yet."""

    def change(folder: Path) -> None:
        old = rows_of(folder, table) if (folder / f"{table}.csv").exists() else [head or []]
        put(folder, table, [*old, *more])

    return change


def celled(table: str, key: str | int, column: str, value: str) -> Callable[[Path], None]:
    """Write a cell into the first row that begins with a key, or into the row of that number."""

    def change(folder: Path) -> None:
        rows = rows_of(folder, table)
        row = rows[key] if isinstance(key, int) else next(r for r in rows if r[0] == key)
        row[rows[0].index(column)] = value
        put(folder, table, rows)

    return change


def columned(table: str, column: str, values: Mapping[str, str], rest: str = "") -> Callable[[Path], None]:
    """Add a column."""

    def change(folder: Path) -> None:
        rows = rows_of(folder, table)
        put(folder, table, [[*rows[0], column], *([*r, values.get(r[0], rest)] for r in rows[1:])])

    return change


def renamed(table: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        rows = rows_of(folder, table)
        put(folder, table, [[new if c == old else c for c in rows[0]], *rows[1:]])

    return change


def raw(name: str, data: bytes | Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Write the bytes of a file, or change them."""

    def change(folder: Path) -> None:
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else data(path.read_bytes()))

    return change


def both(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


def nothing(_: Path) -> None:
    """Leave the book as it is: what is bad is the policy, or the day."""


def account(name: str, model: str = "sixty_forty", flow: str = "0", status: str = "active") -> Callable[[Path], None]:
    return added("accounts", [name, model, flow, status])


def holding(name: str, asset: str = "CASH", quantity: str = "10000") -> Callable[[Path], None]:
    return added("holdings", [name, asset, quantity])


def newcomer(name: str, **more: str) -> Callable[[Path], None]:
    """An account with money."""
    return both(account(name, **more), holding(name))


def listed(asset: str, price: str) -> Callable[[Path], None]:
    """One more asset, whose returns are those of another one, and somewhat more."""

    def change(folder: Path) -> None:
        added("assets", [asset, "equity", price, "", "0", "5", "1000000", "true", "", "", ""])(folder)
        rows = rows_of(folder, "returns")
        at = rows[0].index("TECH")
        more = [repr(1.1 * float(r[at]) + 0.01 * ((i % 3) - 1)) for i, r in enumerate(rows[1:])]
        put(folder, "returns", [[*rows[0], asset], *([*r, x] for r, x in zip(rows[1:], more, strict=True))])

    return change


def parquet(table: str, damage: Callable[[bytes], bytes] = bytes, **kinds: Any) -> Callable[[Path], None]:
    """Write a table as Parquet instead, with checksums, and spoil its bytes."""

    def change(folder: Path) -> None:
        frame = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False).astype(kinds)
        (folder / f"{table}.csv").unlink()
        path = folder / f"{table}.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, write_page_checksum=True,
                       compression="none", use_dictionary=False)  # fmt: skip
        path.write_bytes(damage(path.read_bytes()))

    return change


def flipped(data: bytes) -> bytes:
    at = data.index(b"GOLD")
    return data[:at] + b"COLD" + data[at + 4 :]


def fewer(data: bytes) -> bytes:
    """Let the footer promise one row more than there are: rows stand in it as zigzag varints, here of two bytes."""
    rows = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
    said, more = (bytes([(2 * n & 0x7F) | 0x80, 2 * n >> 7]) for n in (rows, rows + 1))
    size = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - size : -8]
    at = footer.index(b"\x16" + said)  # the file as a whole comes before its groups and columns
    return data[: -8 - size] + footer[:at] + b"\x16" + more + footer[at + 3 :] + data[-8:]


def dense(change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> Callable[[Path], None]:
    """Give the book a covariance instead of returns, and change it."""

    def write(folder: Path) -> None:
        market = read_book(folder).market(read_policy(mandate()), ON)
        frame = market.risk.to_frame(market.universe).drop(index="CASH", columns="CASH")
        (folder / "returns.csv").unlink()
        changed = change(frame)
        (frame if changed is None else changed).to_csv(folder / "covariance.csv", float_format="%.17g")

    return write


def at(row: str, column: str, value: float | str, *, mirrored: bool = False) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[row, column] = value
        if mirrored:
            frame.loc[column, row] = value
        return frame

    return change


def doubled(more: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Let one asset be another one, but for a variance that is so many times the largest."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc["MIDCAP"] = frame.loc["USMKT"]
        frame["MIDCAP"] = frame["USMKT"]
        frame.loc["MIDCAP", "MIDCAP"] += more * np.linalg.eigvalsh(frame.to_numpy())[-1]
        return frame

    return change


# -------------------------------------------------------------------------------------------------------- looking


@dataclass(frozen=True)
class Stand:
    """A book to spoil, an empty folder, and how to patch what is in the way."""

    book: Path
    tmp: Path
    patch: pytest.MonkeyPatch


def desk_of(folder: Path, policy: Mapping[str, Any], on: str = ON):
    book = read_book(folder)
    given = book.policy(read_policy(policy))
    return book, given, open_desk(book, given, day(on))


def decided(desk: Desk, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Decide the accounts that stand in a book now, at a desk that may have been opened before."""
    roster = read_book(folder).roster(desk.policy)
    return {name: table.to_pylist() for name, table in decide_chunk(desk, roster).tables.items()}


def decide(folder: Path, policy: Mapping[str, Any], on: str = ON) -> dict[str, list[dict[str, Any]]]:
    return decided(desk_of(folder, policy, on)[2], folder)


def cautions(folder: Path, policy: Mapping[str, Any], on: str = ON) -> list[Caution]:
    book, given, desk = desk_of(folder, policy, on)
    return list(list_cautions(book, given, desk.market, desk.beliefs, desk.on))


KEPT = ("003", "005", "008", "009")


@pytest.fixture
def book(tmp_path) -> Path:
    """Four accounts of one model: every answer is one quick solve."""
    folder = shutil.copytree(book_path(), tmp_path / "book", ignore=shutil.ignore_patterns("phases.csv"))
    for table, at in (("accounts", 0), ("holdings", 0), ("strategic", 0)):
        head, *rows = rows_of(folder, table)
        put(folder, table, [head, *(r for r in rows if r[at] in (*KEPT, "sixty_forty"))])
    put(folder, "restrictions", [["account_id", "asset_id", "rule"], ["005", "GOLD", "frozen"]])
    return folder


def without(folder: Path, bad: set[str]) -> None:
    """Take some accounts out of a book."""
    for table in BY_ACCOUNT:
        if (folder / f"{table}.csv").exists():
            rows = rows_of(folder, table)
            put(folder, table, [rows[0], *(r for r in rows[1:] if r[0] not in bad)])


def others(tables: Mapping[str, list[dict[str, Any]]], bad: set[str]) -> dict[str, list[dict[str, Any]]]:
    return {name: [row for row in tables[name] if row["account_id"] not in bad] for name in ALIKE}


Check = Callable[[Stand], None]


def refused(change, name, field, word, *, policy=None, also=(), code=None) -> Check:
    """One account is QUARANTINED, told by field and mend; the others become what they become without it."""
    given = policy or mandate()

    def check(stand: Stand) -> None:
        change(stand.book)
        bad = {name, *also}
        desk = desk_of(stand.book, given)[2]
        tables = decided(desk, stand.book)
        told = {row["account_id"]: row for row in tables["quarantine"]}
        assert set(told) == bad
        mine = told[name]
        assert mine["field"] == field
        assert code is None or mine["code"] == code
        assert word in mine["message"]
        assert f"field {field}" in mine["message"]
        assert "table " in mine["message"]
        assert re.search(r"; mend: \S", mine["message"])
        outcome = {row["account_id"]: row["outcome"] for row in tables["accounts"]}
        assert {a for a, ended in outcome.items() if ended == "QUARANTINED"} == bad
        without(stand.book, bad)
        assert others(tables, bad) == others(decided(desk, stand.book), bad)

    return check


def stopped(change, table, field, word, *, policy=None, on=ON) -> Check:
    """Nothing can be trusted: the book or the policy is refused, told by table, field and mend."""

    def check(stand: Stand) -> None:
        change(stand.book)
        with pytest.raises(InputError) as caught:
            desk_of(stand.book, policy or mandate(), on)
        error = caught.value
        assert (error.table, error.field) == (table, field)
        assert word in str(error)
        assert error.mend

    return check


def raises(call: Callable[[], object], table, field, word) -> Check:
    """Said from Python, it is refused like from a book."""

    def check(_: Stand) -> None:
        with pytest.raises(InputError) as caught:
            call()
        assert (caught.value.table, caught.value.field) == (table, field)
        assert word in str(caught.value)
        assert caught.value.mend

    return check


def warned(change, code, concerns, word, *, policy=None, on=ON) -> Check:
    """It is accepted, and the warning says what it concerns and what would end it; no account is refused."""

    def check(stand: Stand) -> None:
        before = cautions(stand.book, policy or mandate()) if change is not nothing or on != ON else []
        change(stand.book)
        book, given, desk = desk_of(stand.book, policy or mandate(), on)
        said = list_cautions(book, given, desk.market, desk.beliefs, desk.on)
        found = [c for c in said if c.code == code and c.concerns == concerns]
        assert len(found) == 1
        assert word in found[0].message
        assert found[0].mend
        assert found[0].table
        assert (code, concerns) not in {(c.code, c.concerns) for c in before}
        assert not decided(desk, stand.book)["quarantine"]

    return check


def regular(change, look: Callable[[dict[str, list[dict[str, Any]]]], object], *, policy=None) -> Check:
    """It is accepted, and what comes of it can be looked at; ``look`` returns something true."""

    def check(stand: Stand) -> None:
        change(stand.book)
        tables = decide(stand.book, policy or mandate())
        assert not tables["quarantine"]
        assert look(tables)

    return check


def unchanged(change, *, policy=None) -> Check:
    """It is accepted, and every answer is what it was, to the bit."""

    def check(stand: Stand) -> None:
        before = decide(stand.book, policy or mandate())
        change(stand.book)
        assert others(decide(stand.book, policy or mandate()), set()) == others(before, set())

    return check


def held(change, name, word, *, policy=None) -> Check:
    """The account is HELD and says why."""
    return regular(change, lambda t: ended(t, name, "HELD", word) and not traded(t, name), policy=policy)


def yields(change, limits, name, soft, word) -> Check:
    """Of a tier the limit gives way, RELAXED; hard, there is no answer. Both say it, and nothing hard is exceeded."""

    def check(stand: Stand) -> None:
        change(stand.book)
        loose = decide(stand.book, mandate(*({**x, "tier": 1} if x["kind"] == soft else x for x in limits)))
        row = next(r for r in loose["accounts"] if r["account_id"] == name)
        assert row["outcome"] == "RELAXED"
        assert {each["limit"].rstrip("_23") for each in json.loads(row["relaxed"])} == {soft}
        tight = decide(stand.book, mandate(*limits))
        row = next(r for r in tight["accounts"] if r["account_id"] == name)
        assert row["outcome"] == "UNSOLVED"
        assert word in row["reason"]
        assert not traded(tight, name)
        assert not loose["quarantine"]
        assert not tight["quarantine"]

    return check


def ended(tables, name: str, outcome: str, word: str = "") -> bool:
    row = next(r for r in tables["accounts"] if r["account_id"] == name)
    assert (row["outcome"], word in row["reason"]) == (outcome, True), row["reason"]
    return True


def traded(tables, name: str) -> list[dict[str, Any]]:
    return [row for row in tables["trades"] if row["account_id"] == name]


def target(tables, name: str, asset: str, column: str = "target") -> float:
    return next(r[column] for r in tables["targets"] if (r["account_id"], r["asset_id"]) == (name, asset))


# --------------------------------------------------------------------------------------------------- one by one


def ids_stay_text(stand: Stand) -> None:
    names = ["007", "7", "NA", "None", "TRUE", "12E3"]
    both(*(newcomer(name) for name in names))(stand.book)
    tables = decide(stand.book, mandate(DEVIATION))
    assert [r["account_id"] for r in tables["accounts"]][-6:] == names
    assert all(ended(tables, name, "OPTIMAL") for name in names)


def tickers_stay_text(stand: Stand) -> None:
    both(listed("NA", "10"), holding("003", "NA", "5"))(stand.book)
    tables = decide(stand.book, mandate())
    assert not tables["quarantine"]
    assert target(tables, "003", "NA", "current") > 0


def a_file_that_changes_is_refused(stand: Stand) -> None:
    book = read_book(stand.book)
    celled("holdings", 1, "quantity", "901")(stand.book)
    with pytest.raises(InputError) as caught:
        book.roster(book.policy(read_policy(mandate())))
    assert (caught.value.code, caught.value.table) == ("CHANGED", "holdings")
    assert caught.value.mend


def a_bomb_is_refused(stand: Stand) -> None:
    stand.patch.setattr(sources, "MOST_BYTES", 1000)
    stand.patch.setattr(parts, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="larger than") as caught:
        read_book(stand.book)
    assert caught.value.code == "TOO_LARGE"
    assert caught.value.mend
    stand.patch.undo()
    (stand.book / "views.csv.gz").write_bytes(gzip.compress(b"view_id\n"))
    with pytest.raises(InputError, match=r"views\.csv\.gz"):
        read_book(stand.book)


def negative_cash_is_cured(stand: Stand) -> None:
    put(stand.book, "holdings", [["003", "CASH", "-500"] if r[:2] == ["003", "CASH"] else r
                                 for r in rows_of(stand.book, "holdings")])  # fmt: skip
    tables = decide(stand.book, mandate())
    assert ended(tables, "003", "OPTIMAL")
    assert target(tables, "003", "CASH", "current") < 0
    row = next(r for r in tables["accounts"] if r["account_id"] == "003")
    assert target(tables, "003", "CASH") * row["nav"] >= row["cost"] - 1e-6


def lots_are_whole(stand: Stand) -> None:
    put(stand.book, "holdings", [[*r[:2], "13.7"] if r[:2] == ["003", "TECH"] else r
                                 for r in rows_of(stand.book, "holdings")])  # fmt: skip
    tables = decide(stand.book, mandate(DEVIATION, {"kind": "lots"}))
    assert ended(tables, "003", "OPTIMAL")
    sizes = {r[0]: float(r[4]) for r in rows_of(stand.book, "assets")[1:]}
    for trade in traded(tables, "003"):
        if sizes[trade["asset_id"]]:
            assert trade["quantity"] == pytest.approx(round(trade["quantity"]), abs=1e-9)
    assert traded(tables, "003")
    assert target(tables, "003", "CASH") >= 0


def a_short_comes_back(stand: Stand) -> None:
    put(stand.book, "holdings", [[*r[:2], "-20"] if r[:2] == ["003", "GOLD"] else r
                                 for r in rows_of(stand.book, "holdings")])  # fmt: skip
    tables = decide(stand.book, mandate())
    assert ended(tables, "003", "OPTIMAL")
    assert target(tables, "003", "GOLD", "current") < 0 <= target(tables, "003", "GOLD")
    assert [t["side"] for t in traded(tables, "003") if t["asset_id"] == "GOLD"] == ["buy"]


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[::-1].sample(frac=1.0, axis=1, random_state=1)


def order_is_no_matter(stand: Stand) -> None:
    plain, other = (shutil.copytree(stand.book, stand.tmp / name) for name in ("plain", "other"))
    dense(lambda frame: None)(plain)
    dense(shuffled)(other)
    assert decide(plain, mandate())["targets"] == decide(other, mandate())["targets"]
    dense(lambda f: f.drop(index="GOLD"))(stand.book)
    with pytest.raises(InputError, match="'GOLD' has no row") as caught:
        desk_of(stand.book, mandate())
    assert caught.value.mend


def later_rows_are_not_seen(stand: Stand) -> None:
    """A book may hold them, for other days; no answer depends on what stands in them."""
    last = rows_of(stand.book, "returns")[-1]
    before = others(decide(stand.book, mandate()), set())
    added("returns", ["2017-03-31", *(["0.5"] * (len(last) - 1))])(stand.book)
    assert others(decide(stand.book, mandate()), set()) == before
    assert "LATER_ROWS" in {c.code for c in cautions(stand.book, mandate())}


def a_band_ends_at_the_deviation(_: Stand) -> None:
    policy = Policy((Deviation("5%"), Band("20%", use="both")), {"m": {"A": 0.5, "B": 0.5}})
    frame = pd.DataFrame({"A": [0.04, 0.0], "B": [0.0, 0.01]}, ["A", "B"])
    market = Market.from_frames(pd.DataFrame({"asset_class": ["x", "y"]}, index=["A", "B"]), frame)
    proposal = rebalance(Account("1", "m", {"A": 50, "B": 50}), policy, market, [View("A - B", 0.5, 0.9)], ON)
    assert (proposal.weights["low"][:2] >= 0.45 - 1e-12).all()
    assert (proposal.weights["high"][:2] <= 0.55 + 1e-12).all()


def a_view_beyond_the_limits_is_told(tables) -> bool:
    bound = json.loads(next(r["binding"] for r in tables["accounts"] if r["account_id"] == "008"))
    return any(each["limit"] == "deviation" and each["on"] in ("FIN", "TECH", "HEALTH") for each in bound)


def small_trades_are_not_made(stand: Stand) -> None:
    tables = decide(stand.book, mandate({"kind": "deviation", "most": 0.5}, {"kind": "trade_size", "least": 0.9}))
    assert ended(tables, "003", "OPTIMAL", "no trade is worth making")
    assert not tables["trades"]


def equal_rows_are_one(stand: Stand) -> None:
    one = {"kind": "group", "on": "equity", "around": "strategic", "least": 0.01, "most": 0.01}
    tables = decide(stand.book, mandate(DEVIATION, one, {**one, "name": "again"}))
    assert ended(tables, "003", "OPTIMAL")
    other = {**one, "name": "again", "least": 0.02, "most": 0.02}
    tables = decide(stand.book, mandate(DEVIATION, one, other))
    assert ended(tables, "003", "UNSOLVED", "again")
    assert ended(tables, "003", "UNSOLVED", "group")


def one_asset(stand: Stand) -> None:
    """An account of a universe that is only cash has nothing to trade."""
    proposal = rebalance(
        Account("1", "m", {"CASH": 10.0}), Policy((), {"m": {"CASH": 1.0}}),
        Market.from_frames(pd.DataFrame({"asset_class": ["cash"]}, index=["CASH"]), pd.DataFrame()), [], ON,
    )  # fmt: skip
    assert proposal.outcome.name == "HELD"
    assert proposal.reason


def hostile_cells_are_text(stand: Stand) -> None:
    names = ["=1+1", "+SUM(A1)", "@cmd", "-2"]
    both(*(newcomer(name) for name in names))(stand.book)
    done = run(stand.book, read_policy(mandate()), ON, stand.tmp / "out", workers=1)
    assert set(names) <= set(done.table("accounts")["account_id"])  # raw in Parquet
    export(done.path, stand.tmp / "csv")
    with (stand.tmp / "csv" / "accounts.csv").open(newline="", encoding="utf-8") as file:
        said = {row["account_id"] for row in csv.DictReader(file)}
    assert {f"'{name}" for name in names} <= said
    assert not {name for name in said if name[0] in "=+-@"}


HOSTILE = ("../../escape", "/etc/passwd", "CON", "'; DROP TABLE chunks; --", "a" * 200, "<script>alert(1)</script>")


def ids_reach_no_path_and_no_statement(stand: Stand) -> None:
    both(*(newcomer(name) for name in HOSTILE))(stand.book)
    done = run(stand.book, read_policy(mandate(DEVIATION)), ON, stand.tmp / "out", workers=1)
    assert done.counts["OPTIMAL"] == len(KEPT) + len(HOSTILE)
    files = {p.name for p in stand.tmp.rglob("*")}
    assert not {name for name in files if "escape" in name or "passwd" in name or "DROP" in name or "script" in name}
    assert not list(stand.tmp.parent.glob("escape*"))


def links_are_not_followed(stand: Stand) -> None:
    (stand.tmp / "elsewhere").mkdir()
    (stand.tmp / "out").symlink_to(stand.tmp / "elsewhere")
    with pytest.raises(RunError, match="is a link"):
        run(stand.book, read_policy(mandate()), ON, stand.tmp / "out", workers=1)
    assert not list((stand.tmp / "elsewhere").iterdir())


def pickles_are_not_loaded(stand: Stand) -> None:
    class Loaded:
        def __reduce__(self):
            return (Path.touch, (stand.tmp / "loaded",))

    data = pickle.dumps(Loaded())
    for name, word in (("holdings.pkl", "holdings.pkl"), ("views.parquet", "views.parquet")):
        folder = shutil.copytree(stand.book, stand.tmp / name)
        (folder / "views.csv").unlink()
        (folder / name).write_bytes(data)
        with pytest.raises(InputError, match=word) as caught:
            read_book(folder)
        assert caught.value.mend
    assert not (stand.tmp / "loaded").exists()


def yaml_is_no_policy(stand: Stand) -> None:
    path = stand.tmp / "policy.toml"
    for text in (
        "limits:\n  - kind: deviation\n    most: NO\n",
        "a: &a [x, x]\nb: [*a, *a]\n",
        "!!python/object/apply:os.system ['true']\n",
        '[[limits]]\nkind = "deviation"\nmost = 0.05\nmost = 0.50\n',
    ):
        path.write_text(text)
        with pytest.raises(InputError, match="is not TOML") as caught:
            read_policy(path)
        assert (caught.value.table, bool(caught.value.mend)) == ("policy", True)


def json_is_strict(stand: Stand) -> None:
    done = run(stand.book, read_policy(mandate()), ON, stand.tmp / "out", workers=1)
    seal = done.path / "run.json"
    fine = seal.read_text()
    for bad in (
        fine.replace('"blocked": false', '"blocked": NaN'),
        fine.replace('"blocked": false', '"blocked": 1e999'),
        fine.replace('"blocked": false', '"blocked": false, "blocked": true'),
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 40 + "1" + "}" * 40,
    ):
        assert bad != fine
        seal.write_text(bad)
        with pytest.raises(RunError, match="cannot be read"):
            export(done.path, stand.tmp / "csv")
    seal.write_text(fine)
    assert export(done.path, stand.tmp / "csv")


def texts_are_shown_as_text(stand: Stand) -> None:
    name = "<b>\x1b[2J"
    book, given, desk = desk_of(stand.book, mandate())
    proposal = rebalance(replace(next(iter(book.accounts(given))), id=name), given, desk.market, [], ON)
    assert "<b>" not in proposal._repr_html_()
    assert html.escape("<b>") in proposal._repr_html_()


def nothing_that_is_no_number_passes(_: Stand) -> None:
    market = Market.from_frames(
        pd.DataFrame({"asset_class": ["x"]}, index=["A"]), pd.DataFrame({"A": [0.04]}, index=["A"])
    )
    weights = np.array([np.nan, 1.0])
    term = Custom(lambda w, w0: [], lambda w, w0: w)
    assert use(term, weights, weights, market.risk, market.universe)[0].room == -np.inf


def names_stay_inside(stand: Stand) -> None:
    """The columns that nothing reads, of clients' names say, are in no message; ids and the bad cell are."""
    both(columned("history", "client", {}, "Mrs Smith") if (stand.book / "history.csv").exists() else
         added("history", ["003", "GOLD", "yesterday", "0.1", "Mrs Smith"],
               head=["account_id", "asset_id", "date", "weight", "client"]))(stand.book)  # fmt: skip
    (row,) = decide(stand.book, mandate())["quarantine"]
    assert row["account_id"] == "003"
    assert "yesterday" in row["message"]
    assert "Smith" not in json.dumps(row)


def times_without_a_zone_are_none(_: Stand) -> None:
    """No local time is read: what has a zone is the day of UTC, whichever fold; without one a time is refused."""
    berlin = dt.timezone(dt.timedelta(hours=2))
    assert day(dt.datetime(2017, 2, 28, 0, 30, tzinfo=berlin)) == dt.date(2017, 2, 27)
    assert day(dt.datetime.fromisoformat("2017-02-28")) == dt.date(2017, 2, 28)
    for fold in (0, 1):
        with pytest.raises(ValueError, match="no zone"):
            day(dt.datetime.fromisoformat("2017-10-29T02:30").replace(fold=fold))


# ------------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Entry:
    """One way in which a row of the catalogue is met: number, own short words, behaviour, check.

    ``reason`` says why a row cannot be met today, or where it and the contract of the design meet.
    """

    row: int
    about: str
    code: str
    check: Check | None
    reason: str = ""


def absent(row: int, about: str, reason: str) -> Entry:
    return Entry(row, about, "-", None, reason)


PAST = ["account_id", "asset_id", "date", "weight"]
ORDERS = ["account_id", "asset_id", "quantity", "status"]
PRICES = ["date", "available_at", "GOLD"]
GROUPS = tuple({"kind": "group", "on": name, "least": 0.5} for name in ("equity", "bonds", "credit"))
EQUITY = {"kind": "group", "on": "equity", "least": 0.95}
STOPPED = {"kind": "restriction", "on": "TECH", "rule": "frozen"}
ASSETS = "USMKT MIDCAP TECH FIN ENERGY HEALTH STAPLES UTILS TBILL UST2 UST5 UST10 UST20 BAA GOLD"
FROZEN = [["003", asset, "frozen"] for asset in ASSETS.split()]  # every one but the cash
VIEW = ["X1", "0.5*FIN + 0.5*TECH - defensive", "0.02", "0.5", "2017-02-28", "", "me", "why", "active"]


def view(**cells: str) -> Callable[[Path], None]:
    head = ["view_id", "about", "gain", "confidence", "since", "until", "author", "because", "basis"]
    return added("views", [cells.get(c, x) for c, x in zip(head, VIEW, strict=True)])


def limit(**fields: Any) -> Callable[[], object]:
    return lambda: read_policy({"limits": [fields]})


CATALOGUE = (
    Entry(1, "an account twice", "Q", refused(account("005", "growth"), "005", "account_id", "occurs twice")),
    Entry(2, "ids that became numbers", "E",
          stopped(parquet("accounts", account_id=int), "accounts", "account_id", "not text")),
    Entry(2, "007 beside 7", "N", ids_stay_text),
    Entry(3, "a ticker that reads like nothing", "N", tickers_stay_text),
    Entry(4, "an id that reads like a number or a flag", "N", ids_stay_text),
    Entry(5, "two forms of an id", "Q",
          refused(account("005 "), "005", "account_id", "'005 '", also=("005 ",), code="ID_FORMS"),
          "stricter than the row: an id is never renamed, since it is the key of somebody else too"),
    Entry(5, "a space nobody sees", "Q", refused(newcomer("X\u200b"), "X\u200b", "account_id", "did you mean 'X'?")),
    Entry(6, "an id that is not composed", "Q", refused(newcomer("Pe\u0301"), "Pe\u0301", "account_id", "NFC")),
    Entry(6, "an id of letters that look alike", "Q",
          refused(newcomer("\u0410lpha"), "\u0410lpha", "account_id", "Latin and Cyrillic")),
    Entry(7, "no id", "Q", refused(account(""), "", "account_id", "is empty")),
    Entry(7, "an endless id", "Q", refused(newcomer("X" * 10_000), "X" * 10_000, "account_id", "longer than 200")),
    Entry(8, "an unknown asset", "Q", refused(holding("005", "GLD"), "005", "asset_id", "did you mean 'GOLD'?")),
    Entry(9, "an asset under another id", "Q",
          refused(holding("005", "US78463V1070"), "005", "asset_id", "US78463V1070")),
    Entry(10, "an asset held in two rows", "Q", refused(holding("005", "GOLD"), "005", "asset_id", "two rows")),
    Entry(11, "a column twice", "E", stopped(renamed("assets", "name", "price"), "assets", "price", "twice")),
    Entry(12, "a column missing", "E",
          stopped(renamed("holdings", "quantity", "quantty"), "holdings", "quantity", "'quantty'")),
    Entry(12, "a column nobody knows", "E",
          stopped(columned("holdings", "colour", {}), "holdings", "colour", "not known"),
          "of assets, further text columns are groupings: the contract says so"),
    Entry(13, "a line cut off", "E",
          stopped(raw("holdings.csv", lambda d: d[: d.rindex(b",")]), "holdings", "", "columns")),
    Entry(13, "an empty file", "E", stopped(raw("holdings.csv", b""), "holdings", "", "is empty")),
    Entry(13, "a Parquet file cut off", "E",
          stopped(parquet("holdings", lambda d: d[:-20]), "holdings", "", "Parquet")),
    Entry(14, "a bit that flipped", "E", stopped(parquet("holdings", flipped), "holdings", "", "holdings.parquet")),
    Entry(15, "another encoding", "E",
          stopped(raw("holdings.csv", lambda d: d.decode().encode("utf-16")), "holdings", "", "UTF-8 at byte 0")),
    Entry(15, "Latin-1", "E", stopped(raw("views.csv", lambda d: d + b"\xe9"), "views", "", "not UTF-8 at byte")),
    Entry(15, "a mark of byte order", "N", unchanged(raw("holdings.csv", lambda d: b"\xef\xbb\xbf" + d))),
    Entry(16, "semicolons", "E",
          stopped(raw("holdings.csv", lambda d: d.replace(b",", b";")), "holdings", "account_id", "commas")),
    Entry(16, "a decimal comma", "E",
          stopped(celled("assets", "GOLD", "price", "125,56"), "assets", "price", "line 16 of assets.csv")),
    Entry(16, "thousands", "E", stopped(celled("assets", "GOLD", "adv", "1,000.5"), "assets", "adv", "1,000.5")),
    Entry(16, "a percent", "E", stopped(celled("strategic", 1, "weight", "30%"), "strategic", "weight", "30%")),
    Entry(16, "a decimal comma of one account", "Q",
          refused(both(account("X"), holding("X", quantity="1.234,5")), "X", "quantity", "1.234,5")),
    Entry(17, "fewer rows than promised", "E",
          stopped(parquet("holdings", fewer), "holdings", "", "has 64")),
    Entry(18, "a file without end", "E", a_bomb_is_refused),
    Entry(19, "a file that changes", "E", a_file_that_changes_is_refused),
    Entry(20, "held without a price", "Q",
          refused(both(listed("NEWCO", ""), holding("003", "NEWCO")), "003", "price", "'NEWCO'")),
    Entry(21, "not held, without a price", "W", warned(listed("NEWCO", ""), "NO_PRICE", ("NEWCO",), "NEWCO")),
    Entry(22, "a price of zero", "Q",
          refused(both(listed("NEWCO", "0"), holding("003", "NEWCO")), "003", "price", "'NEWCO'")),
    Entry(23, "a negative price", "Q",
          refused(both(listed("NEWCO", "-3"), holding("003", "NEWCO")), "003", "price", "'NEWCO'")),
    Entry(23, "a negative price of what nobody holds", "W",
          warned(listed("NEWCO", "-3"), "BAD_PRICE", ("NEWCO",), "zero or below")),
    Entry(24, "an old history", "W",
          warned(nothing, "STALE", (), "185 days before", on="2017-09-01"),
          "assets.price has no date; tradable = false is how an asset is held for it"),
    Entry(25, "a jump", "W",
          warned(celled("returns", "2017-02-28", "GOLD", "3.0"), "JUMP", ("GOLD",), "+300.0%"),
          "with the asset held by tradable = false, since no column tells a split from a crash"),
    absent(26, "a split that holdings do not know", "no column of a book tells corporate actions"),
    absent(27, "a dividend or merger on its way", "no column of a book tells corporate actions"),
    Entry(28, "an asset that no longer trades", "W",
          warned(celled("assets", "GOLD", "tradable", "false"), "NOT_TRADABLE", ("GOLD",), "GOLD")),
    Entry(28, "it stays where it is", "N",
          regular(celled("assets", "GOLD", "tradable", "false"),
                  lambda t: all(r["current"] == r["target"] for r in t["targets"] if r["asset_id"] == "GOLD"))),
    Entry(28, "a mandate that asks for its sale", "R",
          yields(celled("assets", "USMKT", "tradable", "false"), ({"kind": "deviation", "most": 0.01},), "003",
                 "deviation", "USMKT")),
    Entry(29, "nothing in the account", "H", held(account("X"), "X", "nothing in the account")),
    Entry(30, "less than nothing in the account", "Q",
          refused(both(account("X"), holding("X", quantity="-1000")), "X", "quantity", "-1000")),
    Entry(31, "negative cash", "N", negative_cash_is_cured),
    Entry(32, "a withdrawal beyond what is there", "Q",
          refused(celled("accounts", "003", "cash_flow", "-1e12"), "003", "cash_flow", "leaves nothing"),
          "a deposit beyond it is how an account begins"),
    Entry(33, "a value that is not the sum", "Q",
          refused(columned("accounts", "nav", {"003": "250000"}), "003", "nav", "quantities times prices make")),
    Entry(34, "percents as decimals, of a model", "E",
          stopped(lambda f: put(f, "strategic", [rows_of(f, "strategic")[0], *([m, a, repr(100 * float(w))] for m, a, w
                  in rows_of(f, "strategic")[1:])]), "strategic", "weight", "look like percents")),
    Entry(34, "percents as decimals, of an account", "Q",
          refused(added("history", ["003", "GOLD", "2017-01-31", "12"], head=PAST), "003", "weight", "12")),
    Entry(35, "weights of a model that do not sum to 1", "E",
          stopped(celled("strategic", 1, "weight", "0.3001"), "strategic", "weight", "sum to 1.0001")),
    Entry(35, "weights that nearly do", "W",
          warned(celled("strategic", 1, "weight", "0.3000005"), "WEIGHTS_SCALED", ("sixty_forty",), "1.0000005")),
    Entry(35, "weights that do but for rounding", "N",
          regular(celled("strategic", 1, "weight", "0.3000000005"), lambda t: t["targets"])),
    Entry(35, "an account's own weights", "Q",
          raises(lambda: Account.from_weights("1", "m", {"A": 0.9}, 1.0, Market.from_frames(pd.DataFrame(
              {"asset_class": ["x"]}, index=["A"]), pd.DataFrame({"A": [0.04]}, index=["A"]))),
              "holdings", "weight", "sum to 0.9")),
    absent(36, "a currency or its rate", "a book has one currency; no column tells another"),
    Entry(37, "a quantity beyond its type", "Q",
          refused(both(account("X"), holding("X", quantity="9223372036854775808")), "X", "quantity", "below 1e15")),
    Entry(38, "part of a share where lots are whole", "N", lots_are_whole),
    Entry(39, "a short where it is long-only", "N", a_short_comes_back),
    absent(40, "pledged or locked units", "no column of a book tells them"),
    Entry(40, "orders that sell more than is held", "Q",
          refused(added("orders", ["003", "GOLD", "-1e9", "open"], head=ORDERS), "003", "quantity", "are held")),
    absent(41, "a lot bought in the future", "no column of a book tells lots"),
    Entry(41, "a position opened in the future", "Q",
          refused(added("positions", ["003", "GOLD", "2017-03-01"], head=["account_id", "asset_id", "opened"]), "003",
                  "opened", "after 2017-02-28", policy=mandate(DEVIATION, {"kind": "time_limit", "life_days": 90,
                  "reversion_days": 30}))),
    Entry(42, "a covariance with two halves", "E",
          stopped(dense(at("TECH", "GOLD", 0.3)), "covariance", "asset_id", "mirror image")),
    Entry(43, "a covariance that cannot be", "E",
          stopped(dense(at("TECH", "FIN", 0.9, mirrored=True)), "covariance", "asset_id", "least eigenvalue")),
    Entry(44, "a singular covariance", "W", warned(dense(doubled(0.0)), "SINGULAR", (), "may not be the only ones")),
    Entry(45, "a covariance nearly singular", "W", warned(dense(doubled(1e-13)), "ILL_CONDITIONED", (), "times apart")),
    Entry(46, "a covariance with a hole", "E",
          stopped(dense(at("TECH", "GOLD", "")), "covariance", "GOLD", "line 4 of covariance.csv")),
    Entry(47, "a variance of zero", "E",
          stopped(dense(lambda f: f.mul((f.index != "GOLD").astype(float), axis=0).mul((f.columns != "GOLD")
                  .astype(float), axis=1)), "covariance", "asset_id", "variance of zero")),
    Entry(48, "percents squared", "E", stopped(dense(lambda f: f * 1e4), "covariance", "asset_id", "above 300%")),
    Entry(48, "next to no volatility", "E", stopped(dense(lambda f: f * 1e-9), "covariance", "asset_id", "below")),
    Entry(49, "another order of the assets", "N", order_is_no_matter),
    Entry(50, "fewer periods than assets", "W",
          warned(lambda f: put(f, "returns", [rows_of(f, "returns")[0], *rows_of(f, "returns")[-12:]]), "SINGULAR", (),
                 "use shrinkage", policy={**mandate(), "risk": {"periods_per_year": 12, "method": "sample"}})),
    Entry(51, "a market of a later day", "E",
          raises(lambda: Market.from_frames(pd.DataFrame({"asset_class": ["x"]}, index=["A"]), pd.DataFrame(
              {"A": [0.04]}, index=["A"]), on=dt.date(2017, 3, 1)).dated(dt.date(2017, 2, 28)), "assets", "price",
              "after 2017-02-28")),
    Entry(51, "rows of later days", "N", later_rows_are_not_seen),
    Entry(52, "no day from which it could be known", "E",
          stopped(added("prices", ["2017-01-31", "120"], head=["date", "GOLD"]), "prices", "available_at", "missing")),
    absent(53, "revised figures without a vintage", "comes with backtests; every row of prices has available_at"),
    Entry(54, "a view that has ended", "W",
          warned(view(until="2017-02-28", since="2017-01-01"), "VIEW_ENDED", ("X1",), "ended on 2017-02-28")),
    Entry(55, "a view on nothing known", "E", stopped(view(about="FINN - TECH"), "views", "about", "'FIN'")),
    Entry(56, "two views that contradict", "E",
          stopped(both(view(about="FIN - TECH"), view(view_id="X2", about="TECH - FIN")), "views", "gain",
                  "'X1' and 'X2'")),
    Entry(56, "one subject measured in two ways", "E",
          stopped(both(view(about="FIN - TECH"), view(view_id="X2", about="FIN - TECH", basis="total")), "views",
                  "basis", "'X1' and 'X2'")),
    Entry(56, "two certain views that depend on each other", "E",
          stopped(both(view(about="FIN - TECH", confidence="1"), view(view_id="X2", about="FIN - TECH",
                  confidence="1")), "views", "confidence", "'X1', 'X2'")),
    Entry(56, "two views on what is one subject in one model alone", "W",
          warned(both(celled("strategic", 11, "weight", "0"), celled("strategic", 12, "weight", "0.17"),
                      view(about="intermediate - TECH"), view(view_id="X2", about="TECH - UST10")),
                 "VIEWS_OPPOSED", ("X1", "X2"), "opposite ways")),
    Entry(57, "no confidence", "E", stopped(view(confidence="0"), "views", "confidence", "above 0")),
    Entry(57, "more than certain", "E", stopped(view(confidence="1.2"), "views", "confidence", "at most 1")),
    Entry(57, "a confidence that is no number", "E", stopped(view(confidence="nan"), "views", "confidence", "'nan'")),
    Entry(58, "a view beyond the limits", "N",
          regular(view(gain="0.9", confidence="0.99"), a_view_beyond_the_limits_is_told)),
    Entry(59, "an enormous gain", "E", stopped(view(gain="1e18"), "views", "gain", "0.02 for 2%")),
    Entry(60, "numbers next to nothing", "E",
          stopped(dense(lambda f: f * 1e-300), "covariance", "USMKT", "below 1e-30")),
    Entry(61, "an unknown regime", "E",
          stopped(nothing, "policy", "regime", "did you mean 'crisis'",
                  policy=mandate({**DEVIATION, "when": "crisis"}, regime="crysis"))),
    Entry(62, "a date twice", "E",
          stopped(celled("returns", 2, "date", "2000-01-31"), "returns", "date", "occurs twice")),
    Entry(62, "dates in another order", "N",
          unchanged(lambda f: put(f, "returns", [rows_of(f, "returns")[0], *rows_of(f, "returns")[:0:-1]]))),
    Entry(62, "dates that are missing", "W",
          warned(lambda f: put(f, "returns", [*rows_of(f, "returns")[:20], *rows_of(f, "returns")[30:]]), "GAP", (),
                 "nothing between 2001-07-31 and 2002-06-")),
    Entry(63, "bounds that cross", "E",
          raises(limit(kind="position", on="A", least=0.5, most=0.2), "policy", "least", "at most 0.2")),
    Entry(63, "bounds of two limits that cross, of a model", "E",
          stopped(nothing, "strategic", "weight", "outside", policy=mandate(DEVIATION,
                  {"kind": "position", "on": "TECH", "least": 0.9})),
          "of one account: UNSOLVED in words, as rows 65 to 67 (design 5.8)"),
    Entry(64, "a bound that is no number, of an account", "Q",
          refused(columned("accounts", "deviation", {"003": "nan"}), "003", "deviation", "'nan'")),
    Entry(64, "a bound that is no number", "E",
          raises(limit(kind="deviation", most=float("nan")), "policy", "most", "not finite")),
    Entry(65, "minima above the whole", "R", yields(nothing, GROUPS, "003", "group", "group")),
    Entry(66, "a group above its members", "R", yields(nothing, (DEVIATION, EQUITY), "003", "group", "group")),
    Entry(67, "less turnover than the way back", "R",
          yields(nothing, ({"kind": "deviation", "most": 0.01}, {"kind": "turnover", "most": 0}), "003", "turnover",
                 "turnover allows 0%")),
    Entry(68, "a model outside its own policy", "E",
          stopped(nothing, "strategic", "weight", "outside", policy=mandate({"kind": "position", "most": 0.05,
                  "on": "UST10"}))),
    Entry(69, "a band wider than the deviation", "N", a_band_ends_at_the_deviation,
          "5.4: clipped, not refused"),
    Entry(70, "a life without days", "E",
          raises(limit(kind="time_limit", reversion_days=5), "policy", "life_days", "")),
    Entry(70, "a life of less than none", "E",
          raises(lambda: TimeLimit(-1, 5), "policy", "life_days", "at least 1")),
    Entry(71, "a smallest trade above the position", "N", small_trades_are_not_made),
    Entry(72, "every asset frozen", "H", held(added("restrictions", *FROZEN), "003", "every asset is frozen")),
    Entry(72, "one asset", "H", one_asset),
    Entry(72, "no asset", "E", stopped(lambda f: put(f, "assets", rows_of(f, "assets")[:1]), "assets", "asset_id",
                                       "no rows"),
          "shared: nobody could be told anything"),
    Entry(73, "a rule for an asset that is not there", "Q",
          refused(added("restrictions", ["005", "GLD", "no_buy"]), "005", "asset_id", "'GLD'")),
    Entry(73, "a limit on a group that is not there", "E",
          stopped(nothing, "policy", "on", "did you mean 'equity'", policy=mandate({**DEVIATION, "on": "equty"}))),
    Entry(74, "a name of two groups", "E",
          stopped(celled("assets", "GOLD", "role", "equity"), "assets", "role", "two different sets")),
    Entry(75, "one equation twice, and two that differ", "R", equal_rows_are_one),
    Entry(76, "a tracking error below what can be had", "R",
          yields(added("restrictions", ["003", "TECH", "frozen"], ["003", "FIN", "frozen"], ["003", "GOLD", "frozen"]),
                 ({"kind": "tracking_error", "most": 1e-4},), "003", "tracking_error", "tracking error")),
    Entry(77, "a negative cost", "E",
          stopped(celled("assets", "GOLD", "cost_bps", "-5"), "assets", "cost_bps", "negative")),
    Entry(77, "a negative cost, from Python", "E",
          raises(lambda: Costs(np.array([-1e-4])), "assets", "cost_bps", "negative")),
    Entry(78, "a price of risk below zero, of an account", "Q",
          refused(columned("accounts", "risk_aversion", {"003": "-1"}), "003", "risk_aversion", "-1")),
    Entry(78, "a price of risk of nothing", "E",
          raises(lambda: Policy(risk_aversion=0.0), "policy", "risk_aversion", "0")),
    Entry(78, "an endless price of risk", "E",
          raises(lambda: Model("m", {"A": 1.0}, 1e12), "policy", "risk_aversion", "2 to 20")),
    absent(79, "a policy nobody approved", "approvals come with governance"),
    Entry(80, "no model", "Q", refused(newcomer("X", model=""), "X", "model_id", "no model")),
    Entry(80, "two models", "Q", refused(account("003", "growth"), "003", "account_id", "twice")),
    Entry(81, "a blocked account", "H", held(celled("accounts", "003", "status", "blocked"), "003", "is blocked")),
    Entry(81, "a closed account", "H", held(celled("accounts", "003", "status", "closed"), "003", "is closed")),
    Entry(82, "a time without a zone", "E",
          stopped(celled("returns", 5, "date", "2000-05-31 16:00"), "returns", "date", "16:00")),
    Entry(83, "an hour that is there twice", "E", times_without_a_zone_are_none),
    Entry(84, "a date that reads two ways", "E", stopped(view(since="01/02/2017"), "views", "since", "01/02/2017")),
    Entry(84, "a date that reads two ways, of an account", "Q",
          refused(added("history", ["003", "GOLD", "01/02/2017", "0.1"], head=PAST), "003", "date", "01/02/2017")),
    Entry(85, "a day by number", "E", stopped(celled("returns", 5, "date", "36677"), "returns", "date", "36677")),
    Entry(86, "a day on which nobody trades", "W", warned(nothing, "NO_SESSION", (), "weekend", on="2017-03-04")),
    Entry(86, "a holiday of the policy's exchange", "W",
          warned(nothing, "NO_SESSION", (), "no session of XNYS", on="2017-07-04",
                 policy=mandate(rebalance={"trigger": "calendar"}))),
    absent(87, "a clock that runs backwards", "the record that knows the last entry comes with governance"),
    Entry(88, "a day that is a placeholder", "E", stopped(view(until="9999-12-31"), "views", "until", "9999-12-31")),
    Entry(88, "a placeholder of an account", "Q",
          refused(added("history", ["003", "GOLD", "0001-01-01", "0.1"], head=PAST), "003", "date", "0001-01-01")),
    Entry(89, "cells that a spreadsheet would run", "N", hostile_cells_are_text),
    Entry(90, "ids that are paths", "N", ids_reach_no_path_and_no_statement),
    Entry(91, "a link where the run should stand", "E", links_are_not_followed),
    Entry(92, "a pickle", "E", pickles_are_not_loaded),
    Entry(93, "YAML, and a key twice", "E", yaml_is_no_policy),
    Entry(94, "JSON that is none", "E", json_is_strict),
    Entry(95, "ids that are statements", "N", ids_reach_no_path_and_no_statement),
    Entry(96, "texts that a page would obey", "N", texts_are_shown_as_text),
    Entry(97, "no number where one is compared", "N", nothing_that_is_no_number_passes),
    Entry(97, "a quantity that is no number", "Q",
          refused(both(account("X"), holding("X", quantity="nan")), "X", "quantity", "'nan'")),
    Entry(97, "a cash flow that is no number", "Q",
          refused(celled("accounts", "003", "cash_flow", "nan"), "003", "cash_flow", "'nan'")),
    Entry(98, "names in messages", "Q", names_stay_inside),
)  # fmt: skip


def test_every_row_of_the_catalogue_is_here():
    rows = [entry.row for entry in CATALOGUE]
    assert rows == sorted(rows)
    assert set(rows) == set(range(1, 99))
    assert {entry.code for entry in CATALOGUE} == set("EQNWRH-")
    assert all(entry.reason for entry in CATALOGUE if entry.check is None)
    alone = {entry.row for entry in CATALOGUE if entry.code == "-"} - {e.row for e in CATALOGUE if e.code != "-"}
    assert alone == {26, 27, 36, 53, 79, 87}  # a row that can be said has to be checked


@pytest.mark.parametrize(
    "entry", [e for e in CATALOGUE if e.check], ids=lambda e: f"{e.row:02d}-{e.code}-{e.about.replace(' ', '_')}"
)
def test_it_gets_what_the_catalogue_says(entry, book, tmp_path, monkeypatch):
    entry.check(Stand(book, tmp_path, monkeypatch))
