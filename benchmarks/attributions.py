"""Attribution at full size: remainders of random histories, and the error rates of the verdict on skill."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from trimtab.attribution.chains import STAGES, chain
from trimtab.attribution.decisions import attribute
from trimtab.attribution.feedback import skill_interval
from trimtab.attribution.skill import mean_interval

from .registry import Figure, case


def random_chain(seed: int, periods: int = 24, assets: int = 8):
    """Return a random account's chain: every stage somewhere else, own returns, costs."""
    rng = np.random.default_rng(seed)
    index, names = pd.date_range("2000-01-31", periods=periods, freq="ME"), [f"a{i}" for i in range(assets)]
    frame = lambda x: pd.DataFrame(x, index, names)  # noqa: E731
    stages = {name: frame(rng.dirichlet(np.ones(assets), periods)) for name in STAGES}
    moves = rng.normal(0.005, 0.04, (periods, assets))
    own, costs = moves + rng.normal(0, 0.01, moves.shape), rng.uniform(0, 1e-4, moves.shape)
    # Money, not weights: what the account earned is read from its NAV.
    nav = np.cumprod(np.r_[1e6, 1.0 + (stages["held"].to_numpy() * own).sum(1) - costs.sum(1)])
    return chain(
        "random",
        stages,
        frame(moves),
        own=frame(own),
        costs=frame(costs),
        earned=pd.Series(nav[1:] / nav[:-1] - 1, index),
    )


@case("attribution-remainder", "largest remainder of the decisions of random histories", (10_000,), 50)
def remainder(size: int, _: int) -> Iterable[Figure]:
    """Attribute random histories; the effects must leave nothing."""
    worst = max(attribute(random_chain(seed)).residual for seed in range(size))
    yield Figure("largest remainder", f"{size:,} histories", worst, "of NAV", "< 1e-14")


def noise(kind: str, rng: np.random.Generator, histories: int, periods: int) -> np.ndarray:
    """Return histories of returns that nobody meant, mean 0, shape (histories, periods).

    ``normal``; ``fat`` tails (Student's t with 4 degrees); ``skewed`` to losses as options sold are; ``clustered`` in
    volatility (a GARCH); ``lingering``: each month still feels the last one, as views that live for months do.
    """
    if kind == "fat":
        return rng.standard_t(4, (histories, periods))
    if kind == "skewed":
        return 1.0 - rng.exponential(size=(histories, periods))
    drawn = rng.normal(size=(histories, periods + 50))
    if kind == "clustered":
        variance = np.ones(histories)
        for t in range(periods + 50):
            drawn[:, t] *= np.sqrt(variance)
            variance = 0.05 + 0.15 * drawn[:, t] ** 2 + 0.80 * variance
    if kind == "lingering":
        drawn[:, 1:] += 0.6 * drawn[:, :-1]
    return drawn[:, 50:]


@case("attribution-skill", "how often noise is called skill, and skill is found, at 5 % on each side", (10_000,), 60)
def skill(size: int, _: int) -> Iterable[Figure]:
    """Judge planted noise and planted skill by their 90 % intervals; half of the errors are on each side."""
    kinds = ("normal", "fat", "skewed", "clustered", "lingering")
    for kind, periods in [("normal", 60), *((kind, 120) for kind in kinds), ("normal", 240)]:
        drawn = noise(kind, np.random.default_rng([20261122, periods]), size, periods)
        spread = drawn.std()
        told = [mean_interval(x, draws=300, seed=k) for k, x in enumerate(drawn)]
        where = f"{periods} mths"
        for words, share in (
            (f"{kind} noise called skill", np.mean([each.low > 0 for each in told])),
            (f"{kind} noise called the opposite", np.mean([each.high < 0 for each in told])),
        ):
            yield Figure(words, where, 100.0 * float(share), "%", "5 % or less")
        # The interval moves with what is added: skill of a ratio of 1 a year is found where noise is above minus that.
        found = np.mean([each.low > -spread / np.sqrt(12) for each in told])
        yield Figure(f"a ratio of 1 found in {kind} noise", where, 100.0 * float(found), "%")


@case("attribution-demotion", "how often a coin is demoted", (20_000,), 500)
def demotion(size: int, _: int) -> Iterable[Figure]:
    """Draw records of forecasters; those who are coins should stay in 19 of 20 cases."""
    rng = np.random.default_rng(2)
    for p in (0.5, 0.4, 0.6):
        right = rng.binomial(60, p, size)
        share = np.mean([skill_interval(int(h), 60 - int(h))[1] < 0.5 for h in right])
        yield Figure(f"demoted at {p:.0%} right", "60 forecasts", 100.0 * float(share), "%")
