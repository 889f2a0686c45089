"""What is said of a key of a policy file that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import PolicyError
from ..units import did_you_mean


def unknown_key(place: str, key: str, known: Iterable[str]) -> PolicyError:
    """Make the error that names the key and the nearest known one."""
    known = list(known)
    return PolicyError(
        f"{place} is not known",
        code="UNKNOWN_KEY",
        table="policy",
        field=place,
        value=key,
        mend=did_you_mean(key, known) or f"known: {', '.join(known)}",
    )
