"""What prices prove about limits, written out a second time; proofs at a glance; who is broken, and by how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Deviation, Group, Leverage, Policy, Position, TrackingError, Turnover
from trimtab.models import NO_TILT, Account
from trimtab.optimizer.answers import Multipliers
from trimtab.optimizer.certificates import RESIDUAL
from trimtab.optimizer.elastics import Prices
from trimtab.optimizer.mandates import FAR, read_mandate
from trimtab.optimizer.problems import Problem, pose
from trimtab.optimizer.proofs import Shares, broken, examine, glance, is_shut, prove, stretch
from trimtab.optimizer.ways import find_way, round_out

GRID = 4001


def mandate_of(draws, seed):
    d = draws.draw(seed)
    problem = Problem(d.policy, d.market)
    return read_mandate(problem, pose(problem, d.account, d.belief))


def prices_of(rng, p):
    root = p.market_risk.root
    ways = rng.normal(size=(len(p.ball_on), len(root))) * (rng.random((len(p.ball_on), 1)) < 0.7)
    rows = np.where(np.isfinite(p.rows_hi), 1.0, -1.0) * np.abs(rng.normal(size=len(p.rows)))
    rows = rows * (rng.random(len(p.rows)) < 0.7)
    trades = np.abs(rng.normal(size=len(p.most))) * (rng.random(len(p.most)) < 0.7)
    y = Multipliers(float(rng.normal()), rows, trades, np.linalg.norm(ways, axis=1))
    return Prices(y, np.where(p.ball_on, ways @ root, 0.0))


def priced(mandate, said, names, w):
    """The priced sum of some limits at portfolios w (k, n), limit by limit, and the sum of their prices."""
    p, y = mandate.program, said.multipliers
    out, total = y.budget * (w.sum(-1) - 1.0), abs(y.budget)
    for part in (one for one in mandate.parts if one.name in names):
        for j in part.rows:
            price, end = y.rows[j], p.rows_hi[j] if y.rows[j] > 0 else p.rows_lo[j]
            out, total = out + (price * (w @ p.rows[j] - end) if price else 0.0), total + abs(price)
        for j in part.trades:
            z = w if p.from_zero[j] else w - p.current
            used = np.maximum(z, 0) @ p.buy[j] + np.maximum(-z, 0) @ p.sell[j] + np.abs(z) ** 1.5 @ p.power[j]
            out, total = out + y.trades[j] * (w @ p.row[j] + used - p.most[j]), total + y.trades[j]
        for j in part.balls:
            out = out + (w - p.anchor[j]) @ said.pulls[j] - y.balls[j] * p.ball_most[j]
            total = total + y.balls[j]
    return out, total


def least_by_looking(mandate, said, names):
    """Its least over the box of these limits: assets do not meet in it, so each is looked through by itself."""
    lo, hi = mandate.box(names)
    base = np.clip(mandate.program.current, lo, hi)
    start = found = priced(mandate, said, names, base[None])[0][0]
    for i in range(len(base)):
        points = np.unique(
            np.clip([*np.linspace(lo[i], hi[i], GRID), mandate.program.current[i], 0.0], lo[i], hi[i])
        )  # fmt: skip
        w = np.tile(base, (len(points), 1))
        w[:, i] = points
        found += priced(mandate, said, names, w)[0].min() - start
    return found


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_a_proof_is_worth_the_least_of_the_priced_sum(draws, seed):
    mandate, rng = mandate_of(draws, seed), np.random.default_rng(seed)
    for share in (1.0, 0.5):
        said = prices_of(rng, mandate.program)
        names = [name for name in mandate.names if rng.random() < share]
        if is_shut(*mandate.box(names)):
            continue
        worth = Shares.of(mandate, said).worth(names)
        assert worth == prove(mandate, names, said)
        looked, total = least_by_looking(mandate, said, names), priced(mandate, said, names, mandate.program.current)[1]
        assert worth <= looked / total - RESIDUAL + 1e-12
        assert worth >= looked / total - RESIDUAL - 1e-3 * FAR  # as fine as the grid is


def test_no_prices_prove_what_the_box_alone_rules_out(desk):
    problem = Problem(Policy((Deviation("5%"), Position("SPY", most=0.2)), desk.models), desk.market)
    mandate = read_mandate(problem, pose(problem, desk.account, NO_TILT))
    assert prove(mandate, mandate.names, None) == np.inf
    assert prove(mandate, ["deviation"], None) == -np.inf
    n, m = len(mandate.program.current), mandate.program
    nothing = Multipliers(0.0, np.zeros(len(m.rows)), np.zeros(len(m.most)), np.zeros(len(m.ball_most)))
    assert prove(mandate, ["deviation"], Prices(nothing, np.zeros((len(m.ball_most), n)))) == -np.inf
    with np.errstate(invalid="ignore"):
        endless = Prices(replace(nothing, budget=np.inf), np.zeros((len(m.ball_most), n)))
        assert prove(mandate, ["deviation"], endless) == -np.inf


@pytest.mark.parametrize(
    ("lo", "hi", "shut"),
    [
        ([0.0, 0.0], [1.0, 1.0], False),
        ([0.5, 0.5], [0.5, 0.5], False),
        ([0.5, 0.5 + 5e-10], [1.0, 1.0], False),  # within the gate's tolerance
        ([0.5, 0.5 + 5e-9], [1.0, 1.0], True),
        ([0.0, 0.0], [0.5, 0.5 - 5e-10], False),
        ([0.0, 0.0], [0.5, 0.5 - 5e-9], True),
        ([0.2 + 5e-13, 0.0], [0.2, 1.0], False),
        ([0.2 + 5e-12, 0.0], [0.2, 1.0], True),
    ],
)
def test_a_box_is_shut_where_no_portfolio_is_in_it(lo, hi, shut):
    assert is_shut(np.array(lo), np.array(hi)) is shut


# ------------------------------------------------------------------------------------------------ at a glance


def glanced(desk, *limits, account=None, long_only=True):
    problem = Problem(Policy(limits, desk.models, long_only=long_only), desk.market)
    mandate = read_mandate(problem, pose(problem, account or desk.account, NO_TILT))
    return mandate, glance(mandate)


FAR_AWAY = {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}
GLANCES = [
    ((Group("equity", most="45%"), Deviation("5%")), True),  # SPY and EFA are 35 % and 15 % at the least
    ((Group("equity", most="50.1%"), Deviation("5%")), False),
    ((Group("equity", most="50%"), Deviation("5%")), False),
    ((Group("equity", most="49.9%"), Deviation("5%")), True),
    ((Group("equity", least="65.1%"), Deviation("5%")), True),  # IEF may not fall below 35 %
    ((Group("equity", least="64.9%"), Deviation("5%")), False),
    ((Turnover("24%"), Deviation("5%")), True),  # SPY stands 30 % away and may 5 %
    ((Turnover("25.1%"), Deviation("5%")), False),
    ((Deviation("5%"), Position("SPY", most=0.2)), True),  # a shut box
    ((TrackingError("0.1%"), Turnover("1%")), False),  # a ball is no matter for a glance
]


@pytest.mark.parametrize(("limits", "found"), GLANCES)
def test_one_row_or_cap_against_the_box_is_seen_at_a_glance(desk, limits, found):
    account = Account.from_weights("1", "balanced", FAR_AWAY, 1e6, desk.market)
    mandate, verdict = glanced(desk, *limits, account=account)
    if not found:
        assert verdict is None
        return
    assert verdict is not None
    assert verdict.infeasible
    assert verdict.weights.shape == mandate.program.current.shape
    assert np.isfinite(verdict.weights).all()
    assert prove(mandate, mandate.names, verdict.prices) > 0
    assert (verdict.prices is None) == is_shut(*mandate.box(mandate.names))


@pytest.mark.parametrize("seed", range(30))
def test_a_glance_never_errs_and_what_it_sees_engines_see_too(draws, seed):
    mandate = mandate_of(draws, seed)
    verdict = glance(mandate)
    if verdict is not None:
        assert prove(mandate, mandate.names, verdict.prices) > 0
        assert examine(mandate, mandate.names).infeasible


def test_gross_weight_is_seen_at_a_glance(desk):
    mandate, verdict = glanced(desk, Leverage(1.5), Position("IEF", least="180%"), long_only=False)
    assert verdict is not None
    assert prove(mandate, mandate.names, verdict.prices) > 0
    assert glanced(desk, Leverage(3.0), Position("IEF", least="180%"), long_only=False)[1] is None


# ------------------------------------------------------------------------------------------------ looking for one


def examined(desk, *limits, account=None, market=None):
    account = account or Account.from_weights("1", "balanced", FAR_AWAY, 1e6, desk.market)
    problem = Problem(Policy(limits, desk.models), market or desk.market)
    mandate = read_mandate(problem, pose(problem, account, NO_TILT))
    return mandate, examine(mandate, mandate.names)


@pytest.mark.parametrize(("te", "turnover"), [("2%", "5%"), ("0.1%", "20%"), ("1%", "1%")])
def test_a_verdict_of_infeasible_carries_its_proof(desk, te, turnover):
    mandate, verdict = examined(desk, TrackingError(te), Turnover(turnover))
    assert verdict.infeasible
    assert prove(mandate, mandate.names, verdict.prices) > 0


@pytest.mark.parametrize(("te", "turnover"), [("4%", "20%"), ("2%", "60%"), ("10%", "1%")])
def test_a_verdict_of_room_carries_a_point_that_meets_everything(desk, te, turnover):
    mandate, verdict = examined(desk, TrackingError(te), Turnover(turnover), Deviation("40%"))
    assert not verdict.infeasible
    assert verdict.prices is None
    assert broken(mandate, verdict.weights) == []
    assert verdict.weights.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("hair", [1e-4, 1e-6])
def test_a_conflict_by_a_hair_is_proved_and_room_by_a_hair_is_found(desk, hair):
    """What a rough answer leaves open a fine one settles: turnover that is just too little, or just enough."""
    mandate, _ = examined(desk, TrackingError("2%"), Turnover("5%"), market=desk.free)
    way, _ = find_way(mandate, "turnover", mandate.names, {"tracking_error"})
    assert way is not None
    short, verdict = examined(desk, TrackingError("2%"), Turnover(way.exact * (1 - hair)), market=desk.free)
    assert verdict.infeasible
    assert prove(short, short.names, verdict.prices) > 0
    enough, verdict = examined(desk, TrackingError("2%"), Turnover(way.exact * (1 + hair)), market=desk.free)
    assert not verdict.infeasible
    assert broken(enough, verdict.weights, within=1e-8) == []


def test_without_limits_there_is_room(desk):
    mandate, _ = examined(desk, TrackingError("2%"), Turnover("5%"))
    for names in ([], ["turnover"], ["tracking_error"], ["long_only"]):
        verdict = examine(mandate, names)
        assert not verdict.infeasible
        assert not set(names) & set(broken(mandate, verdict.weights))


def test_a_shut_box_is_a_verdict_without_an_engine(desk):
    mandate, verdict = examined(desk, Deviation("5%"), Position("SPY", most=0.2))
    assert verdict.infeasible
    assert verdict.prices is None
    lo, hi = mandate.box(mandate.names)
    assert ((verdict.weights >= np.minimum(lo, hi)) & (verdict.weights <= np.maximum(lo, hi))).all()


# ------------------------------------------------------------------------------------------------ ways out


@pytest.mark.parametrize("name", ["deviation", "turnover", "tracking_error"])
def test_a_limit_that_stands_in_nobodys_way_offers_none(desk, name):
    mandate, verdict = examined(desk, TrackingError("9%"), Turnover("60%"), Deviation("40%"))
    assert not verdict.infeasible
    assert find_way(mandate, name, mandate.names, set())[0] is None


@pytest.mark.parametrize(
    ("limits", "name", "upper", "bound", "exact"),
    [
        ((Deviation("5%"), Group("equity", most="45%")), "group", True, 0.45, 0.5),
        ((Deviation("5%"), Group("equity", least="70%")), "group", False, 0.7, 0.65),
        ((Group("equity", most="45%"), Deviation("5%")), "deviation", True, 0.05, 0.075),
        ((Group("equity", least="70%"), Deviation("5%")), "deviation", False, -0.05, -0.1),  # of IEF
        ((Position("SPY", least="60%"), Deviation("5%")), "position", False, 0.6, 0.45),
        ((Position("SPY", most="20%"), Deviation("5%")), "position", True, 0.2, 0.35),
        ((Turnover("10%"), Deviation("5%")), "turnover", True, 0.1, 0.25),
    ],
)
def test_a_way_out_is_the_number_that_is_just_enough(desk, limits, name, upper, bound, exact):
    """From 70, 10, 20 % with 40, 20, 40 % strategic, worked out by hand: what is free to trade costs nothing here."""
    mandate, verdict = examined(desk, *limits, market=desk.free)
    assert verdict.infeasible
    way, _ = find_way(mandate, name, mandate.names, set())
    assert way is not None
    assert (way.limit, way.upper, way.bound) == (name, upper, bound)
    assert way.exact == pytest.approx(exact, abs=1e-6)
    assert way.amount == pytest.approx(exact, rel=0.0051)
    assert way.amount >= way.exact - 1e-8 if upper else way.amount <= way.exact + 1e-8


def test_what_has_no_number_offers_no_way(desk):
    frozen = replace(desk.account, restrictions=(("SPY", "frozen"),))
    mandate, verdict = examined(desk, Group("equity", most=0.3), account=frozen)
    assert verdict.infeasible
    for name in ("frozen", "long_only", "cash_floor"):
        assert find_way(mandate, name, mandate.names, set()) == (None, None)


@pytest.mark.parametrize("upper", [True, False])
def test_nothing_is_rounded_to_nothing(upper):
    assert round_out(0.0, upper=upper) == round_out(9e-13, upper=upper) == round_out(-9e-13, upper=upper) == 0.0
    assert round_out(2e-12, upper=upper) == pytest.approx(2e-12)


@pytest.mark.parametrize(
    ("amount", "up", "down"),
    [
        (0.07268, 0.073, 0.0725), (0.0123456, 0.0124, 0.0123), (-0.0123456, -0.0123, -0.0124), (0.05, 0.05, 0.05),
        (1.001, 1.002, 1.0), (9.99, 10.0, 9.95), (123456.0, 124000.0, 123000.0), (0.0500000001, 0.05, 0.05),
        (0.1001, 0.1005, 0.1),
    ],
)  # fmt: skip
def test_rounding_takes_the_fewest_digits_that_are_near_enough(amount, up, down):
    for wanted, upper in ((up, True), (down, False)):
        said = round_out(amount, upper=upper)
        digits = len(repr(abs(said)).replace(".", "").strip("0"))
        assert (said - amount) * (1 if upper else -1) >= -2e-8 * abs(amount)
        assert abs(said - amount) <= 0.005 * abs(amount) + 1e-15
        assert digits <= max(len(repr(abs(wanted)).replace(".", "").strip("0")), 2)


# ------------------------------------------------------------------------------------------------ springs and breaks


def test_who_is_broken_is_named_and_nobody_else(desk):
    limits = (Deviation("5%"), TrackingError("2%"), Turnover("10%"), Group("equity", most="70%"))
    mandate, _ = examined(desk, *limits, account=desk.account, market=desk.free)  # or what trading costs is missed
    strategic, now = np.array([0.4, 0.2, 0.4, 0.0]), mandate.program.current
    assert broken(mandate, now) == []
    assert set(broken(mandate, strategic + np.array([0.0505, 0, -0.0505, 0]))) == {"deviation"}
    assert set(broken(mandate, now + np.array([-0.11, 0.0, 0.0, 0.11]))) == {"deviation", "turnover"}
    assert "group" in broken(mandate, np.array([0.5, 0.21, 0.29, 0.0]))
    assert "long_only" in broken(mandate, np.array([0.4, 0.2, 0.5, -0.1]))
    tracking = np.array([0.8, 0.2, 0.0, 0.0])
    assert "tracking_error" in broken(mandate, tracking)
    assert "tracking_error" not in broken(mandate, tracking, within=1.0)
    told = [p.name for p in mandate.parts if p.boxed or len(p.rows) + len(p.trades) + len(p.balls)]
    assert broken(mandate, np.full(4, np.nan)) == told  # nothing is met by what is no number
    edge = strategic + np.array([0.05, 0, -0.05, 0])
    assert broken(mandate, edge + np.array([9e-10, 0, -9e-10, 0])) == []
    assert broken(mandate, edge + np.array([2e-9, 0, -2e-9, 0])) == ["deviation"]
    assert broken(mandate, edge + np.array([2e-9, 0, -2e-9, 0]), within=3e-9) == []


def test_springs_are_where_limits_give_way_and_nowhere_else(desk):
    limits = (Deviation("5%", tier=1), TrackingError("2%", tier=1), Turnover("10%", tier=1), Group("equity", most=0.7))
    mandate, _ = examined(desk, *limits)
    columns = {"deviation": 0, "tracking_error": 1, "turnover": 2}
    for boxes in (True, False):
        springs = stretch(mandate, mandate.names, columns, 3, boxes=boxes)
        assert springs.rows.all()
        assert springs.trades.all()
        assert springs.balls.all()
        np.testing.assert_array_equal(springs.balls_give, _only(mandate, "balls", "tracking_error", 1, 0.02))
        np.testing.assert_array_equal(springs.trades_give, _only(mandate, "trades", "turnover", 2, 0.1))
        assert not springs.rows_lo.any()
        assert len(springs.boxes) == boxes
        lo, hi = mandate.box([name for name in mandate.names if not (boxes and name == "deviation")])
        np.testing.assert_array_equal(springs.lo, lo)
        np.testing.assert_array_equal(springs.hi, hi)
    some = stretch(mandate, ["group", "turnover"], {"group": 0, "tracking_error": 1}, 2, boxes=True)
    group = mandate.part("group")
    assert not some.balls.any()  # not among the names
    assert not some.balls_give.any()
    np.testing.assert_array_equal(np.flatnonzero(some.rows), group.rows)
    np.testing.assert_array_equal(np.flatnonzero(some.trades), mandate.part("turnover").trades)
    np.testing.assert_allclose(some.rows_hi[group.rows], [[0.7, 0.0]])


def _only(mandate, kind, name, column, unit):
    heights = {"balls": len(mandate.program.ball_most), "trades": len(mandate.program.most)}
    wanted = np.zeros((heights[kind], 3))
    wanted[getattr(mandate.part(name), kind), column] = unit
    return wanted
