"""One account in numbers, an asset a row: where it stands, where it should, and what each limit leaves of each weight.

What is drawn of an account is drawn from these tables and from nothing else, so that a figure and the table beside it
cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..constraints import terms
from ..constraints.policies import Policy
from .problems import Case

RANGES = ("limit", "asset_id", "low", "high")


def tabulate_weights(case: Case, ideal: np.ndarray, target: np.ndarray | None = None) -> pd.DataFrame:
    """Return a row an asset: current, strategic, ideal, target, low, high and the share of each view, decimals of NAV.

    Parameters
    ----------
    case
        The account; ``low`` and ``high`` are what all its limits together leave of each weight.
    ideal, target
        Weights, shape (n,); without a target there is no column of it.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``asset_id``; a view's column is called ``view:ID``.
    """
    universe, program = case.context.market.universe, case.program
    columns = {"current": program.current, "strategic": case.context.strategic, "ideal": ideal}
    columns |= {} if target is None else {"target": target}
    columns |= {"low": program.lo, "high": program.hi}
    columns |= {f"view:{v}": row for v, row in zip(case.belief.views, case.belief.rows(case.aversion), strict=True)}
    return pd.DataFrame(columns, index=pd.Index(universe.assets, name="asset_id"))


def tabulate_ranges(policy: Policy, case: Case) -> pd.DataFrame:
    """Return what each limit on single weights leaves of each: a row a limit and an asset.

    They are read off the limits' own terms, overrides and grandfathering included: deviation limits, positions,
    restrictions, phases, and bands, those too that only ask for a rebalance and are no limit on new weights.

    Parameters
    ----------
    policy
        Whose bands have a say.
    case
        The account.

    Returns
    -------
    pandas.DataFrame
        ``limit``, ``asset_id``, ``low``, ``high``: decimals of NAV, infinite where absent; limits in the order in
        which they are stated.
    """
    assets, found = np.array(case.context.market.universe.assets, dtype=object), []
    for name, box in _boxes(policy, case):
        low, high = (np.broadcast_to(np.asarray(side, dtype=float), assets.shape) for side in (box.lo, box.hi))
        there = np.isfinite(low) | np.isfinite(high)
        values = (np.full(int(there.sum()), name, dtype=object), assets[there], low[there], high[there])
        found.append(pd.DataFrame(dict(zip(RANGES, values, strict=True))))
    return pd.DataFrame(pd.concat(found, ignore_index=True)) if found else pd.DataFrame(columns=list(RANGES))


def _boxes(policy: Policy, case: Case) -> Iterator[tuple[str, terms.Box]]:
    stated = [(name, term) for name, term in case.program.named if isinstance(term, terms.Box)]
    yield from stated
    tactical, known = case.context.tactical, {name for name, _ in stated}
    if tactical is None or not np.isfinite(tactical).all():
        return
    for band in policy.bands:
        if band.name not in known and isinstance(box := band.around(case.context), terms.Box):
            yield band.name, box
