"""How far an account goes that trades, and why one that could trade does not, in words."""

from __future__ import annotations

from ..units import basis_points
from .solutions import Outcome


def arrived(destination: str) -> str:
    """Say how far an account goes that trades."""
    return {
        "edge": "back at the edge of its bands and limits at the least cost, proved",
        "part": "a part of the way to the best weights the policy allows, which are proved",
        "flow": "the best weights for the cash that comes or goes, proved",
    }.get(destination, Outcome.OPTIMAL.value)


def why_no_trade(given_up: float, *, stays: bool) -> str:
    """Say why a solved account does not trade; ``stays`` where its ideal is where it stands."""
    if stays:
        return "the best weights the policy allows are the current ones"
    if given_up <= 0:
        return "no trade is worth its ticket fee"
    return f"no trade is worth making: all of them together would add {basis_points(given_up)} a year"
