"""What came of each decision: the excess return split, without a remainder, along the chain of portfolios.

With the portfolios of :mod:`.chains`, r what assets returned and R what the account's own holdings did::

    r_account - r_b = (t - b)'r      beliefs: each view, rule, overlay, shift
                    + (t0 - t)'r     waiting: what is believed has moved since the last decision
                    + (p - t0)'r     held back: costs, turnover, restrictions, each limit
                    + (f - p)'r      phasing
                    + (q - f)'r      lots
                    + (x - q)'r      execution
                    + (w - x)'r      drift
                    + sum b_i (R_i - r_i)              selection
                    + sum (w_i - b_i)(R_i - r_i)       interaction
                    - costs/NAV
    r_b - r_ref     strategic choice, where a reference is given

It telescopes: the sum is ``w'R - costs/NAV - r_b`` whatever stands between. Over periods it is linked
(:mod:`.linking`), to the difference of compounded returns. The effects of a composite are those of its accounts by NAV.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from ..optimizer.reasons import OUTSIDE
from ..units import FrozenMap, basis_points, percent
from .chains import STAGES, Chain, Origin, with_rest
from .linking import Linking, compoundable, compounded, link

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

GROUPS = (
    "strategic choice", "beliefs", "waiting", "held back", "phasing", "lots", "execution", "drift", "selection",
    "interaction", "costs",
)  # fmt: skip
BELIEFS, HELD = "beliefs", "held back"
By = Literal["effect", "group", "asset", "class", "regime", "period", "view", "signal", "rule", "author", "kind"]
WAYS: tuple[By, ...] = (
    "effect", "group", "asset", "class", "regime", "period", "view", "signal", "rule", "author", "kind"
)  # fmt: skip
UNNAMED = "nobody named"


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each decision earned.

    Parameters
    ----------
    name
        Of the account or composite.
    periods, assets
        T and n labels.
    names, groups
        Of the E effects, and which of :data:`GROUPS` each is of. A view made of signals is one effect a signal.
    effects, linked
        Shape (T, E, n): of each period, decimals of its starting value; and what each contributes over all of them.
    portfolio, benchmark
        Returns of the periods; the benchmark is the reference where one is given.
    regimes, origins, classes
        As the chains have them.
    residual
        The largest part of a period's excess return that no effect explains.
    apart
        The largest weight between portfolios that were recorded and those replayed.
    """

    name: str
    periods: pd.Index
    assets: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    effects: np.ndarray
    linked: np.ndarray
    portfolio: pd.Series
    benchmark: pd.Series
    regimes: tuple[str, ...]
    origins: Mapping[str, Origin]
    classes: Mapping[str, str]
    residual: float
    apart: float

    @property
    def excess(self) -> float:
        """What the linked effects sum to: compounded portfolio less compounded benchmark."""
        return compounded(self.portfolio.to_numpy()) - compounded(self.benchmark.to_numpy())

    def to_frame(self) -> pd.DataFrame:
        """Return a row a period, effect and asset on which it did anything: value and linked, decimals.

        ``signal``, ``author`` and ``kind`` say who a belief comes from; they are empty for all else.
        """
        t, e, i = np.nonzero(self.effects)
        groups = np.array(self.groups, dtype=object)
        origins = [self.origins.get(name, Origin()) for name in self.names]
        told = [(self.label(name), each.signal, each.author, each.kind)
                for name, each in zip(self.names, origins, strict=True)]  # fmt: skip
        names, signals, authors, kinds = (np.array(own, dtype=object) for own in zip(*told, strict=True))
        return pd.DataFrame(
            {
                "period": self.periods[t], "group": groups[e], "effect": names[e], "signal": signals[e],
                "author": authors[e], "kind": kinds[e],
                "asset_id": np.array(self.assets, dtype=object)[i], "value": self.effects[t, e, i],
                "linked": self.linked[t, e, i],
            }
        )  # fmt: skip

    def series(self, by: By = "effect") -> pd.DataFrame:
        """Return what each label contributed in each period, periods by labels; a row sums to its excess return.

        ``view``, ``author``, ``kind``, ``signal`` and ``rule`` split the beliefs; whatever else was decided keeps the
        name of its group. A view made of several signals is split by what part of its score each was.
        """
        return self._frame(self.effects, by)

    def by(self, by: By = "group") -> pd.DataFrame:
        """Return a row a label: ``sum`` over the periods, and ``linked``, which sums to :attr:`excess`."""
        plain, joined = self._frame(self.effects, by).sum(), self._frame(self.linked, by).sum()
        return pd.DataFrame({"sum": plain, "linked": joined}).rename_axis(by)

    def waterfall(self, by: By = "group") -> pd.DataFrame:
        """Return the steps from the benchmark's return to the account's: columns start, size, end, compounded."""
        found = self.by(by)["linked"]
        begin = compounded(self.benchmark.to_numpy())
        ends = begin + found.cumsum()
        table = pd.DataFrame({"start": ends - found, "size": found, "end": ends}).rename_axis("step")
        whole = pd.DataFrame(
            {"start": [0.0, 0.0], "size": [begin, begin + found.sum()], "end": [begin, begin + found.sum()]},
            index=pd.Index(["benchmark", "account"], name="step"),
        )
        return pd.concat([whole.iloc[:1], table, whole.iloc[1:]])

    def plot(self, by: By = "group") -> Figure:
        """Draw the steps from the benchmark's return to the account's."""
        from .plots import draw_waterfall

        return draw_waterfall(self, by)

    def __str__(self) -> str:
        """Say it in a few lines."""
        own, base = compounded(self.portfolio.to_numpy()), compounded(self.benchmark.to_numpy())
        lines = [
            f"{self.name}: {percent(own)} against {percent(base)}, {basis_points(self.excess, 1)} in "
            f"{len(self.periods):,} periods to {str(self.periods[-1])[:10]}"
        ]
        lines += [f"{name:<18}{row['linked'] * 1e4:>+10.2f} bp" for name, row in self.by("group").iterrows()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _frame(self, effects: np.ndarray, by: By) -> pd.DataFrame:
        if by not in WAYS:
            raise InputError(
                f"an attribution is not split by {by!r}", code="UNKNOWN_METHOD", field="by", value=by,
                mend=f"one of {', '.join(WAYS)}",
            )  # fmt: skip
        columns: dict[str, np.ndarray] = {}

        def add(label: str, values: np.ndarray) -> None:
            columns[label] = columns.get(label, 0.0) + values

        if by == "period":
            for t, label in enumerate(self.periods):
                add(str(label), np.where(np.arange(len(self.periods)) == t, effects.sum((1, 2)), 0.0))
        elif by == "regime":
            for state in dict.fromkeys(self.regimes):
                add(state or UNNAMED, np.where(np.array(self.regimes) == state, effects.sum((1, 2)), 0.0))
        elif by in ("asset", "class"):
            for i, asset in enumerate(self.assets):
                add(asset if by == "asset" else self.classes.get(asset, asset), effects[:, :, i].sum(1))
        else:
            for e, (name, group) in enumerate(zip(self.names, self.groups, strict=True)):
                add(self._label(name, group, by), effects[:, e].sum(-1))
        return pd.DataFrame(columns, index=self.periods)

    def label(self, name: str) -> str:
        """Return what an effect is told as: the view, where it is one signal's part of it."""
        return self.origins.get(name, Origin()).part_of or name

    def _label(self, name: str, group: str, by: By) -> str:
        if by == "effect":
            return self.label(name)
        if by == "group" or group != BELIEFS:
            return group
        origin = self.origins.get(name, Origin())
        if by == "author":
            return origin.author or UNNAMED
        if by == "kind":
            return origin.kind or UNNAMED
        if by == "signal":
            return origin.signal or self.label(name)
        return self.label(name) if by == origin.kind else f"other {BELIEFS}"


def attribute(
    chains: Chain | Sequence[Chain],
    *,
    start: object = None,
    end: object = None,
    linking: Linking = "carino",
    name: str = "",
) -> Attribution:
    """Split what an account, a composite of accounts or a backtest earned beyond its benchmark, by decision.

    Parameters
    ----------
    chains
        Of one account or backtest (:func:`.sequences.read_chain`, :func:`.traces.trace`, :func:`.chains.chain`), or of
        several with the same assets: then a composite, each account counting with its NAV at the start of a period.
    start, end
        Periods that end after ``start`` and not after ``end``; all by default.
    linking
        How periods are joined; see :mod:`.linking`.
    name
        Of the composite.

    Raises
    ------
    InputError
        No periods, accounts that hold other assets, references of some only, a return of -100 % or less.

    >>> from .chains import chain
    >>> frame = lambda row: pd.DataFrame([row], index=[1], columns=["EQ", "BD"])
    >>> made = chain("one", {"strategic": frame([0.6, 0.4]), "tactical": frame([0.7, 0.3]),
    ...     "held": frame([0.65, 0.35])}, frame([0.05, 0.01]), beliefs={"view up": frame([0.1, -0.1])})
    >>> attribute(made).by("effect")["linked"].round(4).loc[["view up", "waiting"]].to_dict()
    {'view up': 0.004, 'waiting': -0.002}
    """
    given = (chains,) if isinstance(chains, Chain) else tuple(chains)
    if not given:
        raise InputError("there is no chain to attribute", code="EMPTY_TABLE", field="chains", mend="one at least")
    given = tuple(each.between(start, end) for each in given) if start is not None or end is not None else given
    _check_alike(given)
    periods = given[0].periods
    for each in given[1:]:
        periods = periods.union(each.periods)
    shares, regimes = _shares(given, periods)
    told = [_effects(each) for each in given]
    names = {label: group for split in told for label, (group, _) in split.items()}
    names = dict(sorted(names.items(), key=lambda item: GROUPS.index(item[1])))
    effects = np.zeros((len(periods), len(names), len(given[0].assets)))
    portfolio, benchmark = np.zeros(len(periods)), np.zeros(len(periods))
    for each, split, share in zip(given, told, shares, strict=True):
        at = periods.get_indexer(each.periods)
        own = share[at]
        for e, label in enumerate(names):
            if label in split:
                effects[at, e] += own[:, None] * split[label][1]
        portfolio[at] += own * each.earned
        base = each.weights[:, 0] if each.reference is None else each.reference
        benchmark[at] += own * (base * each.returns).sum(-1)
    compoundable(portfolio, "portfolio")
    residual = float(np.abs(portfolio - benchmark - effects.sum((1, 2))).max())
    linked = link(effects, portfolio, benchmark, linking)
    merged = lambda field: FrozenMap({k: v for each in given for k, v in getattr(each, field).items()})  # noqa: E731
    return Attribution(
        name or (given[0].name if len(given) == 1 else f"{len(given)} accounts"), periods, given[0].assets,
        tuple(names), tuple(names.values()), effects, linked, pd.Series(portfolio, periods),
        pd.Series(benchmark, periods), regimes, merged("origins"), merged("classes"), residual,
        max(each.apart for each in given),
    )  # fmt: skip


def _effects(one: Chain) -> dict[str, tuple[str, np.ndarray]]:
    """Return the effects of one chain, each with its group and values of shape (T, n)."""
    at = {name: one.weights[:, k] for k, name in enumerate(STAGES)}
    r, extra = one.returns, np.asarray(one.own) - one.returns
    found: dict[str, tuple[str, np.ndarray]] = {}

    def add(name: str, group: str, values: np.ndarray) -> None:
        known = found.get(name)
        found[name] = (group, values) if known is None else (known[0], known[1] + values)

    if one.reference is not None:
        add("strategic choice", "strategic choice", (at["strategic"] - one.reference) * r)
    for name, part in with_rest(one.beliefs, at["tactical"] - at["strategic"], "beliefs, not split").items():
        if not part.any():
            continue
        # A limit that all accounts share holds the tactical target back already.
        add(name, HELD if name.startswith(HELD) or name == OUTSIDE else BELIEFS, part * r)
    add("waiting", "waiting", (at["decided"] - at["tactical"]) * r)
    for name, part in with_rest(one.holds, at["ideal"] - at["decided"], HELD).items():
        if part.any() or name == HELD:
            add(name, HELD, part * r)
    steps = (("phasing", "ideal", "phased"), ("lots", "phased", "target"), ("execution", "target", "filled"))
    for name, before, after in (*steps, ("drift", "filled", "held")):
        add(name, name, (at[after] - at[before]) * r)
    add("selection", "selection", at["strategic"] * extra)
    add("interaction", "interaction", (at["held"] - at["strategic"]) * extra)
    add("costs", "costs", -np.asarray(one.costs))
    return found


def _shares(given: Sequence[Chain], periods: pd.Index) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return each account's part of the composite in each period, shape (accounts, T), and the regimes."""
    money = np.zeros((len(given), len(periods)))
    regimes = [""] * len(periods)
    for k, each in enumerate(given):
        at = periods.get_indexer(each.periods)
        money[k, at] = each.nav
        for i, state in zip(at, each.regimes, strict=True):
            regimes[i] = regimes[i] or state
    whole = money.sum(0)
    if not (whole > 0).all():
        raise InputError(
            f"nobody has money in the period {periods[int(np.argmin(whole))]}", code="NO_MONEY", field="nav",
            mend="leave out the period",
        )  # fmt: skip
    return money / whole, tuple(regimes)


def _check_alike(given: Sequence[Chain]) -> None:
    first = given[0]
    for each in given[1:]:
        if each.assets != first.assets or (each.reference is None) != (first.reference is None):
            raise InputError(
                f"{each.name} has other assets than {first.name}, or only one of them has a reference",
                code="OTHER_ASSETS", field="chains", value=each.name, mend="chains of one universe",
            )  # fmt: skip


def restrict(found: Attribution, regime: str) -> Attribution:
    """Return the attribution of the periods in a regime, linked among themselves."""
    kept = np.array([state == regime for state in found.regimes])
    if not kept.any():
        raise InputError(f"no period is in the regime {regime!r}", code="NO_SESSION", field="regime", value=regime)
    effects, own, base = found.effects[kept], found.portfolio.loc[kept], found.benchmark.loc[kept]
    linked = link(effects, np.asarray(own, dtype=float), np.asarray(base, dtype=float))
    return replace(
        found, periods=found.periods[kept], effects=effects, linked=linked, portfolio=own, benchmark=base,
        regimes=(regime,) * int(kept.sum()),
    )  # fmt: skip
