"""One bar that is wrong while its neighbours are right."""

from __future__ import annotations

from datetime import date
from math import log, log10

from expectations.repair.series import PRICE_FIELDS, Bar, Proposal, Series, clean, near, number

NEIGHBOURHOOD = 21  # days around a split in which a bar may have been adjusted by mistake
AGREED = 0.005  # log; as the law `agrees`
CONFIRMED = 0.01  # log; how near a second source's bar must be to a repaired close
SAME = 0.35  # log; a bar's own columns lie that near each other
ONE_BAR = {"no_slip", "split_bar"}
COLUMNS = {"no_slip_in_one_column", "open_sound", "high_sound", "low_sound", "high_above_low"}
CLOSE = {"close_present", "close_finite", "close_positive"}


def repaired_bar(series: Series, at: int) -> Proposal | None:
    """The first of: a split's ratio, a power of ten, a second source's columns."""
    laws = series.marks[at]
    found = None
    if law := _first(laws & ONE_BAR):
        found = _by_split(series, at, law) or _by_ten(series, at, law)
    elif law := _first(laws & {"no_slip_in_one_column"}):
        found = _columns_by_ten(series, at, law)
    if found is None and (law := _first(laws & (ONE_BAR | COLUMNS | CLOSE))):
        found = _by_second(series, at, law)
    return found


def _first(laws: frozenset[str] | set[str]) -> str:
    return min(laws, default="")


def scaled(bar: Bar, factor: float, volume: float = 1.0) -> Bar:
    """Prices times `factor`, the volume times `volume`."""
    prices = {name: clean(bar[name] * factor) for name in PRICE_FIELDS if bar[name] is not None}
    return {**bar, **prices, **({"volume": clean(bar["volume"] * volume)} if bar["volume"] is not None else {})}


def _by_split(series: Series, at: int, law: str) -> Proposal | None:
    bar, wanted = series.bars[at], series.expected(at)
    close = number(bar["close"])
    if close is None or wanted is None:
        return None
    for day, ratio in series.splits.items():
        for power in (1, -1):
            factor = ratio**power
            if _within(day, bar["session"]) and near(close * factor, wanted, 0.25 * abs(log(ratio))) and abs(log(ratio)) > 0.18:
                dealt = f"times {factor:.6g} the close is {close * factor:.6g}, and the bars around ask for {wanted:.6g}"
                return Proposal(bar, scaled(bar, factor, 1 / factor), law, f"the split of {ratio:g} on {day}: {dealt}")
    return None


def _within(day: date, session: date) -> bool:
    return abs((day - session).days) <= NEIGHBOURHOOD


def _by_ten(series: Series, at: int, law: str) -> Proposal | None:
    """The columns that stand a power of ten off. Confirmed by the bar's own other columns, or by a second source."""
    bar, wanted = series.bars[at], series.expected(at)
    close = number(bar["close"])
    if close is None or wanted is None or (tens := round(log10(close / wanted))) == 0:
        return None
    values = {name: value for name in PRICE_FIELDS if (value := number(bar[name])) is not None}
    off = [name for name, value in values.items() if round(log10(value / wanted)) == tens]
    own = [name for name, value in values.items() if name not in off and near(value, wanted, SAME)]
    close = clean(close / 10.0**tens)
    if not near(close, wanted, SAME) or len(own) + len(off) < len(values):
        return None
    second = confirmed(series, at, close)
    if not second and not own:
        return None
    fixed = _contained({**bar, **{name: clean(values[name] / 10.0**tens) for name in off}}, off)
    why = second or f"its own {', '.join(f'{name} {values[name]:.6g}' for name in own)}"
    return Proposal(bar, fixed, law, f"ten to the power of {-tens} by the bars around ({wanted:.6g}) and {why}")


def _columns_by_ten(series: Series, at: int, law: str) -> Proposal | None:
    """Open, high or low a power of ten off; the bar's own close and its order confirm it."""
    bar = series.bars[at]
    close = number(bar["close"])
    if close is None or not near(close, series.expected(at), SAME):
        return None
    off = {
        n: t
        for n in PRICE_FIELDS[:3]
        if (v := number(bar[n])) and (t := round(log10(v / close))) and abs(log10(v / close) - t) < 0.1
    }
    fixed = {**bar, **{name: clean(bar[name] / 10.0**tens) for name, tens in off.items()}}
    prices = [fixed[name] for name in ("open", "close") if fixed[name] is not None]
    ordered = (fixed["low"] is None or fixed["low"] <= min(prices)) and (fixed["high"] is None or fixed["high"] >= max(prices))
    if not off or not ordered:
        return None
    said = ", ".join(f"{name} times ten to the power of {-tens}" for name, tens in off.items())
    return Proposal(bar, fixed, law, f"{said}: so the bar's own high and low contain its open and close {close:.6g}")


def _contained(bar: Bar, changed: list[str]) -> Bar:
    """A high or low that was scaled still contains open and close."""
    prices = [bar[name] for name in ("open", "close") if number(bar[name])]
    low = {"low": min(bar["low"], *prices)} if "low" in changed else {}
    high = {"high": max(bar["high"], *prices)} if "high" in changed else {}
    return {**bar, **low, **high}


def confirmed(series: Series, at: int, close: float) -> str:
    """What a second source says for `close`, in words, or nothing. Adjusted prices are compared by the move from a sound bar."""
    bar = series.bars[at]
    raw = series.seconds.get(("raw", bar["session"])) if bar["adjustment"] == "raw" else None
    if raw and near(close, number(raw["close"]), CONFIRMED):
        return f"{raw['source']}'s close {raw['close']:.6g}"
    told = series.seconds.get(("adjusted", bar["session"]))
    for i in (at - 1, at + 1):
        if told and 0 <= i < len(series.bars) and i not in series.marks:
            beside = series.seconds.get(("adjusted", series.bars[i]["session"]))
            level = series.level(i)
            moved = number(told["close"]) and beside and number(beside["close"]) and told["close"] / beside["close"]
            if moved and level and near(close * series.factor(at) / level, moved, CONFIRMED):
                return f"{told['source']}'s move of {moved - 1:+.2%}"
    return ""


def _by_second(series: Series, at: int, law: str) -> Proposal | None:
    """The broken columns from a raw bar of another source that agrees with the sound bars around."""
    bar = series.bars[at]
    second = series.seconds.get((bar["adjustment"], bar["session"])) if bar["adjustment"] == "raw" else None
    agreeing = _agreeing(series, at)
    if not second or number(second["close"]) is None or agreeing < 3:
        return None
    names = [n for n in PRICE_FIELDS if number(second[n]) and not near(number(bar[n]), number(second[n]), AGREED)]
    fixed = {**bar, **{name: second[name] for name in names}}
    said = ", ".join(f"{name} {second[name]:.6g}" for name in names)
    return (
        Proposal(bar, fixed, law, f"{second['source']}'s {said}; both agree within 50 bp on {agreeing} bars around")
        if names
        else None
    )


def _agreeing(series: Series, at: int) -> int:
    """On how many of the sound bars around both sources have the same close; 0 where one differs."""
    found = 0
    for i in range(max(0, at - 5), min(len(series.bars), at + 6)):
        second = series.seconds.get(("raw", series.bars[i]["session"]))
        if i not in series.marks and second:
            if not near(number(series.bars[i]["close"]), number(second["close"]), AGREED):
                return 0
            found += 1
    return found
