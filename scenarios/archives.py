"""What many walks through one history ask for again and again: covariances and readings, each made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from ..constraints.policies import Policy
from ..constraints.settings import Estimation
from ..models.markets import Market
from ..models.risks import Risk
from ..models.views import View
from ..signals.conditions import Tape
from ..signals.playbooks import Playbook
from ..signals.readings import Reading, read, record
from .chronicles import Chronicle


class Archive:
    """A history, and what has been made of it so far.

    Readings of two policies are one where playbook, models and views are equal. Rules are recorded once, up to the last
    day of the history: a day's part of the tape is what would be recorded on that day.
    """

    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle
        self._risks: dict[tuple, tuple[Risk, int]] = {}
        self._readings: dict[tuple, tuple[Reading, int]] = {}
        self._tapes: list[tuple[Playbook, Tape]] = []
        self._playbooks: dict[int, Playbook] = {}  # kept, so that no other takes the place of one

    def risk(self, as_of: int, how: Estimation, window: int | None) -> tuple[Risk, int]:
        """Return the covariance as of a day, and the last day of what it was estimated from."""
        key = (as_of, how, window)
        if key not in self._risks:
            self._risks[key] = self.chronicle.estimate(as_of, how, window)
        return self._risks[key]

    def read(self, policy: Policy, market: Market, as_of: int, manual: Sequence[View]) -> tuple[Reading | None, int]:
        """Return what the policy's playbook says as of a day, and the newest day on which any of it was known.

        None where it reads nothing. What came later is cut off before anything is read.
        """
        if policy.playbook.empty:
            return None, 0
        on = dt.date.fromordinal(as_of)
        # A view is scaled by the risk of the market it is about, so readings are one where that is.
        key = (id(policy.playbook), id(market.risk), as_of, policy.models, tuple(manual))
        if key not in self._readings:
            known = self.chronicle.panel.as_of(on)
            tape = self._tape(policy.playbook)
            market = replace(market, on=None)
            made = read(policy.playbook, known, market, policy.models, on, trail=self.chronicle.trail, manual=manual,
                        tape=None if tape is None else tape.until(on))  # fmt: skip
            newest = max((block.known[-1] if block.is_plain else block.known.max() for block in known.blocks
                          if len(block.known)), default=0)  # fmt: skip
            self._readings[key] = made, int(newest)
            self._playbooks[id(policy.playbook)] = policy.playbook
        return self._readings[key]

    def _tape(self, playbook: Playbook) -> Tape | None:
        if not playbook.rules:
            return None
        for own, tape in self._tapes:
            if own is playbook:
                return tape
        tape = record(playbook, self.chronicle.panel, self.chronicle.on(len(self.chronicle) - 1))
        self._tapes.append((playbook, tape))
        return tape
