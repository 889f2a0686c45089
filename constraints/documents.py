"""A policy as a TOML document: unknown keys are errors that suggest the nearest known one; ``"5%"`` is a number."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from ..errors import InputError, PolicyError
from ..units import decimal, did_you_mean
from .bands import Band
from .cash import Cash
from .customs import Custom
from .deviations import Deviation
from .groups import Group
from .keys import unknown_key
from .leverages import Leverage
from .limits import Limit, field_names
from .phases import Phases
from .plays import read_playbook
from .policies import Policy
from .positions import Position
from .rebalances import Rebalance
from .regimes import check_regime
from .restrictions import Restriction
from .settings import Assumptions, Estimation, Trading
from .stresses import Stress
from .tickets import Lots, TradeCount, TradeSize
from .time_limits import TimeLimit
from .tracking_errors import TrackingError
from .tripwires import Tripwires
from .turnovers import Turnover
from .volatilities import Volatility
from .waits import Cooldown, Holding

KINDS: Mapping[str, type[Limit]] = {
    kind.kind: kind
    for kind in (
        Deviation,
        Band,
        Group,
        TrackingError,
        Volatility,
        Turnover,
        Cash,
        Position,
        Restriction,
        TimeLimit,
        Stress,
        Cooldown,
        Holding,
        Leverage,
        TradeSize,
        TradeCount,
        Lots,
        Custom,
    )
}
_WRITTEN = tuple(kind for kind in KINDS if kind != Custom.kind)
_Rate = Annotated[float, BeforeValidator(decimal)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Objective(_Section):
    risk_aversion: _Rate = 6.0
    cost_horizon_years: _Rate = 0.5
    horizon_follows_views: bool = False
    round_trip: bool = False
    long_only: bool = True


class _Rebalance(_Section):
    trigger: str | list[str] = "always"
    destination: Literal["ideal", "edge", "part", "flow"] = "ideal"
    part: _Rate = 0.5
    exchange: str = "XNYS"
    every_sessions: int = 21
    cooldown_sessions: int = 0
    tracking_error: _Rate | None = None
    tracking_error_from: Literal["tactical", "strategic"] = "tactical"


class _Phases(_Section):
    steps: list[Any]
    of: Literal["original", "remaining"] = "original"
    merge_at: _Rate = 0.01
    restart_at: _Rate = 0.01
    close_at: _Rate = 0.001


class _Trades(_Section):
    indifference: _Rate = 0.0
    trade_worth: _Rate = 0.002
    exact: bool = False
    node_limit: int = Field(default=1000, ge=1)


class _Risk(_Section):
    method: Literal["ledoit_wolf", "ewma", "sample"] = "ledoit_wolf"
    periods_per_year: _Rate = Field(default=252.0, gt=0)
    half_life: _Rate = Field(default=36.0, gt=0)


class _Market(_Section):
    cash_rate: _Rate = 0.0
    ticket_fee: _Rate = Field(default=0.0, ge=0)
    impact: _Rate = Field(default=0.0, ge=0)


class _Run(_Section):
    max_quarantined: _Rate | None = Field(default=None, ge=0, le=1)
    max_unsolved: _Rate | None = Field(default=None, ge=0, le=1)
    max_participation: _Rate | None = Field(default=None, gt=0, le=1)
    on_participation: Literal["slow", "block"] = "slow"


class _Playbook(_Section):
    order: list[str] = []


class _Document(_Section):
    objective: _Objective = _Objective()
    rebalance: _Rebalance = _Rebalance()
    phases: _Phases | None = None
    trades: _Trades = _Trades()
    risk: _Risk = _Risk()
    market: _Market = _Market()
    run: _Run = _Run()
    regime: str = ""
    models: dict[str, dict[str, _Rate]] = {}
    limits: list[dict[str, Any]] = []
    playbook: _Playbook = _Playbook()
    signals: list[dict[str, Any]] = []
    regimes: list[dict[str, Any]] = []
    opinions: list[dict[str, Any]] = []
    risks: list[dict[str, Any]] = []
    overlays: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []


def read_policy(source: str | Path | Mapping[str, Any]) -> Policy:
    """Read a policy from a TOML file, or from a mapping of the same shape.

    The strategic models usually come with the book: ``read_policy(path).with_models(...)``.

    Raises
    ------
    PolicyError
        Not TOML, an unknown key (the message names the nearest known one), a value of the wrong kind or out of range.

    >>> print(read_policy({"limits": [{"kind": "turnover", "most": "5%"}]}).limits[0])
    one-way turnover is at most 5.00% a rebalance
    >>> read_policy({"limits": [{"kind": "turnover", "mst": "5%"}]})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    trimtab.errors.PolicyError: limits[1].mst is not known [table policy, ...]; mend: did you mean 'most'?
    """
    document = source if isinstance(source, Mapping) else _load(Path(source))
    try:
        read = _Document.model_validate(dict(document))
    except ValidationError as error:
        raise _policy_error(error, "", _Document) from None
    limits = tuple(_limit(entry, f"limits[{i}]") for i, entry in enumerate(read.limits, 1))
    return Policy(
        limits=limits,
        models=read.models,
        risk_aversion=read.objective.risk_aversion,
        cost_horizon_years=read.objective.cost_horizon_years,
        horizon_follows_views=read.objective.horizon_follows_views,
        round_trip=read.objective.round_trip,
        long_only=read.objective.long_only,
        rebalance=_rebalance(read.rebalance),
        trades=Trading(read.trades.indifference, read.trades.trade_worth, read.trades.exact, read.trades.node_limit),
        estimation=Estimation(read.risk.method, read.risk.periods_per_year, read.risk.half_life),
        assumptions=Assumptions(read.market.cash_rate, read.market.ticket_fee, read.market.impact),
        tripwires=Tripwires(
            read.run.max_quarantined, read.run.max_unsolved, read.run.max_participation, read.run.on_participation
        ),
        phases=None if read.phases is None else Phases(**dict(read.phases)),
        regime=check_regime(limits, read.regime),
        playbook=read_playbook(document),
    )


def _rebalance(read: _Rebalance) -> Rebalance:
    trigger = tuple(read.trigger) if isinstance(read.trigger, list) else read.trigger
    return Rebalance(**{**dict(read), "trigger": trigger})


def _load(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PolicyError(
            f"the policy {path.name} cannot be read: {error.strerror}",
            code="UNREADABLE",
            table="policy",
            value=path.name,
            mend="name a TOML file",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(
            f"the policy {path.name} is not TOML: {error}",
            code="NOT_TOML",
            table="policy",
            value=path.name,
            mend="policies are TOML files in UTF-8",
        ) from None


def _limit(entry: Mapping[str, Any], place: str) -> Limit:
    fields = dict(entry)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS or kind == Custom.kind:
        words = (
            "a custom limit is Python code and cannot stand in a file"
            if kind == Custom.kind
            else f"{kind!r} is no kind of limit"
        )
        raise PolicyError(
            f"{place}.kind: {words}",
            code="UNKNOWN_KIND",
            table="policy",
            field=f"{place}.kind",
            value=kind,
            mend=did_you_mean(str(kind), _WRITTEN) or f"one of {', '.join(_WRITTEN)}",
        )
    known = field_names(KINDS[kind])
    for key in fields:
        if key not in known:
            raise unknown_key(f"{place}.{key}", key, known)
    try:
        # TOML has lists where a limit holds tuples.
        plain = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
        read = _strict(KINDS[kind]).model_validate(plain)
        return KINDS[kind](**{key: getattr(read, key) for key in plain})
    except PolicyError as error:
        error.add_note(f"in {place} of the policy")
        raise
    except ValidationError as error:
        raise _policy_error(error, f"{place}.", KINDS[kind]) from None


@cache
def _strict(kind: type[Limit]) -> type[BaseModel]:
    """Return the pydantic model of a limit's fields, in which true is no number and "1" no tier."""
    hints = get_type_hints(kind)
    shape: dict[str, Any] = {f.name: (hints[f.name], f.default) for f in dataclasses.fields(kind)}
    return create_model(kind.__name__, __config__=ConfigDict(extra="forbid", strict=True), **shape)


def _policy_error(error: ValidationError, prefix: str, model: type) -> PolicyError:
    """Turn pydantic's first complaint into ours."""
    first = error.errors(include_url=False)[0]
    own = first.get("ctx", {}).get("error")
    if isinstance(own, InputError):
        own.add_note(f"in {prefix.rstrip('.') or 'the policy'}")
        return own if isinstance(own, PolicyError) else PolicyError(own.message, code=own.code, mend=own.mend)
    path = [str(p) for p in first["loc"]]
    # Below a field of a limit pydantic names the branch of a union it tried: nobody wrote that.
    place = prefix + (path[0] if prefix and path else ".".join(path))
    if first["type"] == "extra_forbidden":
        section: Any = model
        for step in path[:-1]:
            of = section.model_fields[step].annotation
            section = next((own for own in get_args(of) if own is not type(None)), of)  # a section that may be absent
        return unknown_key(place, path[-1], list(section.model_fields))
    wanted = first.get("ctx", {}).get("expected", "")
    return PolicyError(
        f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}",
        code="BAD_VALUE",
        table="policy",
        field=place,
        value=first.get("input"),
        mend=f"give {wanted}" if wanted else "see the policy page of the documentation",
    )
