"""[risk.stress]: what a scenario may cost at the most."""

from __future__ import annotations

import difflib
import math

from portfolio.errors import WrongUse
from portfolio.risk.stress import SCENARIOS
from portfolio.section import Section
from portfolio.types import Classes, StressPolicy

ANY = "any"


def read_stress(section: Section | None, classes: Classes | None = None) -> StressPolicy:
    """`max_loss`: scenario (or `any`) -> fraction of equity, 0 to 1. Without the table nothing is limited.

    classes: [universe.groups]; its class `duration` names each group by its number of years.
    """
    check_durations(classes or {})
    if section is None:
        return StressPolicy()
    table = section.section("max_loss", None)
    section.done()
    if table is None:
        return StressPolicy()
    known = (*SCENARIOS, ANY)
    for name in table.table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            meant = f"Did you mean `{near[0]}`? " if near else ""
            raise WrongUse(f"[{table.path}] {name} is no scenario.", f"{meant}There are: {', '.join(known)}.", key=name)
    return StressPolicy({name: table.number(name, 0.0, 1.0) for name in table.table})


def check_durations(classes: Classes) -> None:
    """The groups of [universe.groups.duration] are numbers of years."""
    for name in classes.get("duration", {}).values():
        try:
            years = float(name)
        except ValueError:
            years = math.nan
        if not 0.0 <= years <= 100.0:
            what = f"[universe.groups.duration] has a group {name!r}, which is no number of years."
            raise WrongUse(what, 'Name each group by its modified duration: `"8.2" = ["IEF"]`.', key=name)
