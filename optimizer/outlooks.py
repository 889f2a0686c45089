"""One way the world may be."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.risks import Risk
from ..models.tilts import Tilt


@dataclass(frozen=True, eq=False)
class Outlook:
    """One way the world may be: what is to be believed there, and its risk; the market's own where none is given."""

    name: str
    belief: Tilt
    risk: Risk | None = None
