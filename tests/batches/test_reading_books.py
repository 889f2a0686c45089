import hashlib
import shutil
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab.batches import csvs, read_book, sources
from trimtab.constraints import Policy
from trimtab.demo import ON
from trimtab.errors import BookError, InputError, MarketError, ViewError


def text(folder, table):
    return (folder / f"{table}.csv").read_text()


def replaced(old, new, table):
    def change(folder):
        before = text(folder, table)
        assert old in before
        (folder / f"{table}.csv").write_text(before.replace(old, new, 1))

    return change


def raw(table, data):
    return lambda folder: (folder / f"{table}.csv").write_bytes(data)


def removed(table):
    return lambda folder: (folder / f"{table}.csv").unlink()


def renamed(old, new):
    return lambda folder: (folder / old).rename(folder / new)


def read_all(folder):
    """Read everything that is shared."""
    book = read_book(folder)
    policy = book.policy(Policy())
    market = book.market(Policy(), ON)
    book.views()
    for name in policy.models:
        from trimtab.models import Model

        book.tilts(market, Model(name, policy.models[name], 6.0), ON)
    return book


DOORS = [
    ("missing table", removed("holdings"), BookError, "MISSING_TABLE", ""),
    ("no risk", removed("returns"), BookError, "RISK_KINDS", ""),
    ("two kinds of risk", lambda f: shutil.copy(f / "returns.csv", f / "covariance.csv"), BookError, None, ""),
    ("misspelt table", renamed("restrictions.csv", "restriction.csv"), BookError, "UNKNOWN_TABLE", ""),
    ("misspelt format", renamed("views.csv", "views.xlsx"), BookError, "UNKNOWN_TABLE", ""),
    ("zero bytes", raw("holdings", b""), BookError, "EMPTY_FILE", ""),
    ("only line ends", raw("holdings", b"\n\n"), BookError, "EMPTY_FILE", ""),
    ("utf-16", raw("views", "view_id,about,gain,confidence\n".encode("utf-16")), BookError, "NOT_UTF8", ""),
    ("utf-16 without a mark", raw("views", "view_id,about\n".encode("utf-16-le")), BookError, "NOT_UTF8", ""),
    (
        "latin-1",
        raw("holdings", "account_id,asset_id,quantity\n001,é,1\n".encode("latin-1")),
        BookError,
        "NOT_UTF8",
        "",
    ),
    ("cut in a row", raw("holdings", b"account_id,asset_id,quantity\n001,GOLD,1\n001,TEC"), BookError, "RAGGED", ""),
    ("cut in a quote", raw("holdings", b'account_id,asset_id,quantity\n001,"GOLD'), BookError, "TRUNCATED", ""),
    ("one cell too many", raw("holdings", b"account_id,asset_id,quantity\n001,GOLD,1,234\n"), BookError, "RAGGED", ""),
    (
        "semicolons",
        raw("holdings", b"account_id;asset_id;quantity\n001;GOLD;1\n"),
        BookError,
        "MISSING_COLUMN",
        "account_id",
    ),
    ("a column twice", replaced("name,", "price,", "assets"), BookError, "DUPLICATE_COLUMN", "price"),
    (
        "a pandas index",
        raw("holdings", b",account_id,asset_id,quantity\n0,001,GOLD,1\n"),
        BookError,
        "UNKNOWN_COLUMN",
        "",
    ),
    ("column missing", replaced("quantity", "quantty", "holdings"), BookError, "MISSING_COLUMN", "quantity"),
    ("column unknown", replaced("basis", "bases", "views"), BookError, "UNKNOWN_COLUMN", "bases"),
    ("near miss of a known column", replaced("lot_size", "lotsize", "assets"), BookError, "UNKNOWN_COLUMN", "lotsize"),
    (
        "numbers as a grouping",
        lambda f: (f / "assets.csv").write_text("asset_id,asset_class,price,beta\nA,equity,1,1.5\n"),
        BookError,
        "UNKNOWN_COLUMN",
        "beta",
    ),
    ("decimal comma", replaced("118.9545", '"118,9545"', "assets"), BookError, "BAD_CELL", "price"),
    ("thousands", replaced("20000000000", '"20,000"', "assets"), BookError, "BAD_CELL", "adv"),
    ("percent", replaced("0.1000", "10%", "strategic"), BookError, "BAD_CELL", "weight"),
    ("infinite price", replaced("118.9545", "inf", "assets"), BookError, "BAD_CELL", "price"),
    ("overflow", replaced("118.9545", "1e400", "assets"), BookError, "BAD_CELL", "price"),
    ("space in a number", replaced("118.9545", " 118.9545", "assets"), BookError, "BAD_CELL", "price"),
    ("tradable maybe", replaced("true", "maybe", "assets"), BookError, "BAD_CELL", "tradable"),
    ("asset twice", replaced("MIDCAP,equity", "USMKT,equity", "assets"), MarketError, "DUPLICATE_ASSET", "asset_id"),
    ("asset id with a space", replaced("MIDCAP,", "MIDCAP ,", "assets"), BookError, "BAD_ID", "asset_id"),
    ("asset id nobody can see", replaced("MIDCAP,", "MID\u200bCAP,", "assets"), BookError, "BAD_ID", "asset_id"),
    ("weights on an unknown asset", replaced("USMKT", "USMKTS", "strategic"), BookError, "UNKNOWN_ASSET", "asset_id"),
    (
        "weights twice",
        replaced("conservative,MIDCAP", "conservative,USMKT", "strategic"),
        BookError,
        "DUPLICATE_ROW",
        "asset_id",
    ),
    ("weights sum to more", replaced("0.1000", "0.2000", "strategic"), BookError, "WEIGHTS_SUM", "weight"),
    ("weights missing", replaced("0.1000", "", "strategic"), BookError, "BAD_CELL", "weight"),
    ("serial date", replaced("2000-01-31", "36556", "returns"), BookError, "BAD_CELL", "date"),
    ("ambiguous date", replaced("2017-02-28", "02/03/2017", "views"), BookError, "BAD_CELL", "since"),
    ("date twice", replaced("2000-02-29", "2000-01-31", "returns"), BookError, "DUPLICATE_DATE", "date"),
    ("gap in the returns", replaced("-0.043300", "", "returns"), MarketError, "NOT_FINITE", "USMKT"),
    ("percent gain", replaced("0.01,", "1%,", "views"), BookError, "BAD_CELL", "gain"),
    ("no confidence", replaced("0.01,0.4,", "0.01,,", "views"), BookError, "BAD_CELL", "confidence"),
    ("confidence zero", replaced("0.01,0.4,", "0.01,0,", "views"), ViewError, "BAD_VIEW", "confidence"),
    (
        "tilt of an unknown model",
        replaced("sixty_forty", "sixty_fourty", "tilts"),
        BookError,
        "UNKNOWN_MODEL",
        "model_id",
    ),
    ("tilt in percent", replaced("0.05", "5%", "tilts"), BookError, "BAD_CELL", "value"),
]


@pytest.mark.parametrize(("change", "kind", "code", "field"), [d[1:] for d in DOORS], ids=[d[0] for d in DOORS])
def test_a_bad_shared_table_raises_and_names_the_place(book, change, kind, code, field):
    change(book)
    with pytest.raises(kind) as caught:
        read_all(book)
    assert isinstance(caught.value, InputError)
    assert code is None or caught.value.code == code
    assert caught.value.field == field


def test_the_error_names_table_column_line_and_value(book):
    replaced("68.7435", "68;7435", "assets")(book)
    with pytest.raises(BookError, match=r"line 4 of assets.csv: price is '68;7435' \[table assets, field price\]"):
        read_all(book)


def test_lines_are_counted_past_blank_lines_and_quoted_line_ends(book):
    lines = text(book, "assets").splitlines()
    lines[1] = lines[1].replace("whole market", "whole\nmarket")
    lines[3] = lines[3].replace("68.7435", "x")
    (book / "assets.csv").write_text("\n".join([lines[0], "", *lines[1:]]))
    with pytest.raises(BookError, match=r"line 6 of assets.csv"):
        read_all(book)


def holdings(rows):
    return b"account_id,asset_id,quantity\n" + b"".join(b"%s,GOLD,1\n" % r for r in rows)


@pytest.mark.parametrize("block", [1, 2, 5, 16, 1 << 20])
def test_a_file_is_judged_the_same_however_it_is_cut_into_blocks(tmp_path, monkeypatch, block):
    def scan(data):
        monkeypatch.setattr(sources, "BLOCK", block)
        return csvs._scan("holdings", tmp_path / "x.csv", data)

    plain = holdings(["é".encode()] * 9)
    assert scan(plain) == (hashlib.sha256(plain).hexdigest(), 10)
    assert scan(plain[:-1])[1] == scan(plain.replace(b"\n", b"\r\n"))[1] == 10
    assert scan(plain + b"\r")[1] == -1
    for bad in (b"\xe9", b"\xe2\x82", b"\xff", b"\x00"):
        for data in (holdings([b"1", "é".encode(), bad, b"3"]), holdings([b"1"]) + bad):
            with pytest.raises(BookError) as caught:
                scan(data)
            assert (caught.value.code, int(caught.value.value)) == ("NOT_UTF8", data.index(bad))
    with pytest.raises(BookError, match="never closes"):
        scan(plain + b'"')


def test_places_are_right_behind_blank_lines_and_cells_of_several_lines(book, policy):
    text_ = 'account_id,asset_id,quantity,\n"001","GOLD",1\n\n\n"0\n0\n2",GOLD,1\n003,GLD,1\n\n004,GLD,1\n'
    (book / "holdings.csv").write_text(text_.replace(",\n", "\n", 1))
    faults = read_book(book).roster(policy).faults
    assert "line 5 of holdings.csv" in str(faults["0\n0\n2"])
    assert "line 8 of holdings.csv" in str(faults["003"])
    assert "line 10 of holdings.csv" in str(faults["004"])
    (book / "holdings.csv").write_text('"account_id","asset_id","quantity"\n"001","GOLD","1"\n"003","GLD","1"')
    assert read_book(book).tables["holdings"].parts[0].jumps == ()
    assert "line 3 of holdings.csv" in str(read_book(book).roster(policy).faults["003"])


def test_percents_among_the_strategic_weights_are_called_so(book, rows, write):
    table = rows(book, "strategic")
    write(book, "strategic", [table[0], *([m, a, repr(float(w) * 100)] for m, a, w in table[1:])])
    with pytest.raises(BookError, match=r"look like percents.*divide by 100"):
        read_all(book)


def test_a_near_miss_is_told(book):
    replaced("lot_size", "lot_sizes", "assets")(book)
    with pytest.raises(BookError, match="did you mean 'lot_size'"):
        read_book(book)


def test_further_text_columns_of_assets_are_groupings(book):
    assert {"sector", "role", "duration"} <= set(read_all(book).market(Policy(), ON).universe.groupings)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(book):
    plain = read_all(book).market(Policy(), ON)
    data = (book / "assets.csv").read_bytes().replace(b"\n", b"\r\n")
    (book / "assets.csv").write_bytes(b"\xef\xbb\xbf" + data)
    marked = read_all(book).market(Policy(), ON)
    assert (plain.prices == marked.prices).all()
    assert plain.universe == marked.universe


def test_ids_stay_text(book, append):
    append(
        book,
        "accounts",
        ["7", "balanced", "0", "active"],
        ["NA", "balanced", "0", "active"],
        ["12E3", "balanced", "", ""],
    )
    names = [
        getattr(a, "id", getattr(a, "account_id", ""))
        for a in read_book(book).accounts(read_book(book).policy(Policy()))
    ]
    assert names[:2] == ["001", "002"]
    assert names[-3:] == ["7", "NA", "12E3"]


def to_parquet(folder, table, **columns):
    frame = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
    for column, kind in columns.items():
        frame[column] = frame[column].astype(kind)
    (folder / f"{table}.csv").unlink()
    return frame


def test_parquet_and_parts_say_the_same_as_csv(book, policy):
    plain = list(read_book(book).accounts(policy))
    frame = to_parquet(book, "holdings", quantity=float)
    (book / "holdings").mkdir()
    frame[:50].to_parquet(book / "holdings" / "part-0.parquet", index=False)
    frame[50:].to_csv(book / "holdings" / "part-1.csv", index=False)
    (book / "holdings" / "_done").write_text("")
    assert list(read_book(book).accounts(policy)) == plain


def test_a_part_that_is_all_missing_takes_the_type_of_the_others(book, policy):
    frame = to_parquet(book, "accounts", cash_flow=float)
    (book / "accounts").mkdir()
    nothing = pa.table(
        {"account_id": ["x1"], "model_id": ["balanced"], "cash_flow": pa.nulls(1), "status": pa.nulls(1)}
    )
    pq.write_table(nothing, book / "accounts" / "a.parquet")
    frame.to_parquet(book / "accounts" / "b.parquet", index=False)
    first, *rest = read_book(book).accounts(policy)
    assert (first.id, first.cash_flow, first.status, len(rest)) == ("x1", 0.0, "active", 8)


def test_parts_without_a_value_leave_cells_empty(book, policy):
    frame = to_parquet(book, "accounts")
    (book / "accounts").mkdir()
    for k, kind in enumerate((pa.null(), pa.float64(), pa.string())):  # nothing known, numbers, text
        own = pa.Table.from_pandas(frame[k::3], preserve_index=False)
        cells = pa.nulls(len(own), kind) if k < 2 else pa.array([""] * len(own))
        pq.write_table(own.set_column(2, "cash_flow", cells), book / "accounts" / f"{k}.parquet")
        assert not read_book(book).roster(policy).faults.keys() & set(own["account_id"].to_pylist())


def test_text_of_every_make_is_text(book, policy):
    plain = list(read_book(book).accounts(policy))
    frame = to_parquet(book, "holdings", quantity=float)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
    (book / "holdings").mkdir()
    for k, kind in enumerate(kinds):
        own = table.slice(k * 40, 40 if k < 2 else None)
        own = own.set_column(0, "account_id", own["account_id"].cast(pa.string()).cast(kind))
        pq.write_table(own, book / "holdings" / f"{k}.parquet", row_group_size=7)
    assert list(read_book(book).accounts(policy)) == plain


def test_text_in_parquet_that_is_not_utf8_is_refused(book):
    frame = to_parquet(book, "holdings")
    ids = pa.array([b"\xff"] * len(frame), pa.binary())
    table = pa.Table.from_pandas(frame, preserve_index=False)
    bad = pa.Array.from_buffers(pa.string(), len(ids), ids.buffers())
    pq.write_table(table.set_column(0, "account_id", bad), book / "holdings.parquet")
    with pytest.raises(BookError) as caught:
        read_book(book)
    assert caught.value.code == "NOT_PARQUET"


def test_a_parquet_id_that_is_a_number_is_refused(book):
    frame = to_parquet(book, "accounts")
    frame["account_id"] = frame["account_id"].astype(int)
    frame.to_parquet(book / "accounts.parquet", index=False)
    with pytest.raises(BookError, match="int64, not text") as caught:
        read_book(book)
    assert (caught.value.code, caught.value.field) == ("NOT_TEXT", "account_id")


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-20], lambda d: b"PAR1" + b"\0" * 50, lambda d: d[:200] + b"\xff" + d[201:]]
)
def test_a_damaged_parquet_file_is_refused(book, damage):
    frame = to_parquet(book, "holdings")
    path = book / "holdings.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, write_page_checksum=True)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BookError) as caught:
        read_book(book)
    assert caught.value.code == "NOT_PARQUET"


def test_a_table_may_not_be_there_twice(book):
    (book / "views").mkdir()
    with pytest.raises(BookError) as caught:
        read_book(book)
    assert caught.value.code == "TABLE_TWICE"


def test_parts_must_agree(book):
    header, *lines = text(book, "holdings").splitlines()
    (book / "holdings.csv").unlink()
    (book / "holdings").mkdir()
    (book / "holdings" / "a.csv").write_text("\n".join([header, *lines]))
    (book / "holdings" / "done.json").write_text("{}")
    with pytest.raises(BookError, match=r"done\.json is no part"):
        read_book(book)


def test_what_later_features_read_is_accepted_and_checked_for_its_columns(book, append):
    (book / "signals.csv").write_text("date,available_at,momentum\n2017-01-31,2017-02-01T09:00:00Z,1\n")
    append(book, "history", ["account_id", "asset_id", "date", "weight"])
    append(book, "phases", ["account_id", "asset_id", "started", "gap"])
    append(book, "positions", ["account_id", "asset_id", "opened", "side"])
    assert {"signals", "history", "phases", "positions"} <= set(read_book(book).tables)
    (book / "positions.csv").write_text("account_id,asset_id\n")
    with pytest.raises(BookError, match="'opened' is missing"):
        read_book(book)


def test_no_return_dated_after_the_day_is_looked_at(book):
    before = read_book(book).market(Policy(), "2016-06-30").risk.covariance
    text_ = text(book, "returns").splitlines()
    text_[-1] = text_[-1].split(",")[0] + ",0.9" * 15
    (book / "returns.csv").write_text("\n".join([text_[0], text_[-1], *text_[1:-1]]))  # unsorted, too
    assert (read_book(book).market(Policy(), "2016-06-30").risk.covariance == before).all()


def test_a_covariance_and_a_factor_model_are_read(book):
    market = read_book(book).market(Policy(), ON)
    (book / "returns.csv").unlink()
    frame = market.risk.to_frame(market.universe).drop(index="CASH", columns="CASH")
    frame.to_csv(book / "covariance.csv", float_format="%.17g")
    got = read_book(book).market(Policy(), ON)
    assert abs(got.risk.covariance - market.risk.covariance).max() < 1e-15
    (book / "covariance.csv").unlink()
    assets = list(frame.index)
    pd.DataFrame({"asset_id": assets, "f": 0.1}).to_csv(book / "exposures.csv", index=False)
    with pytest.raises(BookError, match="missing beside exposures"):
        read_book(book)
    pd.DataFrame({"factor": ["f"], "f": [1.0]}).to_csv(book / "factor_covariance.csv", index=False)
    pd.DataFrame({"asset_id": assets, "volatility": 0.2}).to_csv(book / "specific.csv", index=False)
    risk = read_book(book).market(Policy(), ON).risk
    assert abs(risk.variances[:-1] - 0.05).max() < 1e-15
    assert risk.variances[-1] == 0


def test_digests_are_of_the_bytes(book):
    digest = hashlib.sha256((book / "views.csv").read_bytes()).hexdigest()
    assert read_book(book).digests["views"] == (digest,)


def test_reading_books_needs_no_solver(book):
    told = f"import sys, trimtab.batches as b; b.read_book({str(book)!r}); print('cvxpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(BookError, match="not a folder"):
        read_book(tmp_path / "nowhere")
