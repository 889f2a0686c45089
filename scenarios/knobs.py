"""What may be turned in a question: a number of the policy, of a view, or of the market, by name.

::

    risk_aversion, cost_horizon_years          of the policy
    turnover, tracking_error, "equity range"   a limit by its name: its ``most`` (a band's ``absolute``) ...
    limit.deviation.up                         ... or another of its fields
    view.VIEW_ID.gain, view.VIEW_ID.confidence of one view
    gain, confidence                           of every view at once, as a multiplier (confidence at most 1)
    costs, volatility                          of every asset at once, as a multiplier
    price.ASSET_ID                             of one asset, as a multiplier: what it has done since the close
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ..constraints.limits import Limit
from ..constraints.policies import Policy
from ..errors import InputError, PolicyError
from ..models.costs import Costs
from ..models.markets import Market
from ..models.views import View
from ..units import decimal, did_you_mean

_POLICY = ("risk_aversion", "cost_horizon_years")
_WHOLE = ("gain", "confidence", "costs", "volatility")
_MAIN = ("most", "absolute", "relative", "least", "life_days", "days")
_VIEW = ("gain", "confidence")


@dataclass(frozen=True)
class Setting:
    """What a question is asked of: the mandate, the market and the views."""

    policy: Policy
    market: Market
    views: tuple[View, ...]


@dataclass(frozen=True)
class Knob:
    """One number of a setting and the values to turn it to.

    Parameters
    ----------
    name
        What is turned, as in :mod:`.knobs`.
    values
        Decimals, or texts such as ``"2%"``.

    >>> Knob("turnover", ("5%", 0.10)).values
    (0.05, 0.1)
    """

    name: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Read the values."""
        try:
            object.__setattr__(self, "values", tuple(decimal(value) for value in self.values))
        except ValueError as error:
            raise _bad(self.name, str(error), self.values, "decimals, or texts like '2%'") from None
        if not self.values:
            raise _bad(self.name, "it has no values", "", "give one value or more")


def spread(text: str) -> Knob:
    """Read a knob from the text ``NAME=LOW:HIGH:COUNT`` (evenly spaced, ends included) or ``NAME=A,B,C``.

    >>> spread("tracking_error=1%:3%:3").values
    (0.01, 0.02, 0.03)
    """
    name, equals, given = text.rpartition("=")
    if not equals or not name.strip() or not given.strip():
        raise _bad(text, "it is not NAME=VALUES", text, "for example tracking_error=0.5%:4%:50 or turnover=5%,10%")
    parts = [part.strip() for part in given.split(":")]
    if len(parts) == 1:
        return Knob(name.strip(), tuple(part.strip() for part in given.split(",")))  # type: ignore[arg-type]
    try:
        low, high, count = decimal(parts[0]), decimal(parts[1]), int(parts[2])
        if len(parts) != 3 or count < 2:
            raise ValueError("LOW:HIGH:COUNT has three parts, and COUNT is 2 or more")
    except (ValueError, IndexError) as error:
        raise _bad(name, str(error), given, "for example 0.5%:4%:50") from None
    return Knob(name.strip(), tuple(float(round(value, 15)) for value in np.linspace(low, high, count)))


def turn(setting: Setting, name: str, value: float) -> Setting:
    """Return the setting with one number turned to a value.

    Raises
    ------
    InputError
        No such knob (the message names the nearest), or a value that its owner refuses.
    """
    if name in _POLICY:
        return replace(setting, policy=replace(setting.policy, **{name: value}))
    if name in _WHOLE:
        return _whole(setting, name, value)
    kind, _, rest = name.partition(".")
    if kind == "view" and rest:
        return _view(setting, rest, value)
    if kind == "price" and rest:
        return _price(setting, rest, value)
    return _limit(setting, name, value)


def scale_costs(costs: Costs, multiplier: float) -> Costs:
    """Return every cost times a number; volumes are what they are."""
    return replace(
        costs,
        proportional=costs.proportional * multiplier,
        ticket_fee=costs.ticket_fee * multiplier,
        impact=costs.impact * multiplier,
    )


def current(setting: Setting, name: str) -> float:
    """Return where a knob stands now; 1 for a multiplier."""
    if name in _POLICY:
        return float(getattr(setting.policy, name))
    kind, _, rest = name.partition(".")
    if name in _WHOLE or (kind == "price" and rest):
        return 1.0
    if kind == "view" and rest:
        view, field = _find_view(setting, rest)
        return float(getattr(view, field))
    limit, field = _find_limit(setting, name)
    return decimal(getattr(limit, field))


def name_knobs(setting: Setting) -> list[str]:
    """List every knob of a setting by name."""
    limits = [limit.name for limit in setting.policy.in_force if _main(limit)]
    views = [f"view.{view.id}.{field}" for view in setting.views for field in _VIEW]
    return [*_POLICY, *limits, *views, *_WHOLE]


def _whole(setting: Setting, name: str, value: float) -> Setting:
    if not value >= 0:
        raise _bad(name, f"the multiplier is {value}", value, "a number of at least 0; 1 changes nothing")
    market = setting.market
    if name == "costs":
        return replace(setting, market=replace(market, costs=scale_costs(market.costs, value)))
    if name == "volatility":
        if not value > 0:
            raise _bad(name, "the multiplier is 0", value, "a number above 0: nothing but cash is without risk")
        return replace(setting, market=replace(market, risk=market.risk.scaled(np.full(len(market.universe), value))))
    if name == "gain":
        return replace(setting, views=tuple(replace(view, gain=view.gain * value) for view in setting.views))
    # A view that nobody believes says nothing.
    views = tuple(replace(view, confidence=min(view.confidence * value, 1.0)) for view in setting.views if value > 0)
    return replace(setting, views=views)


def _price(setting: Setting, asset: str, value: float) -> Setting:
    market = setting.market
    assets = market.universe.assets
    if asset not in assets:
        mend = did_you_mean(asset, assets) or _listed(assets)
        raise _bad(f"price.{asset}", f"there is no asset {asset!r}", asset, mend)
    if not value > 0:
        raise _bad(f"price.{asset}", f"the multiplier is {value}", value, "a number above 0; 1 changes nothing")
    prices = np.array(market.prices)
    prices[market.universe.positions[asset]] *= value
    return replace(setting, market=replace(market, prices=prices))


def _view(setting: Setting, rest: str, value: float) -> Setting:
    view, field = _find_view(setting, rest)
    if field == "confidence" and value == 0:
        return replace(setting, views=tuple(own for own in setting.views if own is not view))
    turned = replace(view, **{field: value})
    return replace(setting, views=tuple(turned if own is view else own for own in setting.views))


def _find_view(setting: Setting, rest: str) -> tuple[View, str]:
    name, _, field = rest.rpartition(".")
    if field not in _VIEW:
        name, field = rest, "gain"
    known = [view.id for view in setting.views]
    if name not in known:
        raise _bad(f"view.{rest}", f"there is no view {name!r}", name, did_you_mean(name, known) or _listed(known))
    return setting.views[known.index(name)], field


def _limit(setting: Setting, name: str, value: float) -> Setting:
    limit, field = _find_limit(setting, name)
    whole = isinstance(getattr(limit, field), int) and float(value).is_integer()
    turned = replace(limit, **{field: int(value) if whole else value})
    limits = tuple(turned if own is limit else own for own in setting.policy.limits)
    return replace(setting, policy=replace(setting.policy, limits=limits))


def _find_limit(setting: Setting, text: str) -> tuple[Limit, str]:
    """Find the limit and the field that a name means: ``NAME``, ``limit.NAME`` or ``limit.NAME.FIELD``."""
    names = {limit.name: limit for limit in setting.policy.limits}
    name, field = text, ""
    if text.startswith("limit.") and text not in names:
        name = text.removeprefix("limit.")
        if name not in names:
            name, _, field = name.rpartition(".")
    if name not in names:
        known = name_knobs(setting)
        raise _bad(text, f"there is no knob {text!r}", text, did_you_mean(text, known) or _listed(known))
    limit = names[name]
    field = field or _main(limit)
    if field not in {f.name for f in fields(limit)} or not field:
        raise PolicyError(
            f"the limit {name!r} has no number {field!r}", code="UNKNOWN_KNOB", table="policy", field=name, value=field,
            mend=f"one of {', '.join(f.name for f in fields(limit))}",
        )  # fmt: skip
    return limit, field


def _main(limit: Limit) -> str:
    """Return the field that is a limit's number, or nothing."""
    own = {f.name for f in fields(limit)}
    return next((name for name in _MAIN if name in own and getattr(limit, name) is not None), "")


def _listed(names: Sequence[str]) -> str:
    return f"one of {', '.join(names)}" if names else "there are none"


def _bad(name: str, message: str, value: object, mend: str) -> InputError:
    return InputError(f"knob {name!r}: {message}", code="BAD_KNOB", table="", field="knob", value=value, mend=mend)
