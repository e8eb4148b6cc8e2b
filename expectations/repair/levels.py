"""A whole stretch of bars on the wrong level: a split that was not, or twice, taken into account; pence for pounds."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, log10

from expectations.repair.bars import CONFIRMED, NEIGHBOURHOOD, scaled
from expectations.repair.series import Proposal, Series, near, number

STEPS = {"split_on_its_day", "split_as_declared", "split_once"}


def repaired_levels(series: Series) -> Iterator[Proposal]:
    """By the steps that a split of the ledger explains, else by a second source that stands a power of ten off."""
    steps = {at: step for at in sorted(series.marks) if series.marks[at] & STEPS and (step := _explained(series, at))}
    if steps:
        yield from _before(series, steps)
    elif any("scale_kept" in laws for laws in series.marks.values()):
        yield from _by_second(series)


def _explained(series: Series, at: int) -> tuple[float, str] | None:
    """What all before the step must be multiplied by, so that the ratio of a split near it is in the prices once."""
    before, level = series.levels(at, -1)[:1], series.level(at)
    if not before or level is None:
        return None
    step = log(level / before[0])
    options = []
    for day, ratio in series.splits.items():
        if abs((day - series.bars[at]["session"]).days) <= NEIGHBOURHOOD:
            options += [(abs(step - log(factor)), factor, day, ratio) for factor in (ratio, 1 / ratio)]
    left, factor, day, ratio = min(options, default=(1.0, 1.0, None, 1.0))
    if left >= 0.35 * abs(step):
        return None
    why = f"the split of {ratio:g} on {day}: without it the step on {series.bars[at]['session']}"
    return factor, f"{why} is one of {step - log(factor):+.3f} (log) instead of {step:+.3f}"


def _before(series: Series, steps: dict[int, tuple[float, str]]) -> Iterator[Proposal]:
    factor, said, law = 1.0, "", ""
    for at in reversed(range(len(series.bars))):
        bar = series.bars[at]
        if said and number(bar["close"]):
            yield Proposal(bar, scaled(bar, factor, 1 / factor), law, said)
        if at in steps:
            factor, said = factor * steps[at][0], steps[at][1]
            law = min(series.marks[at] & STEPS)


def _by_second(series: Series) -> Iterator[Proposal]:
    """Each bar that is a power of ten off a raw bar of another source."""
    for bar in series.bars:
        second = series.seconds.get(("raw", bar["session"])) if bar["adjustment"] == "raw" else None
        close, theirs = number(bar["close"]), number(second["close"]) if second else None
        if second is None or close is None or theirs is None or not (tens := round(log10(close / theirs))):
            continue
        if near(close / 10.0**tens, theirs, CONFIRMED):
            said = f"ten to the power of {-tens} by {second['source']}'s close {theirs:.6g}"
            yield Proposal(bar, scaled(bar, 10.0**-tens), "scale_kept", said)
