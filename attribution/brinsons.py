"""Standard attribution: allocation, selection and interaction by group, for a period and linked over many.

With weights ``wp``, ``wb`` and returns ``Rp``, ``Rb`` by group, and ``b = sum wb Rb``::

    Brinson, Fachler (1985)           allocation = (wp - wb)(Rb - b)
    Brinson, Hood, Beebower (1986)    allocation = (wp - wb) Rb
    both                              selection = wb (Rp - Rb),   interaction = (wp - wb)(Rp - Rb)

which sum to ``r - b``. Geometric (Burnie, Knowles, Teder 1998; Bacon): with ``s = sum wp Rb``::

    allocation = (wp - wb)(Rb - b)/(1 + b),   selection = wp (Rp - Rb)/(1 + s),   (1 + A)(1 + S) = (1 + r)/(1 + b)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from .linking import LINKINGS, Linking, compoundable, link

EFFECTS = ("allocation", "selection", "interaction")
_SUMS = 1e-6


@dataclass(frozen=True, eq=False)
class Brinson:
    """What :func:`brinson` found.

    Parameters
    ----------
    by_period
        Index (period, group), columns allocation, selection, interaction: decimals of the period's starting value.
    linked
        Index group, the same columns and total, over all periods. Without a linking they are plain sums, which miss
        what compounds between periods.
    portfolio, benchmark
        Returns of the periods.
    """

    by_period: pd.DataFrame
    linked: pd.DataFrame
    portfolio: pd.Series
    benchmark: pd.Series


def brinson(
    wp: pd.DataFrame,
    wb: pd.DataFrame,
    rp: pd.DataFrame,
    rb: pd.DataFrame,
    *,
    method: Literal["fachler", "hood-beebower"] = "fachler",
    linking: Linking | Literal["geometric"] | None = "carino",
) -> Brinson:
    """Split the excess return over a benchmark by group.

    Parameters
    ----------
    wp, wb
        Weights of portfolio and benchmark at the start of each period, periods by groups, each row summing to 1.
    rp, rb
        Returns of the groups over each period, decimals. A group without weight may have none (NaN): it then earns what
        it earned on the other side, so that a group outside the benchmark is allocation alone.
    method
        ``"fachler"`` judges an overweight against the benchmark as a whole, ``"hood-beebower"`` against nothing.
    linking
        How periods are joined (:mod:`.linking`); ``"geometric"`` explains ``(1 + R)/(1 + B) - 1`` and has no
        interaction; None adds the periods up.

    Raises
    ------
    InputError
        Frames that do not match, weights that do not sum to 1, a missing return, or one of the whole of -100 % or less.

    >>> one = lambda *row: pd.DataFrame([row], columns=["equity", "bonds"])
    >>> found = brinson(one(0.7, 0.3), one(0.6, 0.4), one(0.10, 0.02), one(0.08, 0.03))
    >>> found.linked.round(4).loc["equity"].to_dict()
    {'allocation': 0.002, 'selection': 0.012, 'interaction': 0.002, 'total': 0.016}
    """
    _check_methods(method, linking)
    _check_shapes(wp, {"wb": wb, "rp": rp, "rb": rb})
    weights, bench = _weights(wp, "wp"), _weights(wb, "wb")
    earned, base = _returns(rp, rb, weights, bench)
    portfolio = compoundable((weights * earned).sum(-1), "portfolio")
    benchmark = compoundable((bench * base).sum(-1), "benchmark")
    judged = base - benchmark[:, None] if method == "fachler" else base
    effects = np.stack([(weights - bench) * judged, bench * (earned - base), (weights - bench) * (earned - base)], -1)
    if linking == "geometric":
        effects, linked, totals = _geometric(weights, effects, earned - base, benchmark)
    else:
        linked = (effects if linking is None else link(effects, portfolio, benchmark, linking)).sum(0)
        totals = linked.sum(-1)
    index = pd.MultiIndex.from_product([wp.index, wp.columns], names=["period", "group"])
    frame = pd.DataFrame(linked, index=pd.Index(wp.columns, name="group"), columns=list(EFFECTS))
    return Brinson(
        pd.DataFrame(effects.reshape(-1, 3), index=index, columns=list(EFFECTS)),
        frame.assign(total=totals),
        pd.Series(portfolio, index=wp.index),
        pd.Series(benchmark, index=wp.index),
    )


def roll_up(
    weights: pd.DataFrame, returns: pd.DataFrame, groups: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return weights and returns of groups from those of their members, so that any level can be attributed.

    Parameters
    ----------
    weights, returns
        Periods by members.
    groups
        The group of each member.

    Returns
    -------
    DataFrame, DataFrame
        Periods by groups: summed weights, and weighted mean returns (NaN where a group's members have no weight).

    >>> w, r = (pd.DataFrame([x], columns=["SPY", "EFA", "TLT"]) for x in ((0.4, 0.2, 0.4), (0.10, 0.04, 0.01)))
    >>> roll_up(w, r, {"SPY": "equity", "EFA": "equity", "TLT": "bonds"})[1].round(3).to_dict("records")
    [{'bonds': 0.01, 'equity': 0.08}]
    """
    missing = [name for name in weights.columns if name not in groups]
    if missing:
        raise InputError(
            f"{missing[0]!r} is in no group", code="NO_GROUP", field="groups", value=missing[0], mend="give it one"
        )
    labels, which = np.unique([groups[name] for name in weights.columns], return_inverse=True)
    member = np.equal.outer(which, np.arange(len(labels))).astype(float)
    held = weights.to_numpy(dtype=float)
    whole, earned = held @ member, np.where(held != 0.0, held * returns.to_numpy(dtype=float), 0.0) @ member
    means = np.where(whole != 0.0, earned / np.where(whole != 0.0, whole, 1.0), np.nan)
    frame = lambda values: pd.DataFrame(values, weights.index, labels.tolist())  # noqa: E731
    return frame(whole), frame(means)


def _geometric(
    weights: np.ndarray, effects: np.ndarray, extra: np.ndarray, benchmark: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return geometric effects by period, linked, and each group's total of ``(1 + A)(1 + S) - 1 = A + S (1 + A)``."""
    semi = benchmark + effects[..., 0].sum(-1)
    compoundable(semi, "allocation")
    allocation, selection = effects[..., 0] / (1 + benchmark[:, None]), weights * extra / (1 + semi[:, None])
    parts = np.stack([allocation, selection, np.zeros_like(allocation)], -1)
    # Totals compound; a group's share of each follows by logarithms, as Carino's does.
    nothing = np.zeros(len(benchmark))
    linked = np.zeros(parts.shape[1:])
    whole = np.expm1(np.log1p(parts.sum(1)).sum(0))
    for k in range(2):
        linked[:, k] = link(parts[..., k], parts[..., k].sum(-1), nothing, "carino").sum(0)
    return parts, linked, linked[:, 0] + linked[:, 1] * (1.0 + whole[0])


def _check_methods(method: str, linking: str | None) -> None:
    for field, value, known in (
        ("method", method, ("fachler", "hood-beebower")),
        ("linking", linking, (*LINKINGS, "geometric", None)),
    ):
        if value not in known:
            raise InputError(
                f"there is no {field} {value!r}", code="UNKNOWN_METHOD", field=field, value=value,
                mend=f"one of {', '.join(map(str, known))}",
            )  # fmt: skip


def _check_shapes(first: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in others.items():
        if not (frame.index.equals(first.index) and frame.columns.equals(first.columns)):
            raise InputError(
                f"{name} has other periods or groups than wp", code="LENGTH", field=name, value=frame.shape,
                mend="four frames with the same index and columns",
            )  # fmt: skip
    if not first.size:
        raise InputError("there are no periods", code="EMPTY_TABLE", field="wp", mend="one row a period")


def _weights(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = frame.to_numpy(dtype=float)
    totals = values.sum(-1)
    bad = ~(np.abs(totals - 1.0) <= _SUMS)
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(
            f"the weights {name} of period {frame.index[at]} sum to {totals[at]:.10g}", code="WEIGHTS_SUM", field=name,
            value=totals[at], mend="decimals that sum to 1, cash included",
        )  # fmt: skip
    return values


def _returns(
    rp: pd.DataFrame, rb: pd.DataFrame, weights: np.ndarray, bench: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides' returns, a side without weight and return filled from the other."""
    own, other = rp.to_numpy(dtype=float), rb.to_numpy(dtype=float)
    earned = np.where(np.isnan(own) & (weights == 0), np.where((bench == 0) & np.isnan(other), 0.0, other), own)
    base = np.where(np.isnan(other) & (bench == 0), earned, other)
    for name, values, frame in (("rp", earned, rp), ("rb", base, rb)):
        bad = ~np.isfinite(values)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                f"{name} has no return of {frame.columns[column]!r} in period {frame.index[row]}, which has a weight",
                code="NO_RETURN", field=name, value=values[row, column], mend="a decimal",
            )  # fmt: skip
    return earned, base
