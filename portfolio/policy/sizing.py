"""[risk.sizing]: how large one position may be. Each kind reads its own keys, and every other is refused."""

from __future__ import annotations

from typing import Any

from portfolio.section import Section
from portfolio.types import SizingPolicy

KEYS: dict[
    str, dict[str, tuple[float, float, Any]]
] = {  # kind -> key -> (lowest, highest, the value where the file is silent, ... where it must not be)
    "fixed_fraction": {"budget": (0.0, 1.0, ...), "stop": (0.001, 1.0, ...)},
    "volatility": {"budget": (0.0, 10.0, ...)},
    "kelly": {"fraction": (0.0, 1.0, 0.5)},
    "equal_risk": {},
}


def read_sizing(section: Section | None) -> SizingPolicy | None:
    """None where the policy has no such table: then only the other limits say how large a position may be."""
    if section is None:
        return None
    kind = section.word("kind", tuple(KEYS))
    values = {key: section.number(key, low, high, usual) for key, (low, high, usual) in KEYS[kind].items()}
    found = SizingPolicy(kind, cap=section.number("cap", 0.0, 10.0, 1.0), **values)
    section.done()
    return found
