"""The work that everybody is given: accounts, views and a mandate in four steps, as arrays and as trimtab's own book.

A task is a folder. ``task.npz`` holds plain numbers for the peers; ``views``, ``tracking``, ``turnover`` and ``costs``
are books of the same accounts under mandates of which each says one thing more than the one before:

``views``
    Black and Litterman's posterior mean, long-only mean-variance, each weight within 5 % of its strategic weight.
``tracking``
    And a limit on ex-ante tracking error.
``turnover``
    And a limit on one-way turnover from what is held.
``costs``
    And proportional costs of trading in the objective.

So that all state exactly the same problem: cash stays at its strategic 2 %; every view has the confidence of 50 % that
Riskfolio-Lib has built in; views speak of excess returns, between single assets. Libraries that take a history of
returns where others take a covariance are given one of exactly that covariance and a mean of zero, as short as a
history can be that has it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..universes import FACTORS, write_table

__all__ = ["AVERSION", "CASH", "DEVIATION", "STEPS", "TRACKING", "TURNOVER", "Task", "make_task"]

STEPS = ("views", "tracking", "turnover", "costs")
AVERSION, HORIZON, CASH = 6.0, 0.5, 0.02
DEVIATION, TRACKING, TURNOVER = 0.05, 0.01, 0.08
_MODELS = ("careful", "even", "bold")
_DRIFT = 0.15
"""Standard deviation of what an account differs by from its model, in logarithms of weights."""
_LIMITS = {
    "views": (
        f'kind = "deviation"\nmost = {DEVIATION}',
        f'kind = "position"\non = "CASH"\nleast = {CASH}\nmost = {CASH}',
    ),
    "tracking": (f'kind = "tracking_error"\nmost = {TRACKING}',),
    "turnover": (f'kind = "turnover"\nmost = {TURNOVER}',),
    "costs": (),
}


@dataclass(frozen=True, eq=False)
class Task:
    """The numbers of a task; n assets, cash the last of them, k views, m models, t rows of returns, a accounts.

    Parameters
    ----------
    sigma
        Annual covariance, shape (n, n); the row and the column of the cash are zero.
    history
        Rows whose sample covariance is ``sigma`` and whose mean is zero, shape (t, n).
    strategic, model
        Weights of each model, shape (m, n); the model of each account, shape (a,).
    current
        What each account holds, shape (a, n).
    legs, gains, confidences
        Of each view: shape (k, n), annual excess return, share; shape (k,).
    rates
        Cost of trading, decimal of the traded value, shape (n,).
    equity
        Which assets are of the class ``equity``, shape (n,).
    """

    sigma: np.ndarray
    history: np.ndarray
    strategic: np.ndarray
    model: np.ndarray
    current: np.ndarray
    legs: np.ndarray
    gains: np.ndarray
    confidences: np.ndarray
    rates: np.ndarray
    equity: np.ndarray


def make_task(folder: Path, assets: int, accounts: int, seed: int = 11) -> Task:
    """Write a task of so many assets, the cash among them, into a new folder, and return its numbers."""
    rng = np.random.default_rng([seed, assets])
    risky = assets - 1
    k = next((f for size, f in sorted(FACTORS.items(), reverse=True) if size <= assets), 2)
    exposures, own = rng.normal(0, 0.06, (risky, k)), rng.uniform(0.05, 0.2, risky)
    sigma = np.zeros((assets, assets))
    sigma[:-1, :-1] = exposures @ exposures.T + np.diag(own**2)
    strategic = np.column_stack([(1 - CASH) * rng.dirichlet(np.full(risky, 4.0), len(_MODELS)), np.full(3, CASH)])
    model = rng.integers(0, len(_MODELS), accounts)
    current = strategic[model] * np.exp(rng.normal(0, _DRIFT, (accounts, assets)))
    current[:, :-1] *= (1 - CASH) / current[:, :-1].sum(1, keepdims=True)
    current[:, -1] = CASH
    legs = np.zeros((3, assets))
    for row, places in zip(legs, ((0, 1), (4, 3), (2, 5, 7)), strict=True):
        row[places[0]], row[list(places[1:])] = 1.0, -1.0 / (len(places) - 1)
    task = Task(
        sigma, _history(sigma, rng), strategic, model, current, legs, np.array([0.03, 0.02, 0.025]), np.full(3, 0.5),
        np.append(rng.integers(2, 21, risky) / 1e4, 0.0), np.append(np.arange(risky) % 2 == 0, False),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    said = {"aversion": AVERSION, "horizon": HORIZON, "deviation": DEVIATION, "tracking": TRACKING}
    numbers = {field.name: getattr(task, field.name) for field in dataclasses.fields(task)}
    np.savez(folder / "task.npz", **numbers, **said, turnover=TURNOVER)  # type: ignore[arg-type]
    values = np.exp(rng.uniform(np.log(2e5), np.log(5e6), accounts)).round(2)
    for step in STEPS:
        _write_book(folder / step, step, task, exposures, own, values)
    return task


def _history(sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows of zero mean whose sample covariance is ``sigma`` to the last few bits."""
    n = len(sigma) - 1
    rows = max(60, n + 2)
    drawn = rng.normal(size=(rows, n))
    basis, _ = np.linalg.qr(drawn - drawn.mean(0))
    factor = np.linalg.cholesky(sigma[:n, :n])
    return np.column_stack([np.sqrt(rows - 1) * basis @ factor.T, np.zeros(rows)])


def _write_book(
    folder: Path, step: str, task: Task, exposures: np.ndarray, own: np.ndarray, values: np.ndarray
) -> None:
    """Write the tables and the policy of one step."""
    folder.mkdir()
    n, costly = len(task.sigma), step == "costs"
    ids = [*(f"A{i:03d}" for i in range(n - 1)), "CASH"]
    classes = [*np.where(task.equity[:-1], "equity", "bonds").tolist(), "cash"]
    rates = 1e4 * task.rates if costly else np.zeros(n)
    factors = [f"F{j:02d}" for j in range(exposures.shape[1])]
    write_table(folder, "assets", {"asset_id": ids, "asset_class": classes, "price": np.ones(n), "cost_bps": rates})
    write_table(folder, "exposures", {"asset_id": ids[:-1]} | dict(zip(factors, exposures.T, strict=True)))
    unit = dict(zip(factors, np.eye(len(factors)), strict=True))
    write_table(folder, "factor_covariance", {"factor": factors} | unit)
    write_table(folder, "specific", {"asset_id": ids[:-1], "volatility": own})
    models = np.repeat(_MODELS, n)
    write_table(
        folder,
        "strategic",
        {"model_id": models, "asset_id": ids * len(_MODELS), "weight": task.strategic.ravel()},
    )
    k = len(task.gains)
    views = {"view_id": [f"V{i + 1}" for i in range(k)], "about": [_about(row, ids) for row in task.legs]}
    write_table(folder, "views", views | {"gain": task.gains, "confidence": task.confidences, "basis": ["excess"] * k})
    accounts = [f"{i:06d}" for i in range(len(task.model))]
    write_table(folder, "accounts", {"account_id": accounts, "model_id": [_MODELS[m] for m in task.model]})
    held = {"account_id": np.repeat(accounts, n), "asset_id": ids * len(accounts)}
    write_table(folder, "holdings", held | {"quantity": (task.current * values[:, None]).ravel()})
    said = [f"[objective]\nrisk_aversion = {AVERSION}\ncost_horizon_years = {HORIZON}"]
    for each in STEPS[: STEPS.index(step) + 1]:
        said += [f"[[limits]]\n{limit}" for limit in _LIMITS[each]]
    (folder / "policy.toml").write_text("\n\n".join(said) + "\n", "utf-8")


def _about(row: np.ndarray, ids: list[str]) -> str:
    """Say the legs of a view as trimtab reads them: ``A002 - 0.5*A005 - 0.5*A007``."""
    signed = [(row[i], ids[i]) for i in np.argsort(-row, kind="stable") if row[i]]
    words = [f"{'' if abs(x) == 1 else f'{abs(x)}*'}{name}" for x, name in signed]
    return words[0] + "".join(
        f" {'+' if x > 0 else '-'} {word}" for (x, _), word in zip(signed[1:], words[1:], strict=True)
    )
