"""What is read off every point of a sweep."""

from __future__ import annotations

from ..errors import InputError
from ..units import did_you_mean

FIGURES = ("utility", "expected_gain", "tracking_error", "volatility", "turnover", "cost")


def check_figures(*names: str) -> None:
    """Raise ``InputError`` for a name that is no figure of a sweep."""
    for name in names:
        if name not in FIGURES:
            raise InputError(
                f"there is no figure {name!r}", code="UNKNOWN_FIGURE", field="figure", value=name,
                mend=did_you_mean(name, FIGURES) or f"one of {', '.join(FIGURES)}",
            )  # fmt: skip
