"""What trimtab can state, each with a use of it that is run."""

import dataclasses
import datetime as dt
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sheets import check, no, yes
from with_trimtab import TODAY, desk

from trimtab.attribution import attribute, trace
from trimtab.batches.runs import run
from trimtab.constraints import (
    Band,
    Deviation,
    Group,
    Lots,
    Phases,
    Rebalance,
    TimeLimit,
    TrackingError,
    TradeSize,
    Turnover,
)
from trimtab.demo import ON
from trimtab.governance import Draft, append, create_ledger, open_ledger, verify
from trimtab.models.positions import TacticalPosition
from trimtab.models.tilts import tilt
from trimtab.models.views import View
from trimtab.optimizer.rebalancing import rebalance
from trimtab.scenarios.backtests import backtest
from trimtab.scenarios.chronicles import Chronicle
from trimtab.signals.beliefs import Belief, pool_beliefs

LIMITS = (Deviation(0.05), TrackingError(0.01), Turnover(0.08))


def ask(sheet, *limits, account=None, views=None, **settings):
    """Rebalance the first account under some limits."""
    accounts, policy, market, live = desk(sheet, "costs")
    policy = dataclasses.replace(policy, limits=limits or LIMITS, **settings)
    account = dataclasses.replace(accounts[0], **(account or {}))
    return rebalance(account, policy, market, live if views is None else views, ON)


def alpha(sheet, *views):
    """Return what views do to the expected returns of the first account's model."""
    accounts, policy, market, _ = desk(sheet, "costs")
    return tilt(views, market, policy.model(accounts[0]), TODAY).alpha(sheet.aversion)


def weights(proposal):
    """Return target, strategic and current weights."""
    return (proposal.weights[name].to_numpy() for name in ("target", "strategic", "current"))


def prove_views(sheet):
    """Compare with the formula by hand."""
    accounts, policy, market, views = desk(sheet, "costs")
    found = tilt(views, market, policy.model(accounts[0]), TODAY).alpha(sheet.aversion)
    check(np.allclose(found, sheet.lean(sheet.model[0]), atol=1e-12))


def prove_confidence(sheet):
    """Believe a view more, and it moves more."""
    timid, bold = (alpha(sheet, View("A000 - A001", 0.03, c)) for c in (0.2, 0.9))
    check(bold[0] > timid[0] > 0)


def prove_expiry(sheet):
    """Look at a view on the day it ends."""
    check(not alpha(sheet, View("A000 - A001", 0.03, 0.5, until=TODAY)).any())


def prove_entropy(sheet):
    """Believe in another volatility: the pooled scenarios have it."""
    _, _, market, _ = desk(sheet, "costs")
    moves = pd.DataFrame(np.random.default_rng(0).normal(0, 0.04, (400, sheet.n - 1)), columns=sheet.ids[:-1])
    belief = Belief("A000", 1.2, times=True)
    pooled = pool_beliefs([belief], moves, market, sheet.strategic[sheet.model[0]])
    check(np.isclose(pooled.volatilities[0], 1.2 * moves["A000"].std(ddof=0), rtol=1e-6))


def prove_limits(sheet):
    """Look at the limits of the answer."""
    proposal = ask(sheet)
    target, strategic, current = weights(proposal)
    active = target - strategic
    check(np.abs(active).max() <= 0.05 + 1e-9)
    check(np.sqrt(active @ sheet.sigma @ active) <= 0.01 + 1e-9)
    check(np.abs(target - current)[:-1].sum() / 2 <= 0.08 + 1e-4)


def prove_group(sheet):
    """Keep a class within 1 % of its strategic weight."""
    target, strategic, _ = weights(ask(sheet, Group(on="equity", around="strategic", least=-0.01, most=0.01)))
    check(abs((target - strategic)[sheet.equity].sum()) <= 0.01 + 1e-9)


def prove_costs(sheet):
    """Trade less where trading costs."""
    dear = ask(sheet, Deviation(0.05)).turnover
    accounts, policy, market, views = desk(sheet, "views")
    check(dear < rebalance(accounts[0], policy, market, views, ON).turnover)


def prove_lots(sheet):
    """Trade whole lots of 5,000 units."""
    proposal = ask(sheet, *LIMITS, Lots(size=5000))
    check(proposal.trades and all(abs(t.quantity) % 5000 == 0 for t in proposal.trades))
    check(all(room.room > -1e-9 for room in proposal.room))


def prove_trade_size(sheet):
    """Trade nothing below 1 %."""
    proposal = ask(sheet, *LIMITS, TradeSize(least=0.01))
    check(proposal.trades and all(abs(t.weight) >= 0.01 - 1e-9 for t in proposal.trades))


def prove_bands(sheet):
    """Stay inside a wide band."""
    held = ask(sheet, Band(absolute=0.5, use="trigger"), rebalance=Rebalance("band"))
    check(held.outcome.name == "HELD" and not held.trades)


def prove_phases(sheet):
    """Go half of the way today."""
    half = ask(sheet, Deviation(0.05), phases=Phases(((0, "50%"), (30, "25%"), (60, "25%"))))
    whole = ask(sheet, Deviation(0.05))
    check(0 < half.turnover < 0.8 * whole.turnover and half.phases)


def prove_time_limit(sheet):
    """Lean on an asset for longer than a position lives."""
    old = TacticalPosition("A000", "over", TODAY - dt.timedelta(days=11))
    limit = TimeLimit(life_days=10, reversion_days=5, rest_days=10)
    target, strategic, _ = weights(ask(sheet, Deviation(0.05), limit, account={"positions": (old,)}))
    check(target[0] <= strategic[0] + 0.001 + 1e-9)


def prove_conflict(sheet):
    """Ask for what cannot be, and be told which two limits fight."""
    proposal = ask(sheet, Deviation(0.0001), Turnover(0.001))
    check(proposal.outcome.name == "UNSOLVED" and "deviation" in proposal.reason and "turnover" in proposal.reason)


def prove_priorities(sheet):
    """Let the turnover give way."""
    proposal = ask(sheet, Deviation(0.0001), Turnover(0.001, tier=1))
    check(proposal.outcome.name == "RELAXED" and {each.limit for each in proposal.relaxed} == {"turnover"})


def prove_proof(sheet):
    """Look at the certificate."""
    certificate = ask(sheet).certificate
    check(certificate.released and certificate.certified_te <= 1e-5)


def prove_prices(sheet):
    """Ask what the tracking-error limit costs."""
    check(any(price.price > 0 for price in ask(sheet, TrackingError(0.004)).prices))


def prove_reasons(sheet):
    """Read the reason of each trade."""
    proposal = ask(sheet)
    check(proposal.trades and all(trade.reason for trade in proposal.trades))


def prove_crowd(sheet):
    """Spoil one account of a book and run it."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book"
        shutil.copytree(Path(sheet.folder) / "views", book)
        table = pq.read_table(book / "accounts.parquet").to_pandas()
        table.loc[0, "model_id"] = "no such model"
        table.to_parquet(book / "accounts.parquet")
        policy = book / "policy.toml"
        lax = policy.read_text() + "\n[run]\nmax_quarantined = 0.5\n"
        policy.write_text(lax)
        counts = {str(k): v for k, v in run(book, policy, ON, Path(folder) / "run", workers=1).counts.items()}
        check(counts["QUARANTINED"] == 1 and counts["OPTIMAL"] == len(table) - 1, str(counts))


def prove_ledger(_):
    """Record two approvals, then change a word in the file: the first bad record is named."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "ledger.db"
        with create_ledger(where) as ledger:
            append(ledger, [Draft(who, "note", "run/1", {"words": "go ahead"}) for who in ("ann", "ben")])
            check(verify(ledger).bad is None and verify(ledger).records == 2)
        spoilt = Path(folder) / "spoilt.db"
        spoilt.touch(0o600)
        spoilt.write_bytes(where.read_bytes().replace(b"go ahead", b"hold off"))
        with open_ledger(spoilt) as ledger:
            check(verify(ledger).bad == 1)


def walk(sheet):
    """Walk a hundred days of a made-up market."""
    _, policy, market, _ = desk(sheet, "costs")
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2020-01-02", periods=400)
    moves = pd.DataFrame(rng.normal(0, 0.01, (400, sheet.n - 1)), index=days, columns=sheet.ids[:-1])
    chronicle = Chronicle.from_returns(moves, market.universe, costs=market.costs, cash=0.02)
    policy = dataclasses.replace(policy, limits=LIMITS, models={"careful": policy.models["careful"]})
    return backtest(policy, chronicle, days[300].date(), days[399].date(), remember=True), chronicle


def prove_backtest(sheet):
    """Walk, and end with money."""
    found, _ = walk(sheet)
    check(len(found.days) > 50 and found.days["nav"].iloc[-1] > 0)


def prove_attribution(sheet):
    """Split what a walk earned beyond its benchmark; nothing is left over."""
    check(attribute(trace(*walk(sheet))).residual < 1e-9)


CELLS = {
    "relative_view": yes(prove_views, "`View`, `tilt`"),
    "confidence": yes(prove_confidence, "`View.confidence`"),
    "view_expiry": yes(prove_expiry, "`View.since`, `until`"),
    "entropy_pooling": yes(prove_entropy, "`Belief`, `pool_beliefs`"),
    "deviation": yes(prove_limits, "`Deviation`"),
    "group": yes(prove_group, "`Group`"),
    "tracking_error": yes(prove_limits, "`TrackingError`"),
    "turnover": yes(prove_limits, "`Turnover`"),
    "costs": yes(prove_costs, "`Costs`"),
    "lots": yes(prove_lots, "`Lots`"),
    "trade_size": yes(prove_trade_size, "`TradeSize`"),
    "bands": yes(prove_bands, "`Band`"),
    "phases": yes(prove_phases, "`Phases`"),
    "time_limit": yes(prove_time_limit, "`TimeLimit`"),
    "conflict": yes(prove_conflict, "`Proposal.reason`"),
    "priorities": yes(prove_priorities, "`Limit.tier`"),
    "proof": yes(prove_proof, "`Certificate`"),
    "shadow_price": yes(prove_prices, "`Proposal.prices`"),
    "reasons": yes(prove_reasons, "`Trade.reason`"),
    "crowd": yes(prove_crowd, "`run`"),
    "ledger": yes(prove_ledger, "`Ledger`"),
    "attribution": yes(prove_attribution, "`attribute`"),
    "backtest": yes(prove_backtest, "`backtest`"),
    "multi_period": no("`rebalance` looks at one trade; `Phases` are steps towards its target"),
    "max_sharpe": no("`Policy` has a risk aversion; no objective of ratios"),
    "cvar": no("`Stress` limits the loss of a named shock; nothing on tails of a distribution"),
    "risk_parity": no("no limit or objective of risk contributions"),
    "hierarchical": no("strategic weights are given, not made"),
    "cardinality": no("`TradeCount` counts trades; nothing counts what is held"),
}
