"""How much of a good result is the number of rules that were tried.

The **probabilistic Sharpe ratio** is the chance that the true Sharpe ratio exceeds ``SR*``, given T returns of skewness
g3 and kurtosis g4 (Bailey and Lopez de Prado 2012), all Sharpe ratios per period::

    PSR(SR*) = Phi( (SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2) )

The **deflated Sharpe ratio** (the same authors, 2014) asks it of the best Sharpe ratio that N trials without any skill
are expected to show, V the variance of the trials' Sharpe ratios and gamma the Euler-Mascheroni constant::

    SR0 = sqrt(V) ((1 - gamma) Phi^-1(1 - 1/N) + gamma Phi^-1(1 - 1/(N e))),   DSR = PSR(SR0)

The **probability of backtest overfitting** (Bailey, Borwein, Lopez de Prado, Zhu 2015) cuts the history into S blocks.
For each choice of S/2 of them it takes the rule that was best there and ranks it among all in the other half, with
``logit = ln(rank / (N + 1 - rank))``. The probability is the share of choices with ``logit <= 0``: the best in sample
is no better than the median out of sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import ndtr, ndtri

from ..errors import InputError


def probabilistic_sharpe(
    sharpe: float, periods: int, *, skew: float = 0.0, kurtosis: float = 3.0, over: float = 0.0
) -> float:
    """Return the chance that the true Sharpe ratio exceeds ``over``.

    Parameters
    ----------
    sharpe, over
        Per period, not annual.
    periods
        Number of returns.
    skew, kurtosis
        Of the returns; 0 and 3 of a normal distribution.
    """
    if periods < 2:
        raise InputError("a Sharpe ratio needs two returns", code="SHORT_HISTORY", field="periods", value=periods)
    spread = 1.0 - skew * sharpe + 0.25 * (kurtosis - 1.0) * sharpe**2
    if not spread > 0:
        raise InputError(
            f"a Sharpe ratio of {sharpe:g} a period with skewness {skew:g} and kurtosis {kurtosis:g} cannot be",
            code="BAD_MOMENTS", field="skew", value=skew, mend="moments of the same returns",
        )  # fmt: skip
    return float(ndtr((sharpe - over) * np.sqrt(periods - 1) / np.sqrt(spread)))


def best_of_chance(trials: int, variance: float) -> float:
    """Return the best Sharpe ratio that so many trials without skill are expected to show, per period.

    ``variance`` is that of the trials' Sharpe ratios.
    """
    if trials < 1 or not variance >= 0:
        raise InputError(
            f"{trials} trials with a variance of {variance:g} cannot be",
            code="BAD_TRIALS", field="trials", value=trials, mend="count every rule that was looked at",
        )  # fmt: skip
    if trials == 1:
        return 0.0
    first, second = -ndtri(1.0 / trials), -ndtri(1.0 / (trials * np.e))
    return float(np.sqrt(variance) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second))


def deflated_sharpe(
    sharpe: float, periods: int, trials: int, variance: float, *, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Return the chance that a Sharpe ratio is more than the best of so many trials without skill.

    The paper's example: 2.5 a year over 1250 days, the best of 100 trials whose annual Sharpe ratios have variance 1/2,
    skewness -3 and kurtosis 10.

    >>> round(deflated_sharpe(2.5 / 250**0.5, 1250, 100, 0.5 / 250, skew=-3, kurtosis=10), 4)
    0.9004
    """
    return probabilistic_sharpe(sharpe, periods, skew=skew, kurtosis=kurtosis, over=best_of_chance(trials, variance))


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What :func:`probability_of_overfitting` found.

    Parameters
    ----------
    probability
        Share of choices in which the best in sample is at or below the median out of sample.
    logits
        Of each choice.
    in_sample, out_of_sample
        The chosen rule's statistic in and out of sample, of each choice.
    slope
        Of out of sample on in sample: below zero, the better it looked, the worse it did.
    loss
        Share of choices in which the chosen rule's statistic is below zero out of sample.
    """

    probability: float
    logits: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray
    slope: float
    loss: float


def probability_of_overfitting(
    history: np.ndarray,
    *,
    blocks: int = 16,
    statistic: Callable[[np.ndarray], np.ndarray] | None = None,
    most: int = 13_000,
    seed: int = 0,
) -> Overfitting:
    """Return how often the rule that was best in one half of a history is below the median in the other.

    Parameters
    ----------
    history
        Returns per period and rule, shape (T, N): every rule that was tried, the poor ones too.
    blocks
        S, even: the halves are all choices of S/2 blocks of consecutive periods.
    statistic
        Takes (t, N) returns and gives N numbers, more is better; the Sharpe ratio by default.
    most
        With more choices than this, a random sample of so many is taken (the same for the same seed).

    >>> rng = np.random.default_rng(0)
    >>> skilled = rng.normal(0, 0.01, (480, 10)); skilled[:, 3] += 0.004
    >>> probability_of_overfitting(skilled, blocks=8).probability
    0.0
    """
    values = np.asarray(history, dtype=float)
    _check(values, blocks)
    cuts = np.array_split(np.arange(len(values)), blocks)
    chosen = _choices(blocks, most, seed)
    if statistic is None:
        inside, outside = _sharpes(values, cuts, chosen)
    else:
        halves = [(row, sorted(set(range(blocks)) - set(row.tolist()))) for row in chosen]
        judge = lambda own: statistic(values[np.concatenate([cuts[i] for i in own])])  # noqa: E731
        inside, outside = (np.array([judge(pair[side]) for pair in halves]) for side in (0, 1))
    best = inside.argmax(1)
    at = np.arange(len(chosen))
    mine = outside[at, best]
    # Equal statistics share their ranks.
    rank = (outside < mine[:, None]).sum(1) + 0.5 * ((outside == mine[:, None]).sum(1) - 1) + 1.0
    logits = np.log(rank / (values.shape[1] + 1.0 - rank))
    x = inside[at, best]
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (mine - mine.mean())).sum() / spread) if spread > 0 else 0.0
    return Overfitting(float((logits <= 0).mean()), logits, x, mine, slope, float((mine < 0).mean()))


def _check(values: np.ndarray, blocks: int) -> None:
    fine = values.ndim == 2 and values.shape[1] >= 2 and np.isfinite(values).all()
    if not fine or blocks < 2 or blocks % 2 or len(values) < 2 * blocks:
        raise InputError(
            f"returns of shape {values.shape} cannot be cut into {blocks} blocks", code="BAD_TRIALS", field="returns",
            value=values.shape, mend="two rules or more, an even number of blocks, two periods a block, and no gaps",
        )  # fmt: skip


def _choices(blocks: int, most: int, seed: int) -> np.ndarray:
    if comb(blocks, blocks // 2) <= most:
        return np.array(list(combinations(range(blocks), blocks // 2)))
    rng = np.random.default_rng(seed)
    return np.sort(rng.permuted(np.tile(np.arange(blocks), (most, 1)), axis=1)[:, : blocks // 2], axis=1)


def _sharpes(values: np.ndarray, cuts: list[np.ndarray], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Sharpe ratios of every rule in and out of each choice, from each block's sums."""
    # Centred first: sums of squares of small numbers lose nothing to a common mean.
    middle = values.mean(0)
    count = np.array([len(cut) for cut in cuts], dtype=float)
    first = np.array([(values[cut] - middle).sum(0) for cut in cuts])
    second = np.array([((values[cut] - middle) ** 2).sum(0) for cut in cuts])
    inside = np.zeros((len(chosen), len(cuts)))
    np.put_along_axis(inside, chosen, 1.0, axis=1)
    found = []
    for mask in (inside, 1.0 - inside):
        t, s, q = mask @ count, mask @ first, mask @ second
        mean = s / t[:, None]
        variance = np.maximum(q / t[:, None] - mean**2, 0.0) * (t / (t - 1.0))[:, None]
        mean = mean + middle
        flat = variance <= 1e-24  # a rule that never moved has no Sharpe ratio to be proud of
        found.append(np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance))))
    return found[0], found[1]
