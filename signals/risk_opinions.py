"""Signals on risk: what implied volatility or a correlation says, brought into the risk channel.

The market's own covariance stands for the scenarios: of all normal markets in which the believed legs have the
covariance ``T``, the one nearest in relative entropy has (Meucci, "Fully Flexible Views", 2008, section 3)::

    Sigma' = Sigma + Sigma G' (V^-1 T V^-1 - V^-1) G Sigma,      V = G Sigma G'

with a row of G for each leg. What is not believed anything of moves with what is, as far as it is correlated to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import SignalError
from ..models.causes import Cause
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..units import decimal, did_you_mean
from .beliefs import Belief, risk_multipliers
from .definitions import Signal
from .panels import Panel
from .scoring import score
from .subjects import legs_row


@dataclass(frozen=True)
class RiskOpinion:
    """How one signal becomes one belief on risk.

    Parameters
    ----------
    about, beside
        Legs in the grammar of views; ``beside`` the second of a correlation.
    signal
        Whose number (not score) says it: an annual decimal for a volatility, a plain number for a correlation.
    kind
        ``"volatility"`` or ``"correlation"``.
    sense
        ``"equal"``, ``"least"`` or ``"most"``: a floor speaks only while the market's own number is below it.
    unit
        What the number is multiplied by: 0.01 where a series is in percent, 0.8 for what implied volatility overstates.
    name, author
        Of the belief.

    >>> RiskOpinion("equity", "VIX", unit="80%").name
    'volatility of equity'
    """

    about: str
    signal: str
    kind: Literal["volatility", "correlation"] = "volatility"
    beside: str = ""
    sense: Literal["equal", "least", "most"] = "equal"
    unit: float = 1.0
    name: str = ""
    author: str = "signals"

    def __post_init__(self) -> None:
        """Read the unit and try the belief, which refuses what cannot be meant."""
        object.__setattr__(self, "name", self.name or f"{self.kind} of {self.about}")
        try:
            object.__setattr__(self, "unit", decimal(self.unit))
        except (ValueError, TypeError) as error:
            raise _bad(self.name, f"unit: {error}", "unit", self.unit, "a number") from None
        if self.kind not in ("volatility", "correlation"):
            raise _bad(self.name, f"kind is {self.kind!r}", "kind", self.kind, "volatility or correlation")
        self.belief(0.5, "")

    def belief(self, value: float, because: str) -> Belief:
        """Return what it believes of a number."""
        return Belief(
            self.about,
            value,
            self.kind,
            self.sense,
            beside=self.beside,
            id=self.name,
            author=self.author,
            because=because,
        )


def form_beliefs(
    opinions: Sequence[RiskOpinion], signals: Sequence[Signal], panel: Panel, on: dt.date
) -> tuple[tuple[Belief, ...], tuple[str, ...]]:
    """Return the beliefs on risk of a day, and why there are none where there are none.

    Raises
    ------
    SignalError
        A signal that is not defined.
    """
    known = {signal.name: signal for signal in signals}
    beliefs, notes = [], []
    for opinion in opinions:
        if opinion.signal not in known:
            words = f"there is no signal {opinion.signal!r}"
            mend = did_you_mean(opinion.signal, known) or "define it"
            raise _bad(opinion.name, words, "signal", opinion.signal, mend)
        said = score(known[opinion.signal], panel, on)
        value = opinion.unit * said.raw
        if said.why_not or not np.isfinite(value):
            notes.append(f"risk: {opinion.name} says nothing: {said.why_not or 'it has no number'}")
        elif (opinion.kind == "volatility" and value <= 0) or (opinion.kind == "correlation" and abs(value) >= 1):
            notes.append(f"risk: {opinion.name} says nothing: {value:.4g} is no {opinion.kind}")
        else:
            beliefs.append(opinion.belief(value, f"{opinion.signal} {value:.3g} of {said.date}"))
    return tuple(beliefs), tuple(notes)


def normal_covariance(beliefs: Sequence[Belief], market: Market, strategic: np.ndarray) -> np.ndarray:
    """Return the covariance nearest to the market's under which the beliefs on risk hold, shape (n, n), annual.

    Volatilities that are believed change and the correlations of believed legs stay, unless they are believed too. A
    floor or cap that holds already changes nothing.

    Raises
    ------
    SignalError
        INFEASIBLE where the beliefs together are no covariance; legs without risk, or that repeat each other.
    """
    sigma = market.risk.covariance
    asked = [belief for belief in beliefs if belief.kind != "mean"]
    abouts = list(dict.fromkeys(about for each in asked for about in (each.about, each.beside) if about))
    if not abouts:
        return sigma
    legs = np.array([legs_row(about, market.universe, strategic) for about in abouts])
    own = legs @ sigma @ legs.T
    volatility = np.sqrt(np.diag(own))
    if volatility.min() < 1e-6 or np.linalg.cond(own / np.outer(volatility, volatility)) > 1e10:
        raise _refused(asked, "their legs carry no risk, or repeat each other", "NO_RISK", "name legs that differ")
    alike, believed = own / np.outer(volatility, volatility), volatility.copy()
    for each in asked:
        i = abouts.index(each.about)
        if each.kind == "volatility":
            believed[i] = _told(each, volatility[i])
        else:
            j = abouts.index(each.beside)
            alike[i, j] = alike[j, i] = _told(each, alike[i, j])
    target = alike * np.outer(believed, believed)
    if np.linalg.eigvalsh(alike)[0] < -1e-9:
        raise _refused(asked, "their correlations cannot all be", "INFEASIBLE", "ask for correlations nearer to 0")
    inverse = np.linalg.inv(own)
    reach = sigma @ legs.T @ inverse
    return sigma + reach @ (target - own) @ reach.T


def _told(belief: Belief, own: float) -> float:
    value = belief.value * own if belief.times else belief.value
    return {"equal": value, "least": max(value, own), "most": min(value, own)}[belief.sense]


def read_risks(beliefs: Sequence[Belief], market: Market, strategic: np.ndarray) -> Tilt:
    """Return what beliefs on risk do to a model: a tilt in the risk channel with one cause, as they act together.

    Multipliers of volatility stand for the believed covariance at the strategic weights; limits keep the market's own.
    """
    if not beliefs:
        return NO_TILT
    after = normal_covariance(beliefs, market, strategic)
    multipliers = risk_multipliers(market.risk.covariance, after, np.asarray(strategic, dtype=float))
    names, because = ", ".join(each.id for each in beliefs), "; ".join(each.because for each in beliefs if each.because)
    cause = Cause("risk", names, beliefs[0].author, because, "risk", tuple(multipliers))
    return Tilt(risk=multipliers, causes=(cause,))


def _bad(name: str, words: str, field: str, value: object, mend: str) -> SignalError:
    return SignalError(
        f"opinion on risk {name!r}: {words}", code="BAD_OPINION", table="risks", field=field, value=value, mend=mend
    )


def _refused(beliefs: Sequence[Belief], words: str, code: str, mend: str) -> SignalError:
    names = ", ".join(repr(each.id) for each in beliefs)
    return SignalError(f"{names}: {words}", code=code, table="risks", field="about", value=names, mend=mend)
