"""How much a combined score is believed: strong, agreed upon, fresh, and right in the past."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from ..units import FrozenMap, percent
from .diagnostics import Skill

UNKNOWN_RECORD = 0.5
"""The track record of what has none: as likely good as bad."""


@dataclass(frozen=True)
class Conviction:
    """What one opinion is believed, on one day; every part is in [0, 1].

    Parameters
    ----------
    opinion
        Its name.
    score
        The combined score, positive in favour of what the opinion is about.
    strength, agreement, recency
        As the functions of these names say.
    track_record
        None where it stays out, because the gain is already shrunk by it.
    value
        The geometric mean of the parts.
    least
        Below it there is no view.
    why_not
        Why there is no view, in words; empty where there is one.
    shares
        What part of the combined score each signal that speaks has, ``w_j z_j / w'z``; they sum to 1. A signal that
        speaks against the others has a negative one. The gain is linear in the scores, so these are parts of it too.
    """

    opinion: str
    score: float
    strength: float
    agreement: float
    recency: float
    track_record: float | None
    value: float
    least: float = 0.0
    why_not: str = ""
    shares: Mapping[str, float] = field(default_factory=FrozenMap)


def conviction(strength: float, agreement: float, recency: float, track_record: float | None = None) -> float:
    """Return the geometric mean of the parts that are given: no part can make up for one that is zero.

    >>> round(conviction(0.8, 1.0, 0.9, 0.5), 6)
    0.774597
    >>> conviction(0.9, 0.0, 1.0, 1.0)
    0.0
    >>> round(conviction(0.25, 1.0, 1.0), 6)
    0.629961
    """
    parts = [strength, agreement, recency] + ([] if track_record is None else [track_record])
    for part in parts:
        if not 0.0 <= part <= 1.0:
            raise ValueError(f"a part of conviction is {part}, not between 0 and 1")
    return float(math.prod(parts) ** (1.0 / len(parts)))


def strength(score: float) -> float:
    """Return the share of ordinary scores that are nearer to zero, ``2 Phi(|s|) - 1``, as a standard normal has them.

    >>> round(strength(1.0), 4), strength(0.0)
    (0.6827, 0.0)
    """
    return float(2.0 * ndtr(abs(score)) - 1.0)


def agreement(scores: np.ndarray, weights: np.ndarray) -> float:
    """Return how far the signals point one way: ``|sum w s| / sum w |s|``, 1 where all agree, 0 where they cancel.

    >>> agreement(np.array([1.0, -1.0]), np.array([0.75, 0.25]))
    0.5
    """
    gross = float(weights @ np.abs(scores))
    return min(abs(float(weights @ scores)) / gross, 1.0) if gross > 0 else 0.0


def recency(ages_days: np.ndarray, weights: np.ndarray, half_life_days: float) -> float:
    """Return the weighted mean of ``0.5^(age / half-life)``, the age of each score's newest observation in days.

    >>> recency(np.array([0.0, 30.0]), np.array([0.5, 0.5]), 30.0)
    0.75
    """
    total = float(weights.sum())
    return float(weights @ 0.5 ** (np.maximum(ages_days, 0.0) / half_life_days)) / total if total > 0 else 0.0


def track_record(skill: Skill, *, least: int = 12) -> float:
    """Return how likely the coefficient is above zero, ``Phi(t)``, from the Newey-West t of forecasts that have ended.

    One half where fewer than ``least`` have ended or the t is not a number: nothing is known for or against it. An
    opinion asks for twelve horizons that do not overlap.

    >>> round(track_record(Skill(0.1, 1.5, 60)), 4), track_record(Skill(0.9, 9.0, 4))
    (0.9332, 0.5)
    """
    if skill.count < least or not math.isfinite(skill.t):
        return UNKNOWN_RECORD
    return float(ndtr(skill.t))


def confidence(value: float, *, most: float = 1.0) -> float | None:
    """Return the confidence of a view, ``most`` times the conviction, in (0, 1]; None where there is no conviction.

    >>> confidence(0.5, most=0.8), confidence(0.0)
    (0.4, None)
    """
    return most * value if value > 0 else None


def shares(names: Sequence[str], scores: np.ndarray, weights: np.ndarray) -> Mapping[str, float]:
    """Return what part of the weighted sum each score is, by name; nothing where they cancel.

    >>> dict(shares(("trend", "value", "mute"), np.array([2.0, -0.5, 0.0]), np.array([0.5, 0.5, 0.0])))
    {'trend': 1.3333333333333333, 'value': -0.3333333333333333}
    """
    parts = weights * scores
    whole = float(parts.sum())
    if whole == 0.0:
        return FrozenMap()
    return FrozenMap({name: float(part) / whole for name, part in zip(names, parts, strict=True) if part != 0.0})


def told(each: Conviction) -> str:
    """Say a conviction in words: each part, and the whole.

    >>> told(Conviction("equity", 1.2, 0.77, 1.0, 0.9, None, 0.88))
    'strength 77%, agreement 100%, recency 90%: conviction 0.88'
    """
    parts = [("strength", each.strength), ("agreement", each.agreement), ("recency", each.recency)]
    if each.track_record is not None:
        parts.append(("track record", each.track_record))
    return f"{', '.join(f'{name} {percent(part, 0)}' for name, part in parts)}: conviction {each.value:.2f}"
