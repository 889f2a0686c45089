"""What a mandate says, reduced to what has one text in every process."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from numbers import Real
from types import FunctionType
from typing import Any

import numpy as np


def reduced(value: Any) -> Any:
    """Reduce to what has one repr in every process: floats for numbers, sorted pairs for mappings."""
    plain = value
    if is_dataclass(value) and not isinstance(value, type):
        plain = (type(value).__name__, tuple((f.name, reduced(getattr(value, f.name))) for f in fields(value)))
    elif isinstance(value, Mapping):
        plain = tuple(sorted((str(k), reduced(v)) for k, v in value.items()))
    elif isinstance(value, (tuple, list)):
        plain = tuple(reduced(v) for v in value)
    elif isinstance(value, Real) and not isinstance(value, bool):
        plain = float(value)
    elif isinstance(value, np.ndarray):
        plain = (value.shape, value.tobytes())
    elif callable(value):
        plain = _code(value)
    return plain


def _code(value: Any) -> Any:
    """Reduce a function to its code, its defaults and what it closes over; any other callable to its type and state."""
    if isinstance(value, FunctionType):
        closure = tuple(reduced(cell.cell_contents) for cell in value.__closure__ or ())
        return (
            value.__module__,
            value.__qualname__,
            marshal.dumps(value.__code__),
            closure,
            reduced(value.__defaults__),
        )
    return (type(value).__module__, type(value).__qualname__, reduced(getattr(value, "__dict__", {})))
