"""Many like problems in a row: answers of a few by the engine, of those between from their neighbours'.

Where one number moves a little, the same bounds mostly bind. So every so many problems are asked of the engine; the
others start at the nearest of these answers and are refined to their own binding set (:mod:`.refinements`). The gate
does not care where an answer comes from: who has no certificate is asked of the engine after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .answers import Multipliers
from .crowds import Crowd, ask_all, pass_gate
from .problems import Problem
from .programs import AXIS, Program
from .tickets import OWN, Tickets

STRIDE = 8
"""Of so many neighbours one is asked of the engine."""


def stack(programs: Sequence[Program]) -> Program:
    """Return one program with an account axis from those of single accounts that share a ``likeness``.

    Its terms are left out: who reads them reads the programs themselves.
    """
    first = programs[0]
    own = {name: np.stack([getattr(program, name) for program in programs]) for name in AXIS}
    return replace(first, **own, gamma=np.array([program.gamma for program in programs]), named=())


def stack_tickets(each: Sequence[Tickets]) -> Tickets:
    """Return one set of tickets with an account axis from those of single accounts that share a :func:`kinship`."""
    own = {name: np.stack([np.asarray(getattr(one, name)) for one in each]) for name in OWN}
    return replace(each[0], program=stack([one.program for one in each]), **own)


def kinship(tickets: Tickets) -> tuple:
    """Return what single accounts must share so that their trades can be sought together."""
    shared = (tickets.most, tickets.worth, tickets.indifference, tickets.units.tobytes(), tickets.floors.tobytes())
    return (*shared, tickets.program.likeness)


def stack_prices(each: Sequence[Multipliers]) -> Multipliers:
    """Return the multipliers of single accounts with an account axis."""
    parts = (
        np.stack([np.asarray(getattr(one, name)) for one in each]) for name in ("budget", "rows", "trades", "balls")
    )
    return Multipliers(*parts)


def ask_neighbours(problem: Problem, program: Program) -> Crowd:
    """Ask for the ideal weights of many accounts that stand in an order in which neighbours are alike."""
    m = len(program.current)
    if m < 2 * STRIDE:
        return ask_all(problem, program)
    asked = np.arange(STRIDE // 2, m, STRIDE)
    some = ask_all(problem, program.pick(asked))
    good = np.flatnonzero(some.released)
    if not len(good):
        return ask_all(problem, program)
    # The nearest released answer of each, by place in the row.
    places = asked[good]
    right = np.searchsorted(places, np.arange(m)).clip(0, len(places) - 1)
    left = np.maximum(right - 1, 0)
    at = np.arange(m)
    near = good[np.where(np.abs(places[left] - at) <= np.abs(places[right] - at), left, right)]
    own, seconds = pass_gate(program, some.weights[near], some.multipliers.pick(near)), some.seconds
    rest = np.flatnonzero(~own.released)
    if len(rest):
        again = ask_all(problem, program.pick(rest))
        own.released[rest], own.weights[rest] = again.released, again.weights
        own.residual[rest], own.gap[rest], own.certified_te[rest] = again.residual, again.gap, again.certified_te
        own.multipliers.put(rest, again.multipliers)
        seconds += again.seconds
    return replace(own, seconds=seconds)


def ask_beside(program: Program, weights: np.ndarray, prices: Multipliers) -> Crowd | None:
    """Ask for the ideal weights of one account from the answer to a question much like its own.

    ``program`` has an account axis of one. The matrices may differ too, so no engine has to be compiled for it. None
    where nothing that passes the gate is found so.
    """
    shapes = (program.rows_lo.shape[-1], program.most.shape[-1], program.ball_most.shape[-1])
    if shapes != tuple(np.shape(own)[-1] for own in (prices.rows, prices.trades, prices.balls)):
        return None
    own = pass_gate(program, weights[None], prices.lift())
    return own if own.released[0] else None
