"""Whose the tilt of risk is, where several overlays or rules multiply volatilities and aversion.

The force of such a tilt is ``(gamma Sigma - gamma q D(m) Sigma D(m)) c``, D(m) the diagonal matrix of the volatility
multipliers m, q the multiplier of aversion, ``c = b + s``. Causes multiply, so none of them has a part of its own until
a path is chosen: here all grow together, ``m(t) = m^t`` and ``q(t) = q^t``, and each is given what its own logarithms
contribute on the way (Aumann and Shapley's value)::

    part_k = -gamma int_0^1 q^t [ ln q_k S_t c + L_k S_t c + S_t L_k c ] dt
    S_t = D(m^t) Sigma D(m^t),   L_k = D(ln m_k)

The parts sum to the force; a cause cut into two of half the logarithm, or moved in the order, leaves every other part
as it was.
"""

from __future__ import annotations

import numpy as np

from ..models.tilts import Tilt
from .programs import Program

RISK = "risk tilt"
"""What a tilt of risk is called that nobody put his name to."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_CLAIMED = 1e-12
"""Logarithms below this are rounding of a product."""


def split_risk(program: Program, belief: Tilt, aversion: float) -> list[tuple[str, np.ndarray]]:
    """Split the force of a tilt of risk and aversion by cause: names and forces that sum to it, shape (n,) each."""
    whole = program.force - belief.alpha(aversion)
    logs = _logarithms(belief, len(whole))
    if len(logs) < 2:
        return [(name, whole) for name in logs or {RISK: None}]
    total_m = sum(m for m, _ in logs.values())
    total_q = sum(q for _, q in logs.values())
    parts = {name: np.zeros(len(whole)) for name in logs}
    for node, weight in zip(0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS, strict=True):
        grown = np.exp(node * total_m)
        times = lambda x, grown=grown: grown * program.market_risk.times(grown * x)  # noqa: E731
        at_centre, size = times(program.centre), -aversion * weight * np.exp(node * total_q)
        for name, (m, q) in logs.items():
            parts[name] += size * (q * at_centre + m * at_centre + times(m * program.centre))
    rest = (whole - sum(parts.values())) / len(parts)  # what the quadrature leaves: rounding
    return [(name, part + rest) for name, part in parts.items()]


def moves_of_risk(program: Program, belief: Tilt, aversion: float) -> list[tuple[str, np.ndarray]]:
    """Say where a tilt of risk alone would move the weights, by cause: names and moves of shape (n,) that sum to zero.

    Without limits and costs, the budget apart: ``gamma' Sigma' x + mu = force``, ``sum x = 0``. Any aversion gives the
    same, for the force is proportional to it.
    """
    if not program.tilted and belief.aversion == 1.0:
        return []
    n = len(program.centre)
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = program.gamma * program.risk.covariance, 0.0
    split = split_risk(program, belief, aversion)
    sides = np.append(np.array([force for _, force in split]).T, np.zeros((1, len(split))), axis=0)
    moves = np.linalg.lstsq(system, sides, rcond=None)[0][:n].T
    return [(name, move) for (name, _), move in zip(split, moves, strict=True)]


def _logarithms(belief: Tilt, n: int) -> dict[str, tuple[np.ndarray, float]]:
    """Return the logarithms of each cause's multipliers of volatility and of aversion, those nobody claims last."""
    found: dict[str, tuple[np.ndarray, float]] = {}
    for cause in belief.causes:
        if cause.channel in ("risk", "aversion") and cause.values:
            m, q = found.get(cause.name, (np.zeros(n), 0.0))
            more = np.log(np.array(cause.values))
            found[cause.name] = (m + more, q) if cause.channel == "risk" else (m, q + float(more[0]))
    rest_m = np.log(belief.risk) - sum((m for m, _ in found.values()), np.zeros(n))
    rest_q = float(np.log(belief.aversion)) - sum(q for _, q in found.values())
    if max(np.abs(rest_m).max(), abs(rest_q)) > _CLAIMED:
        found[RISK] = (rest_m, rest_q)
    return found
