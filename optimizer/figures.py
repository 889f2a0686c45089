"""What a portfolio promises: tracking error, gain, utility; for one account or many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .problems import Case, Cases


@dataclass(frozen=True, eq=False)
class Figures:
    """What a portfolio promises, shapes (...): tracking error, expected gain and utility, annual, ticket fees off."""

    tracking_error: np.ndarray
    expected_gain: np.ndarray
    utility: np.ndarray


def read_figures(case: Case | Cases, weights: np.ndarray, trades: int | np.ndarray) -> Figures:
    """Return the figures of one account's weights, or of many accounts', with so many trades each."""
    active = weights - case.context.strategic
    fees = case.context.market.costs.ticket_fee * np.asarray(trades)
    tickets = np.where(fees > 0, fees / np.where(fees > 0, case.standing.nav, 1.0) / case.horizon, 0.0)
    gain = (case.belief.alpha(case.aversion) * active).sum(-1)
    return Figures(case.context.market.risk.volatility(active), gain, case.program.utility(weights) - tickets)
