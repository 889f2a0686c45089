"""What a measure and a transform *are*: a causal function, its memory, and the words and checks of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SignalError
from ..units import FrozenMap, decimal, did_you_mean

Memory = Callable[[Mapping[str, Any]], int | None]
"""Parameters, complete, to the rows that the last row depends on, itself included; None: all rows there are."""


@dataclass(frozen=True)
class Measure:
    """A way to make one number a row out of series.

    Parameters
    ----------
    function
        ``function(values, *, parameter=default, ...)``: plain numpy, causal. Row i of the answer uses rows up to i
        only and is NaN until there is enough of them.
    family
        ``"technical"``, ``"fundamental"`` or ``"sentiment"``.
    memory
        How many rows the last one depends on (:data:`Memory`).
    takes
        The series it wants, in words and in their order, with units: ``"price levels"``, ``"long yield, short yield
        (decimals)"``.
    count
        How many series: 1, and ``function`` works on each column of (T,) or (T, k) by itself; 2 or more, and it takes
        exactly so many columns and returns (T,); None, and it takes any number of columns.
    crosswise
        Whether it compares columns and answers one each, (T, k): the signal is then that of its first series.
    gives
        The unit of the answer, in words.
    """

    function: Callable[..., np.ndarray]
    family: str
    memory: Memory
    takes: str = "levels"
    count: int | None = 1
    crosswise: bool = False
    gives: str = ""


@dataclass(frozen=True)
class Transform:
    """A causal function of a measure's numbers, (T,) or (T, k) column by column; crosswise: across the columns."""

    function: Callable[..., np.ndarray]
    memory: Memory
    crosswise: bool = False


def rows(name: str, more: int = 0) -> Memory:
    """Return the memory that is a parameter and some more rows; a parameter of nought stands for all rows.

    >>> rows("window")({"window": 5}), rows("lookback", 1)({"lookback": 12}), rows("window")({"window": 0})
    (5, 13, None)
    """
    return lambda parameters: (parameters[name] + more) if parameters[name] else None


def only(count: int) -> Memory:
    """Return the memory that does not depend on parameters.

    >>> only(1)({})
    1
    """
    return lambda _: count


def find(known: Mapping[str, Any], kind: str, field: str) -> Any:
    """Return the entry of a registry.

    Raises
    ------
    SignalError
        UNKNOWN_KIND, with the nearest known one.
    """
    if kind not in known:
        raise SignalError(
            f"there is no {field} {kind!r}", code="UNKNOWN_KIND", table="signals", field=field, value=kind,
            mend=did_you_mean(kind, known) or f"one of: {', '.join(sorted(known))}",
        )  # fmt: skip
    return known[kind]


def complete(function: Callable[..., Any], given: Mapping[str, Any], kind: str) -> FrozenMap:
    """Return every parameter of a function: the given ones checked against its signature, defaults for the rest.

    >>> def change(values, *, lookback: int = 1, share: float = 0.5): ...
    >>> complete(change, {"share": "5%"}, "change")
    FrozenMap({'lookback': 1, 'share': 0.05})

    Raises
    ------
    SignalError
        UNKNOWN_PARAMETER, BAD_PARAMETER.
    """
    known = {
        name: each
        for name, each in inspect.signature(function).parameters.items()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for name in given:
        if name not in known:
            raise SignalError(
                f"{kind!r} has no parameter {name!r}", code="UNKNOWN_PARAMETER", table="signals", field=name,
                value=given[name], mend=did_you_mean(name, known) or f"it has: {', '.join(known) or 'none'}",
            )  # fmt: skip
    return FrozenMap(
        {name: _read(each, given[name], kind) if name in given else each.default for name, each in known.items()}
    )


_WANTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word"}


def _read(parameter: inspect.Parameter, value: Any, kind: str) -> Any:
    wanted = getattr(parameter.annotation, "__name__", str(parameter.annotation))
    try:
        if wanted == "int":
            number = decimal(value) if not isinstance(value, int) else value
            if not isinstance(value, bool) and number == int(number):
                return int(number)
        elif wanted == "float":
            return decimal(value)
        elif (wanted == "bool" and isinstance(value, bool)) or (wanted == "str" and isinstance(value, str)):
            return value
    except ValueError:
        pass
    raise SignalError(
        f"the parameter {parameter.name!r} of {kind!r} is {value!r}", code="BAD_PARAMETER", table="signals",
        field=parameter.name, value=value, mend=f"{_WANTED.get(wanted, wanted)}, as {parameter.default!r}",
    )  # fmt: skip


def at_least(kind: str, **limits: tuple[float, float]) -> None:
    """Check parameters against their least values: ``at_least("momentum", lookback=(lookback, 1))``.

    Raises
    ------
    SignalError
        BAD_PARAMETER.
    """
    for name, (value, least) in limits.items():
        if not value >= least:
            raise _beyond(kind, name, value, f"at least {least}")


def at_most(kind: str, **limits: tuple[float, float]) -> None:
    """Check parameters against their greatest values, as :func:`at_least`.

    Raises
    ------
    SignalError
        BAD_PARAMETER.
    """
    for name, (value, most) in limits.items():
        if not value <= most:
            raise _beyond(kind, name, value, f"at most {most}")


def _beyond(kind: str, name: str, value: float, mend: str) -> SignalError:
    message = f"the parameter {name!r} of {kind!r} is {value}"
    return SignalError(message, code="BAD_PARAMETER", table="signals", field=name, value=value, mend=mend)
