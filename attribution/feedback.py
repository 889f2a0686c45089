"""What came of it changes how much the next view is believed: confidences updated, proposed, and approved by a person.

A source that is believed with confidence c is taken to be right with the probability ``(1 + c)/2``: a coin is worth
nothing, one that is never wrong everything; ``c = 2 p - 1`` is the edge of a bet at even odds (Kelly 1956). Before any
forecast has ended p is Beta with that mean and the weight of m forecasts; h right and n - h wrong ones update it
(Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 2.4)::

    p | h, n  ~  Beta(m (1 + c)/2 + h,  m (1 - c)/2 + n - h),      c' = max(0, 2 E(p) - 1)

so that few forecasts move a confidence little. A source is demoted, to nothing, where its record alone excludes skill:
the interval of Beta(1/2 + h, 1/2 + n - h) (Jeffreys) lies below 1/2. What a run reads is the scale ``c'/c``, in the
book's table ``confidences``, and only with the name of who approved it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from ..errors import InputError

WEIGHT = 20.0
"""How many forecasts the stated confidence is worth."""
MOST_SCALE = 2.0
"""A record may at most double what a person says of one view: the rest is for him to say."""
WRITTEN = ("source", "scale", "approved_by", "approval", "because")


def update_confidence(confidence: float, right: int, wrong: int, *, weight: float = WEIGHT) -> float:
    """Return a source's confidence after forecasts that came right or wrong.

    >>> update_confidence(0.5, 0, 0), round(update_confidence(0.5, 15, 5), 6), update_confidence(0.2, 2, 18)
    (0.5, 0.5, 0.0)
    """
    _check(confidence, right, wrong, weight)
    p = (weight * (1.0 + confidence) / 2.0 + right) / (weight + right + wrong)
    return max(0.0, 2.0 * p - 1.0)


def skill_interval(right: int, wrong: int, *, level: float = 0.90) -> tuple[float, float]:
    """Return the interval of the probability to be right, by the record alone (Jeffreys).

    >>> low, high = skill_interval(2, 18)
    >>> high < 0.5
    True
    """
    tail = 0.5 * (1.0 - level)
    low, high = betaincinv(0.5 + right, 0.5 + wrong, [tail, 1.0 - tail])
    return (0.0 if right == 0 else float(low)), (1.0 if wrong == 0 else float(high))


def propose_confidences(calibration: pd.DataFrame, *, weight: float = WEIGHT, level: float = 0.90) -> pd.DataFrame:
    """Propose a confidence for every source; nobody has approved it yet.

    Parameters
    ----------
    calibration
        Index source, with columns ``confidence`` (stated), ``right`` and ``wrong`` (:func:`.forecasts.calibrate`).
    weight
        How many forecasts a stated confidence is worth.
    level
        Of the interval that demotes.

    Returns
    -------
    pandas.DataFrame
        Index source: stated, right, wrong, confidence (new), low, high (of the probability to be right), verdict
        (demote, lower, keep, raise), scale (new over stated), because, and empty approved_by and approval.
    """
    rows = {}
    table = calibration[["confidence", "right", "wrong"]].to_numpy(dtype=float)
    for name, (stated, *counts) in zip(calibration.index, table.tolist(), strict=True):
        right, wrong = (int(count) for count in counts)
        low, high = skill_interval(right, wrong, level=level)
        demoted = right + wrong > 0 and high < 0.5
        new = 0.0 if demoted else update_confidence(stated, right, wrong, weight=weight)
        scale = min(new / stated, MOST_SCALE)
        change = round(new - stated, 6)
        verdict = "demote" if demoted else "keep" if change == 0 else "raise" if change > 0 else "lower"
        said = f"{right} right and {wrong} wrong: {stated:.2f} becomes {new:.2f}"
        if demoted:
            said += f"; right at most {high:.0%} of the time, at {level:.0%}"
        rows[name] = {
            "stated": stated, "right": right, "wrong": wrong, "confidence": new, "low": low, "high": high,
            "verdict": verdict, "scale": scale, "because": said, "approved_by": "", "approval": "",
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def approve_confidences(
    proposed: pd.DataFrame, by: str, approval: str, sources: list[str] | None = None
) -> pd.DataFrame:
    """Return the proposal with the name of who approves it, for some sources or all; the others stay unapproved.

    Raises
    ------
    InputError
        No name, no reference, an unknown source.
    """
    if not by.strip() or not approval.strip():
        raise InputError(
            "an approval needs a name and a reference", code="NOT_APPROVED", field="approved_by", mend="name both"
        )
    chosen = list(proposed.index) if sources is None else sources
    strange = next((each for each in chosen if each not in proposed.index), None)
    if strange is not None:
        raise InputError(f"nothing is proposed for {strange!r}", code="UNKNOWN_SOURCE", field="sources", value=strange)
    told = proposed.copy()
    told.loc[chosen, ["approved_by", "approval"]] = [by, approval]
    return told


def write_confidences(proposed: pd.DataFrame, folder: str | Path) -> Path:
    """Write the approved rows as ``confidences.csv`` into a book, where the next run reads them.

    Under a ledger nothing is written here: :func:`write_proposal` is submitted, and somebody else approves it.

    Raises
    ------
    InputError
        Nothing is approved.
    """
    approved = proposed.loc[proposed["approved_by"] != ""]
    if not len(approved):
        raise InputError(
            "nobody has approved any of these confidences", code="NOT_APPROVED", field="approved_by",
            mend="approve_confidences(proposed, by, approval)",
        )  # fmt: skip
    return _write(approved, Path(folder))


def write_proposal(proposed: pd.DataFrame, folder: str | Path) -> Path:
    """Write all that is proposed as ``confidences.csv``, approved by nobody: what ``trimtab submit`` takes."""
    return _write(proposed.assign(approved_by="", approval=""), Path(folder))


def _write(rows: pd.DataFrame, folder: Path) -> Path:
    path = folder / "confidences.csv"
    named = rows if "source" in rows.columns else rows.reset_index()
    named.loc[:, list(WRITTEN)].to_csv(path, index=False, lineterminator="\n")
    return path


def _check(confidence: float, right: int, wrong: int, weight: float) -> None:
    if not (0.0 <= confidence <= 1.0 and right >= 0 and wrong >= 0 and weight > 0 and np.isfinite(weight)):
        raise InputError(
            f"a confidence of {confidence:g} cannot be updated by {right} right and {wrong} wrong forecasts with a "
            f"weight of {weight:g}", code="BAD_CONFIDENCE", field="confidence", value=confidence,
            mend="a confidence of 0 to 1, counts of 0 or more, a positive weight",
        )  # fmt: skip
