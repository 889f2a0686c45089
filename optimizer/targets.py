"""The fewest trades of many accounts at once: the fast path of :mod:`.trades`.

::

    minimise  worth * trades + turnover    subject to every limit and  u(w) - fees >= u* - indifference

Drop trades, take turnover out, round, mend; then every rule is checked on the final quantities, by numpy alone. An
account's bits never depend on its neighbours, nor on how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..units import basis_points
from .answers import Multipliers
from .bounds import bound_trades
from .problems import Case, Cases, Problem
from .prunings import prune
from .remainders import Bench, set_up, sides
from .roundings import best_of, on_lots, search
from .tickets import Tickets, allowed, count_trades, judge, missing, read_tickets, with_cash

_SAID = 1e-9
"""Utility given up beyond the indifference, decimal of NAV a year, below which nothing is said."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Where accounts are to stand after trading; shapes (m, n) and (m,).

    Parameters
    ----------
    lots
        The units each asset trades in, 0 where fractional; shape (n,).
    given_up
        ``u(ideal) - u(target)``, each after its own ticket fees: decimal of NAV a year.
    indifference
        What the target was allowed to give up: the policy's, or the least found.
    trades
        How many.
    settled
        Whether this is a target; the others keep their current weights here and have to be asked one by one.

    ``notes`` are what a person should know: a tuple of sentences an account.
    """

    weights: np.ndarray
    lots: np.ndarray
    given_up: np.ndarray
    indifference: np.ndarray
    trades: np.ndarray
    notes: tuple[tuple[str, ...], ...]
    settled: np.ndarray


def given_up(case: Case | Cases, goal: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return ``u(goal) - u(target)``, each after its own ticket fees, at least 0, shape (m,).

    For goals short of the ideal: in the account's own utility, whatever the trades were sought in.
    """
    program = case.program
    fee = case.context.market.costs.ticket_fee / np.asarray(case.standing.nav) / case.horizon

    def net(weights: np.ndarray) -> np.ndarray:
        return program.utility(weights) - fee * count_trades(weights - program.current, program.cash)

    return np.maximum(net(goal) - net(target), 0.0)


def choose_targets(problem: Problem, cases: Cases, ideal: np.ndarray, multipliers: Multipliers) -> Targets:
    """Return the target weights of many accounts, shape (m, n), from their ideals and the prices there.

    Nothing is settled where the policy asks for exact trades or has custom limits: those are one by one.
    """
    tickets = read_tickets(problem, cases)
    m = len(ideal)
    if tickets.plain or not m:  # of nobody there is nothing to search
        return _as_ideal(tickets, ideal)
    if problem.policy.trades.exact or cases.program.customs:
        return _unsettled(tickets, np.array(tickets.program.current))
    bench = set_up(problem, tickets, ideal, multipliers)
    points = find_targets(bench)
    settled = allowed(bench.tickets, points)
    points = np.where(settled[:, None], points, tickets.program.current)
    summary = summarise(bench, points)
    notes = tuple(summary.notes[i] if settled[i] else () for i in range(m))
    return Targets(points, tickets.units, summary.given_up, summary.indifference, summary.trades, notes, settled)


def _as_ideal(tickets: Tickets, ideal: np.ndarray) -> Targets:
    m = len(ideal)
    trades = np.count_nonzero(sides(tickets, ideal), axis=-1)
    none = np.zeros(m)
    return Targets(ideal, tickets.units, none, none, trades, ((),) * m, np.ones(m, dtype=bool))


def _unsettled(tickets: Tickets, current: np.ndarray) -> Targets:
    m, none = len(current), np.zeros(len(current))
    return Targets(current, tickets.units, none, none, np.zeros(m, dtype=int), ((),) * m, np.zeros(m, dtype=bool))


def gaps(
    problem: Problem, cases: Cases, ideal: np.ndarray, multipliers: Multipliers, targets: Targets, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a bound of ``worth * trades + turnover`` and how far above it some targets are, shape (k,) each.

    Parameters
    ----------
    which
        Positions of settled targets; the bound costs about as much as the target.
    """
    tickets = read_tickets(problem, cases.pick(which))
    if tickets.plain:
        return np.zeros(len(which)), np.zeros(len(which))
    bench = set_up(problem, tickets, ideal[which], multipliers.pick(which))
    return bound_gaps(bench, targets.weights[which])


def bound_gaps(bench: Bench, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a bound that no target of this much utility is below, and how far above it these are."""
    verdict = judge(bench.tickets, weights)
    level = np.minimum(verdict.utility, bench.level)
    level = np.where(missing(verdict.utility, bench.level) > 0, level, bench.level)
    value = bench.tickets.worth * verdict.count + verdict.turnover
    bound = np.zeros(len(weights))
    some = np.flatnonzero(level < bench.best)
    if len(some):
        bound[some] = bound_trades(bench.pick(some), level[some])
    bound = np.minimum(bound, value)
    return bound, value - bound


def find_targets(bench: Bench) -> np.ndarray:
    """Drop, round, mend; return the best points, shape (m, n), which may break a limit."""
    tickets, level = bench.tickets, bench.level
    stay, ideal = with_cash(tickets, tickets.program.current), with_cash(tickets, bench.ideal)
    found = search(bench, [*prune(bench), ideal], level)
    return best_of(tickets, [found, on_lots(tickets, ideal), stay], level)


@dataclass(frozen=True, eq=False)
class Summary:
    """What there is to say of targets, shape (m,) each."""

    given_up: np.ndarray
    indifference: np.ndarray
    trades: np.ndarray
    value: np.ndarray
    notes: tuple[tuple[str, ...], ...]


def summarise(bench: Bench, points: np.ndarray) -> Summary:
    """Say what targets give up, how many trades they take, and what kept them from the utility asked for."""
    tickets = bench.tickets
    verdict, ideal = judge(tickets, points), judge(tickets, with_cash(tickets, bench.ideal))
    lost = bench.best - verdict.utility
    said = np.flatnonzero(lost > tickets.indifference + _SAID)
    notes: list[tuple[str, ...]] = [()] * len(points)
    if len(said):
        for i, words in zip(said, _causes(bench.pick(said), points[said], lost[said]), strict=True):
            notes[i] = (f"{words} up {basis_points(float(lost[i]))} a year",)
    return Summary(
        ideal.utility - verdict.utility,
        np.maximum(lost, tickets.indifference),
        verdict.count,
        tickets.worth * verdict.count + verdict.turnover,
        tuple(notes),
    )


def _causes(bench: Bench, points: np.ndarray, lost: np.ndarray) -> list[str]:
    """Say what keeps each target from the utility asked for, with its verb."""
    tickets, now = bench.tickets, bench.tickets.program.current
    traded = sides(tickets, points) != 0
    count = traded.sum(-1)
    fees = tickets.yearly * count
    beyond = lost - fees > tickets.indifference + _SAID
    movable = tickets.movable
    wanted, moved = np.where(movable, np.abs(bench.ideal - now), 0.0), np.abs(points - now)
    whole = ((tickets.lot > 0) & movable).any(-1)
    # A trade the ideal asks for that is too small, or one that is no larger than it has to be.
    below = (wanted > 1e-9) & (wanted < tickets.least) & ~traded
    at_least = traded & (moved < tickets.least + np.maximum(tickets.lot, 1e-9)) & (wanted < moved)
    small = ((tickets.least > 0) & (below | at_least)).any(-1)
    counted = (count == tickets.most) & (tickets.most < (wanted > 1e-9).sum(-1))
    table = (
        ("whole lots", beyond & whole),
        ("the smallest ticket", beyond & small),
        ("the trade count", beyond & counted),
        ("ticket fees", fees > 0),
    )
    out = []
    for i in range(len(points)):
        causes = [words for words, mask in table if mask[i]] or ["whole trades"]
        single = len(causes) == 1 and causes[0].startswith("the ")
        out.append(f"{' and '.join(causes)} {'gives' if single else 'give'}")
    return out
