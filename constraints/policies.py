"""The mandate: strategic models, limits with their tiers, the price of risk, and how to rebalance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np

from ..errors import AccountError, PolicyError
from ..models.accounts import AVERSIONS, Account, Model
from ..models.tilts import Tilt
from ..signals.playbooks import NO_PLAYBOOK, Playbook
from ..units import FrozenMap, did_you_mean
from .bands import Band, face
from .cash import Cash, floor
from .deviations import Deviation
from .fingerprints import fingerprint
from .flows import flow_terms
from .grandfathers import fit
from .leverages import Leverage
from .limits import Context, Limit, ends
from .names import CASH_FLOOR, LONG_ONLY, PARTICIPATION, number_names
from .phases import PACE, PHASE, Pace, Phases
from .quorums import Governance
from .rebalances import Rebalance
from .regimes import check_states
from .restrictions import account_boxes
from .settings import Assumptions, Estimation, Trading
from .terms import Box, Term
from .tickets import Lots
from .time_limits import check_clocks, list_time_limits
from .tripwires import Tripwires


@dataclass(frozen=True)
class Policy:
    """A mandate, from Python or from TOML (:func:`trimtab.constraints.read_policy`).

    Parameters
    ----------
    limits
        In the order that breaks ties; a repeated name is numbered.
    models
        Strategic weights by model id: ``{"balanced": {"SPY": 0.6, "TLT": 0.4}}``.
    risk_aversion
        The gamma of the objective; an account's override replaces it everywhere.
    cost_horizon_years
        How long a trade is expected to be held, so that a one-off cost and an annual gain meet in one unit.
    horizon_follows_views
        Spread costs over no more than the mean remaining life of the live views.
    round_trip
        Charge the way back too: a position will have to be closed.
    long_only
        True keeps every weight, and cash after costs, at or above zero; False leaves signs to the limits and requires
        a leverage limit.
    phases
        The way to the tactical target in steps; None for all of it at once.
    regime
        Which of the limits with ``when`` are in force; empty for none of them. :meth:`in_regime` changes it.
    playbook
        Which signals are read, and what is done about them.

    Raises
    ------
    PolicyError
        Numbers out of range, shorts without leverage, two limits under one given name.

    >>> Policy(models={"m": {"SPY": 0.6, "TLT": 0.4}}).model(Account("1", "m", {})).risk_aversion
    6.0
    """

    limits: tuple[Limit, ...] = ()
    models: Mapping[str, Mapping[str, float]] = field(default_factory=FrozenMap)
    risk_aversion: float = 6.0
    cost_horizon_years: float = 0.5
    horizon_follows_views: bool = False
    round_trip: bool = False
    long_only: bool = True
    rebalance: Rebalance = field(default_factory=Rebalance)
    trades: Trading = field(default_factory=Trading)
    estimation: Estimation = field(default_factory=Estimation)
    assumptions: Assumptions = field(default_factory=Assumptions)
    tripwires: Tripwires = field(default_factory=Tripwires)
    governance: Governance = field(default_factory=Governance)
    phases: Phases | None = None
    regime: str = ""
    playbook: Playbook = NO_PLAYBOOK

    def __post_init__(self) -> None:
        """Number repeated names and check what concerns the policy as a whole."""
        object.__setattr__(self, "limits", number_names(self.limits))
        object.__setattr__(self, "models", FrozenMap({str(k): FrozenMap(v) for k, v in dict(self.models).items()}))
        ranges = (
            ("risk_aversion", self.risk_aversion, 1e-3, 1e4),
            ("cost_horizon_years", self.cost_horizon_years, 1e-3, 1e3),
            ("indifference", self.trades.indifference, 0.0, 1.0),
            ("trade_worth", self.trades.trade_worth, 0.0, 1.0),
        )
        for name, value, least, most in ranges:
            if not least <= value <= most:
                raise PolicyError(
                    f"{name} is {value}",
                    code="BAD_POLICY",
                    table="policy",
                    field=name,
                    value=value,
                    mend=f"between {least:g} and {most:g}",
                )
        if not self.long_only and not any(isinstance(limit, Leverage) for limit in self.limits):
            raise PolicyError(
                "long_only is false and no leverage limit bounds the gross weight",
                code="NO_LEVERAGE",
                table="policy",
                field="long_only",
                value=False,
                mend="add a limit of kind leverage",
            )
        self._check_way()
        check_states(self.limits, self.playbook)
        for name, weights in self.models.items():
            Model(name, weights, self.risk_aversion)

    def _check_way(self) -> None:
        """Refuse a trigger or a destination that reads bands where there are none, or goes another way than phases."""
        missing = "destination" if self.rebalance.destination == "edge" and not self.bands else ""
        if "band" in self.rebalance.triggers and not any(band.triggers for band in self.bands):
            missing = "trigger"
        if missing:
            value = getattr(self.rebalance, missing)
            raise PolicyError(
                f"rebalance.{missing} is {value!r} and no band says how far a weight may drift",
                code="NO_BAND",
                table="policy",
                field=f"rebalance.{missing}",
                value=value,
                mend='add a limit of kind band, with use = "trigger" or "both"',
            )
        if self.phases is not None and self.rebalance.destination != "ideal":
            raise PolicyError(
                f"phases lead all the way, and rebalance.destination is {self.rebalance.destination!r}",
                code="PHASED_DESTINATION",
                table="policy",
                field="rebalance.destination",
                value=self.rebalance.destination,
                mend='leave out one of the two: destination = "ideal" goes with phases',
            )

    @property
    def bands(self) -> tuple[Band, ...]:
        """Its bands, in order."""
        return tuple(limit for limit in self.in_force if isinstance(limit, Band))

    @property
    def needs_target(self) -> bool:
        """Whether something is measured from the tactical target, so that it has to be known."""
        rules = self.rebalance
        measured = "tracking_error" in rules.triggers and rules.tracking_error_from == "tactical"
        return bool(self.bands) or measured or self.phases is not None

    @property
    def pace(self) -> Pace:
        """How fast an account goes, as the limit that gives way first: its tier is below every other."""
        lowest = max((limit.tier for limit in self.limits), default=0) + 1
        return Pace(name=PACE if self.phases is None else PHASE, tier=min(lowest, 1000))

    def model(self, account: Account) -> Model:
        """Hand out the account's strategic model; raise ``AccountError`` where there is none."""
        if account.model not in self.models:
            raise AccountError(
                f"there is no model {account.model!r}",
                code="UNKNOWN_MODEL",
                table="accounts",
                field="model_id",
                value=account.model,
                mend=did_you_mean(account.model, self.models) or "add it to strategic",
            )
        return Model(account.model, self.models[account.model], self.risk_aversion)

    def with_models(self, models: Mapping[str, Mapping[str, float]]) -> Policy:
        """Return the policy with the strategic models of a book."""
        return replace(self, models=models)

    def in_regime(self, regime: str) -> Policy:
        """Return the policy as it is in a regime: the limits whose ``when`` names it hold too.

        Whoever tells regimes apart may know more of them than the limits; a policy file has to name one of theirs.
        """
        return replace(self, regime=regime)

    @property
    def in_force(self) -> tuple[Limit, ...]:
        """The limits that hold in the policy's regime, in order."""
        return tuple(limit for limit in self.limits if limit.holds(self.regime))

    @property
    def timed(self) -> bool:
        """Whether a time limit is in force, so that tactical positions have clocks."""
        return any(list_time_limits(self.in_force))

    @property
    def forgiving(self) -> bool:
        """Whether a limit in force is grandfathered, so that breaches are kept."""
        return any(limit.grandfather for limit in self.in_force)

    def measured(self, context: Context) -> Context:
        """Return a context with what time limits stand back for: the leeway of the deviation limits, and the lots."""
        n, shape = len(context.market.universe), np.shape(context.strategic)
        leeway, lot = np.full((*shape[:-1], 2, n), np.inf), np.zeros(shape)
        for limit in self.in_force:
            if isinstance(limit, Deviation):
                leeway = np.minimum(leeway, np.stack(limit.leeway(context), axis=-2))
            elif isinstance(limit, Lots):
                prices = np.where(np.isfinite(context.market.prices), context.market.prices, 0.0)
                lot = np.maximum(lot, limit.units(context) * prices / np.asarray(context.nav)[..., None])
        return replace(context, leeway=leeway, lot=lot)

    def check(self, context: Context) -> None:
        """Refuse limits that cannot go together for a model at rest; raise ``PolicyError`` with the arithmetic."""
        if self.timed:
            check_clocks(self.in_force, self.measured(context), long_only=self.long_only)

    def aversion(self, account: Account) -> float:
        """Return the account's own gamma, or the policy's; raise ``AccountError`` unless it is positive."""
        own = account.overrides.get("risk_aversion", self.risk_aversion)
        if not (isinstance(own, Real) and AVERSIONS[0] <= own <= AVERSIONS[1]):
            raise AccountError(
                f"its risk aversion is {own}",
                code="BAD_AVERSION",
                table="accounts",
                field="risk_aversion",
                value=own,
                mend="between 0.001 and 10000; 2 to 20 is usual",
            )
        return float(own)

    def horizon(self, belief: Tilt) -> float:
        """Return the years a cost is spread over: fewer with views that end soon, half where the way back counts."""
        years = min(self.cost_horizon_years, belief.life) if self.horizon_follows_views else self.cost_horizon_years
        return max(years, 1e-3) / (2.0 if self.round_trip else 1.0)

    def terms(self, context: Context) -> tuple[tuple[str, Term], ...]:
        """State every limit as named terms: the standing ones first, then the policy's, in order."""
        self._check_overrides(context)
        slowed = () if context.pace is None else (self.pace,)
        return (*self._standing(context), *self._stated((*self.in_force, *slowed), context))

    def face(self, context: Context, tactical: np.ndarray) -> Context:
        """Return the context with the tactical target, clipped to what the account's limits leave of each weight."""
        others = tuple(limit for limit in self.in_force if not isinstance(limit, Band))
        # What the desk as a whole may trade today is a pace: drift that has to wait for it is drift all the same.
        free = replace(context, allowances=None)
        named = (*self._standing(free), *self._stated(others, free))
        deviations = self._stated(tuple(x for x in others if isinstance(x, Deviation)), free)
        return face(context, tactical, _inside(free, named), _inside(free, deviations))

    def _standing(self, context: Context) -> list[tuple[str, Term]]:
        stated: list[tuple[str, Term]] = []
        if self.long_only:
            zeros = np.zeros_like(context.current)
            stated.append((LONG_ONLY, Box(zeros, zeros + 1.0)))
            if not any(isinstance(x, Cash) and x.tier == 0 and ends(x.least, None)[0] >= 0 for x in self.in_force):
                stated.append((CASH_FLOOR, floor(context, 0.0)))
        stated.extend(account_boxes(context))
        if context.allowances is not None:
            sold, bought = context.allowances
            stated.append((PARTICIPATION, Box(context.current - sold, context.current + bought)))
        if self.rebalance.destination == "flow":
            stated.extend(flow_terms(context))
        return stated

    def _stated(self, limits: Iterable[Limit], context: Context) -> list[tuple[str, Term]]:
        return [(limit.name, fit(limit, term, context)) for limit in limits for term in limit.terms(context)]

    def _check_overrides(self, context: Context) -> None:
        """Refuse an account's number for something the policy does not limit, or that one number cannot tighten."""
        fitting = [limit.name for limit in self.limits if limit.overridable]
        for name in context.overrides:
            own = context.overrides[name]
            if name in fitting and isinstance(own, (Real, np.ndarray)):
                continue
            if name in fitting:
                raise AccountError(
                    f"its own {name} is {own!r}",
                    code="BAD_OVERRIDE",
                    table="accounts",
                    field=name,
                    value=own,
                    mend="a decimal",
                )
            words = "which one number cannot tighten" if name in self.names else "which the policy does not limit"
            raise AccountError(
                f"it overrides {name!r}, {words}",
                code="UNKNOWN_OVERRIDE",
                table="accounts",
                field=name,
                value=own,
                mend=did_you_mean(name, fitting) or "leave it empty",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the limits."""
        return tuple(limit.name for limit in self.limits)

    @property
    def hash(self) -> str:
        """The SHA-256 of everything the policy says, models included; the same in every process."""
        return fingerprint(self)

    def __str__(self) -> str:
        """Return the mandate, a sentence a limit."""
        lines = [f"risk aversion {self.risk_aversion:g}, costs spread over {self.cost_horizon_years:g} years"]
        lines += ["long-only"] if self.long_only else []
        lines += [str(self.rebalance)] if self.rebalance != Rebalance() else []
        lines += [] if self.phases is None else [str(self.phases)]
        lines += [_sentence(limit) for limit in self.limits]
        lines += [*self.playbook.sentences, *self.tripwires.sentences, *self.governance.sentences]
        return "\n".join(lines)


def _inside(context: Context, named: Iterable[tuple[str, Term]]) -> Box:
    """Return what all boxes together leave of each weight."""
    boxes = [term for _, term in named if isinstance(term, Box)]
    lo, hi = np.full_like(context.current, -np.inf), np.full_like(context.current, np.inf)
    for box in boxes:
        lo, hi = np.maximum(lo, box.lo), np.minimum(hi, box.hi)
    return Box(lo, hi)


def _sentence(limit: Limit) -> str:
    when = f" (in {' or '.join(limit.when)})" if limit.when else ""
    return f"{limit}{when}" + (f" (tier {limit.tier})" if limit.tier else "")
