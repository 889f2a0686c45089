"""What the demo book's data say on its day: one live signal of each family, and the tables that the others need.

    python examples/signals.py [DATE]

The first part scores each family of signals for which packages ship real data (`demo/book/signals.csv`, `returns.csv`).
The second names the families that need a feed of your own, with the header of the table to supply: save it as
`signals.csv` in the book's folder, or add its columns to the one there.
"""

import datetime as dt
import sys
from dataclasses import dataclass

from trimtab.batches import read_book
from trimtab.demo import ON, book_path
from trimtab.signals import Signal, score

SECTORS = ("TECH", "FIN", "ENERGY", "HEALTH", "STAPLES", "UTILS")
EQUITIES = ("USMKT", "MIDCAP", *SECTORS)
OWN_PAST = (("zscore", {}),)  # against all of its own past so far
YEARS_OF_DAYS = (("zscore", {"window": 756, "least": 252}),)
YEARS_OF_MONTHS = (("zscore", {"window": 120, "least": 60}),)

LIVE = {
    "moving averages": [
        Signal("market above its 200 days", "moving_average_gap", "sp500", "equity", transforms=YEARS_OF_DAYS),
        Signal("50 days over 200", "crossover", "sp500", "equity", transforms=YEARS_OF_DAYS),
    ],
    "price momentum": [
        Signal("market 12-1", "momentum", "USMKT", "equity", {"lookback": 12, "skip": 1}, YEARS_OF_MONTHS),
        Signal("gold 12-1", "momentum", "GOLD", "GOLD", {"lookback": 12, "skip": 1}, YEARS_OF_MONTHS),
    ],
    "relative strength": [
        Signal("market in its own volatility", "time_series_momentum", "sp500", "equity"),
        Signal("technology among sectors", "cross_sectional_momentum", SECTORS, "TECH", {"lookback": 12, "skip": 1}),
        Signal("gold against shares", "relative_strength", ("GOLD", "USMKT"), "GOLD - equity", {"lookback": 12}),
    ],
    "realised volatility": [
        Signal("one month", "realised_volatility", "sp500", transforms=YEARS_OF_DAYS, sign=-1),
        Signal("exponentially weighted", "exponential_volatility", "sp500", transforms=YEARS_OF_DAYS, sign=-1),
    ],
    "implied volatility": [
        Signal("implied", "implied_volatility", "vix", transforms=OWN_PAST, sign=-1),
        Signal("implied over realised", "volatility_premium", ("vix", "sp500"), "equity", transforms=OWN_PAST),
    ],
    "volatility regime": [Signal("calm 0, normal 1, stressed 2", "volatility_regime", "sp500", sign=-1)],
    "breadth": [
        Signal("share above ten months", "share_above_average", EQUITIES, "equity", {"window": 10}, YEARS_OF_MONTHS),
        Signal("advances less declines", "advance_decline", EQUITIES, "equity", {"window": 3}, YEARS_OF_MONTHS),
        Signal("highs less lows of a year", "new_highs_lows", EQUITIES, "equity", {"window": 12}),
    ],
    "sentiment": [
        Signal("fear, against the crowd", "survey", "vix", "equity", transforms=(("percentile", {"centred": True}),)),
    ],
    "valuation": [
        Signal("dividend yield", "published", "dividend_yield", "equity", transforms=OWN_PAST),
        Signal("dividends over bonds", "yield_spread", ("dividend_yield", "ust10y"), "equity - bonds", {}, OWN_PAST),
        Signal("equity risk premium", "gordon_premium", ("dividend_yield", "ust10y"), "equity", transforms=OWN_PAST),
    ],
    "growth": [
        Signal("gross domestic product", "growth_rate", "real_gdp", "equity", {"lookback": 4, "periods_per_year": 4},
               OWN_PAST, stale_days=200),
    ],
    "employment": [
        Signal("unemployment over a year", "rate_change", "unemployment", "equity", transforms=OWN_PAST, sign=-1),
    ],
    "yield curve": [
        Signal("ten years less three months", "yield_spread", ("ust10y", "ust3m"), "equity", {}, YEARS_OF_DAYS),
        Signal("odds of a recession", "recession_probability", ("ust10y", "ust3m"), "equity", {"smooth": 63}, sign=-1),
    ],
    "inflation": [
        Signal("core inflation gathering pace", "acceleration", "core_cpi", "bonds", transforms=OWN_PAST, sign=-1),
        Signal("oil over a year", "growth_rate", "wti", "bonds", transforms=YEARS_OF_MONTHS, sign=-1),
    ],
    "credit spreads": [
        Signal("Baa less Treasury", "yield_spread", ("baa", "ust20y_mean"), "credit - bonds", {}, OWN_PAST),
        Signal("widening over six months", "widening", ("baa", "ust20y_mean"), "equity", {}, OWN_PAST, sign=-1),
    ],
    "liquidity": [
        Signal("price of liquidity", "yield_spread", ("aaa", "ust20y_mean"), "equity", {}, OWN_PAST, sign=-1),
        Signal("volume moves prices", "illiquidity", ("sp500", "sp500_volume"), "equity", {}, YEARS_OF_DAYS, sign=-1),
    ],
}  # fmt: skip
"""Families that the demo book's data allow, and signals of each."""


@dataclass(frozen=True)
class Feed:
    """A family that needs data of your own: the signals it would make, and the columns that they read."""

    signals: tuple[Signal, ...]
    columns: dict[str, str]
    known: str

    @property
    def header(self) -> str:
        """The first line of the table to supply."""
        return ",".join(("date", "available_at", *self.columns))


OWN = {
    "price over earnings": Feed(
        (
            Signal("P/E", "price_earnings", ("index", "earnings"), "equity", transforms=OWN_PAST, sign=-1),
            Signal("CAPE", "cape", ("index", "earnings", "cpi"), "equity", transforms=OWN_PAST, sign=-1),
            Signal("excess CAPE yield", "excess_cape_yield", ("index", "earnings", "cpi", "yield10"), "equity - bonds"),
        ),
        {
            "index": "price index at the end of the month",
            "earnings": "of the last twelve months, in the money of the index",
            "cpi": "consumer price index",
            "yield10": "ten-year yield, decimal",
        },
        "earnings about 90 days after their month",
    ),
    "earnings": Feed(
        (
            Signal("growth", "earnings_growth", "earnings", "equity", transforms=OWN_PAST),
            Signal("revisions", "estimate_revision", ("forward", "index"), "equity", {"lookback": 3}, OWN_PAST),
            Signal("breadth of revisions", "revision_breadth", ("raised", "cut"), "equity", transforms=OWN_PAST),
            Signal("margin", "profit_margin", ("earnings", "sales"), "equity", transforms=OWN_PAST),
        ),
        {
            "index": "price index at the end of the month",
            "earnings": "of the last twelve months",
            "sales": "of the last twelve months",
            "forward": "consensus of the next twelve months",
            "raised": "number of estimates raised in the month",
            "cut": "number of estimates cut",
        },
        "estimates the same evening, reports about 90 days after their month",
    ),
    "manufacturing": Feed(
        (
            Signal("purchasing managers", "index_gap", "pmi", "equity", transforms=OWN_PAST),
            Signal("sectors that hire", "diffusion", "jobs_*", "equity", {"lookback": 3}, OWN_PAST),
        ),
        {
            "pmi": "purchasing managers' index, 50 is no change",
            "jobs_durables": "payrolls of a sector, thousands",
            "jobs_nondurables": "the same, and one column for each further sector",
        },
        "the first business day of the next month; payrolls 12 days after the month",
    ),
    "defaults": Feed(
        (
            Signal("default rate", "default_rate", ("defaults", "issuers"), "credit", transforms=OWN_PAST, sign=-1),
            Signal("spread after losses", "loss_adjusted_spread", ("baa", "yield20", "loss_rate"), "credit - bonds"),
        ),
        {
            "defaults": "issuers that defaulted in the month",
            "issuers": "issuers rated at its start",
            "baa": "corporate yield, decimal",
            "yield20": "Treasury yield of the same length, decimal",
            "loss_rate": "expected default rate a year, decimal",
        },
        "about 15 days after the month",
    ),
    "lending standards": Feed(
        (Signal("banks that tighten", "net_tightening", ("tightened", "eased", "asked"), "credit", sign=-1),),
        {"tightened": "banks that tightened", "eased": "banks that eased", "asked": "banks that answered"},
        "quarterly, about 35 days after the survey",
    ),
    "funding": Feed(
        (Signal("TED spread", "yield_spread", ("interbank3m", "bill3m"), "equity", {}, OWN_PAST, sign=-1),),
        {"interbank3m": "three-month interbank rate, decimal", "bill3m": "three-month bill, decimal"},
        "the same evening",
    ),
    "surveys": Feed(
        (Signal("bulls less bears", "bull_bear", ("bulls", "bears"), "equity", {"smooth": 4}, OWN_PAST, sign=-1),),
        {"bulls": "percent who expect rising prices", "bears": "percent who expect falling ones"},
        "weekly, the day after the survey closes",
    ),
    "positioning": Feed(
        (
            Signal("speculators", "net_positioning", ("spec_long", "spec_short", "open_interest"), "equity",
                   transforms=(("zscore", {"window": 156, "least": 52}),), sign=-1),
            Signal("flows", "fund_flow", ("flows", "assets"), "equity", transforms=OWN_PAST, sign=-1),
        ),
        {
            "spec_long": "contracts that non-commercial traders hold long",
            "spec_short": "contracts that they hold short",
            "open_interest": "contracts open",
            "flows": "net money into funds",
            "assets": "money in them",
        },
        "positions of Tuesday on Friday: 3 days; flows a month later",
    ),
    "puts and calls": Feed(
        (Signal("puts over calls", "put_call", ("puts", "calls"), "equity", {"window": 10}, OWN_PAST),),
        {"puts": "volume of puts", "calls": "volume of calls"},
        "the same evening",
    ),
    "volatility term structure": Feed(
        (Signal("one month over three", "term_structure", ("vix", "vix3m"), "equity", transforms=OWN_PAST, sign=-1),),
        {"vix": "one-month implied volatility, points", "vix3m": "three-month implied volatility, points"},
        "the same evening",
    ),
}  # fmt: skip
"""Families that need a feed of your own."""


def main(on: dt.date) -> None:
    """Print what each family says, and what the others need."""
    panel = read_book(book_path()).panel()  # the table of signals, and returns as levels
    print(f"What was known on {on}, by families that the demo book's data allow\n")
    print(f"{'family':20}{'signal':31}{'score':>7}{'raw':>10}  of          known")
    for family, signals in LIVE.items():
        for signal in signals:
            said = score(signal, panel, on)
            figures = said.why_not or f"{said.value:+7.2f}{said.raw:10.4g}  {said.date}  {said.known}"
            print(f"{family:20}{signal.name:31}{figures}")
    print("\nFamilies that need a feed of your own: a table `signals` with these columns")
    for family, feed in OWN.items():
        print(f"\n{family}: {', '.join(signal.name for signal in feed.signals)}")
        print(f"  {feed.header}")
        print(f"  known {feed.known}")
        for name, meaning in feed.columns.items():
            print(f"  {name:18}{meaning}")


if __name__ == "__main__":
    main(dt.date.fromisoformat(sys.argv[1] if len(sys.argv) > 1 else ON))
