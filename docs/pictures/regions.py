"""Pictures of limits on several weights together, in the plane of two assets; the others are held still."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from trimtab.constraints import Custom, Group, Leverage, Position, Restriction, TrackingError, Volatility
from trimtab.constraints.limits import Limit
from trimtab.constraints.terms import RiskBall

from .desks import ASSETS, FREE, STRATEGIC, Desk, account, context, ideal, market, spread
from .plots import Chart, in_numbers, in_percent

_STILL = Restriction(("EFA", "GLD"), rule="frozen")
_SPY_OVER_IEF = Desk(about="SPY - IEF")
_X, _Y = ASSETS.index("SPY"), ASSETS.index("IEF")


def group() -> Chart:
    """Draw the stripe that a range of a sum leaves, and the path of the ideal along its edge."""
    limit = Group("equity", least="50%", most="60%")
    (rows,) = limit.terms(context((limit,), account()))
    low, high = float(rows.lo[0]), float(rows.hi[0])
    chart = Chart(
        "Group: equities together between 50% and 60%",
        "In the plane of two equities the stripe that is allowed, and the path of the ideal as a view grows stronger.",
        in_percent("weight of SPY", 0.2, 0.7, 0.1),
        in_percent("weight of EFA", 0.0, 0.4, 0.1),
    )
    chart.area([(x, edge - x) for edge, ends in ((low, (0.2, 0.7)), (high, (0.7, 0.2))) for x in ends])
    for x, edge in ((0.25, low), (0.3, high)):
        chart.say(x, edge - x, f"SPY + EFA = {edge:.0%}", "grey", dx=8, dy=-6)
    gains = spread(0.0, 0.06, 13)
    _path(chart, "SPY", "EFA", [ideal(FREE, gain, desk=_SPY_OVER_IEF) for gain in gains], "orange", hollow=True)
    _path(chart, "SPY", "EFA", [ideal((limit,), gain, desk=_SPY_OVER_IEF) for gain in gains], "blue")
    _strategic(chart, STRATEGIC["SPY"], STRATEGIC["EFA"])
    _named(chart, "SPY over IEF")
    return chart


def tracking_error() -> Chart:
    """Draw the ball of active weights, and the path of the ideal that ends on it."""
    limit = TrackingError("2%")
    (ball,) = limit.terms(context((limit,), account()))
    chart = Chart(
        "Tracking error: at most 2% a year around strategic",
        "In the plane of two active weights the ellipse that is allowed, and the path of the ideal as a view grows.",
        in_percent("active weight of SPY", -0.2, 0.2, 0.05),
        in_percent("active weight of IEF", -0.4, 0.4, 0.1),
    )
    chart.area([(x - STRATEGIC["SPY"], y - STRATEGIC["IEF"]) for x, y in _edge(ball)])
    gains = spread(-0.08, 0.08, 17)
    for limits, colour, hollow in (((*FREE, _STILL), "orange", True), ((limit, _STILL), "blue", False)):
        _path(
            chart, "SPY", "IEF", [ideal(limits, gain, desk=_SPY_OVER_IEF) for gain in gains], colour,
            hollow=hollow, around=STRATEGIC,
        )  # fmt: skip
    _strategic(chart, 0.0, 0.0)
    _named(chart, "SPY over IEF, -8% to 8%")
    return chart


def volatility() -> Chart:
    """Draw the ball around nothing beside strategic, and the path of the ideal along it."""
    limit = Volatility("9%")
    (ball,) = limit.terms(context((limit,), account()))
    chart = Chart(
        "Volatility: at most 9% a year, wherever strategic stands",
        "In the plane of two weights what is allowed of an ellipse, and the path of the ideal as a view grows.",
        in_percent("weight of SPY", 0.2, 0.6, 0.05),
        in_percent("weight of IEF", 0.0, 0.6, 0.1),
    )
    chart.area(_edge(ball))
    chart.area([(0.7, 0.0), (0.7, 0.7), (0.0, 0.7)], "barred")
    chart.say(0.46, 0.5, "no cash left to buy more", "orange")
    gains = spread(0.0, 0.06, 13)
    paths = [(((*FREE, _STILL)), "orange", True), ((limit, _STILL), "blue", False)]
    for limits, colour, hollow in paths:
        _path(chart, "SPY", "IEF", [ideal(limits, gain, desk=_SPY_OVER_IEF) for gain in gains], colour, hollow=hollow)
    _strategic(chart, STRATEGIC["SPY"], STRATEGIC["IEF"])
    _named(chart, "SPY over IEF")
    return chart


def leverage() -> Chart:
    """Draw the diamond of gross weight, and the path of the ideal into shorts."""
    strategic = {"SPY": 0.6, "EFA": 0.0, "IEF": 0.4, "GLD": 0.0, "CASH": 0.0}
    desk = Desk(about="SPY - IEF", strategic=strategic, long_only=False, risk_aversion=2.0)
    still = Position(("EFA", "GLD"), least=0, most=0)
    limit = Leverage("150%")
    chart = Chart(
        "Leverage: long and short weights together at most 150%",
        "In the plane of two weights the diamond that is allowed, and the path of the ideal as a view grows stronger.",
        in_percent("weight of SPY", -0.5, 2.0, 0.5),
        in_percent("weight of IEF", -2.0, 2.0, 0.5),
    )
    trades = limit.terms(context((limit,), account()))[0]
    most = float(trades.most)
    chart.area([(most, 0.0), (0.0, most), (-most, 0.0), (0.0, -most)])
    chart.say(0.62, most - 0.62, f"|SPY| + |IEF| = {most:.0%}", "grey", dx=8, dy=-6)
    gains = spread(0.0, 0.16, 9)
    ways: tuple[tuple[tuple[Limit, ...], str, bool], ...] = (
        ((Leverage("1000%"), still), "orange", True),
        ((limit, still), "blue", False),
    )
    for limits, colour, hollow in ways:
        weights = [ideal(limits, gain, account(strategic), desk) for gain in gains]
        _path(chart, "SPY", "IEF", weights, colour, hollow=hollow)
    _strategic(chart, strategic["SPY"], strategic["IEF"])
    _named(chart, "SPY over IEF, up to 16%")
    return chart


def concentration(most: float) -> Custom:
    """Return the limit of the page: the sum of squared weights is at most ``most``."""
    import cvxpy as cp

    return Custom(
        bind=lambda w, _: [cp.sum_squares(w) <= most],
        slack=lambda w, _: most - float(w @ w),
        words=f"the sum of squared weights is at most {most:g}",
    )


def custom() -> Chart:
    """Draw the quantity a user bounds, with and without the bound."""
    limit, gains = concentration(0.3), spread(0.0, 0.06, 13)
    chart = Chart(
        "Custom: the sum of squared weights is at most 0.3",
        "The sum of squared weights of the ideal as a view grows stronger, with and without the limit.",
        in_percent("gain of the view equity - bonds, a year", 0.0, 0.06, 0.01),
        in_numbers("sum of squared weights", 0.24, 0.4, 0.02),
    )
    chart.span((0.0, 0.24), (0.06, 0.3))
    for limits, colour, hollow in ((FREE, "orange", True), ((*FREE, limit), "blue", False)):
        points = [(gain, sum(w * w for w in ideal(limits, gain).values())) for gain in gains]
        chart.line(points, colour)
        for point in points:
            chart.dot(*point, colour, hollow=hollow, size=4)
    chart.legend(
        ("fill", "wash", "allowed"), ("hollow", "orange", "without the limit"), ("dot", "blue", "with it"),
    )  # fmt: skip
    return chart


def _edge(ball: RiskBall) -> list[tuple[float, float]]:
    """Return where the plane of SPY and IEF cuts a ball, the other weights strategic: a closed curve."""
    start, risk = np.array([STRATEGIC[a] for a in ASSETS]), market().risk
    variance: Callable[[np.ndarray], float] = lambda w: float(  # noqa: E731
        risk.volatility(np.where(ball.on, w - ball.anchor, 0.0)) ** 2
    )
    points = []
    for angle in np.linspace(0.0, 2 * np.pi, 121):
        step = np.zeros(len(start))
        step[_X], step[_Y] = np.cos(angle), np.sin(angle)
        here, ahead, behind = variance(start), variance(start + step), variance(start - step)
        square, slope = (ahead + behind) / 2 - here, (ahead - behind) / 2  # variance along the way is a parabola
        root = (-slope + np.sqrt(slope**2 + 4 * square * (float(ball.most) ** 2 - here))) / (2 * square)
        points.append((float(start[_X] + root * step[_X]), float(start[_Y] + root * step[_Y])))
    return points


def _path(
    chart: Chart, x: str, y: str, weights: Iterable[dict[str, float]], colour: str, *, hollow: bool = False,
    around: dict[str, float] | None = None,
) -> None:  # fmt: skip
    centre = around or dict.fromkeys(ASSETS, 0.0)
    points = [(w[x] - centre[x], w[y] - centre[y]) for w in weights]
    chart.line(points, colour)
    for point in points:
        chart.dot(*point, colour, hollow=hollow, size=4)


def _strategic(chart: Chart, x: float, y: float) -> None:
    chart.dot(x, y, "ink", size=5.5)
    chart.say(x, y, "strategic", "ink", "end", dx=-6, dy=20)


def _named(chart: Chart, view: str) -> None:
    chart.legend(
        ("fill", "wash", "allowed"), ("hollow", "orange", f"ideals without it: {view}"), ("dot", "blue", "with it"),
    )  # fmt: skip
