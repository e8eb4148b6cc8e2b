"""One rule of a signal strategy as the policy says it: what is watched, how it is measured, when it turns, what it moves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from portfolio.errors import WrongUse
from portfolio.knobs import knob, number, optional_number, text, whole, word, words
from portfolio.section import Section
from portfolio.signals.hysteresis import Condition, condition

MEASURES = {  # measure: the keys that mean something to it
    "level": frozenset(),
    "z_score": frozenset({"window"}),
    "momentum": frozenset({"window", "skip"}),
    "moving_average": frozenset({"window"}),
    "breakout": frozenset({"window", "exit_window"}),
    "drawdown": frozenset({"window"}),
    "turbulence": frozenset({"window", "among"}),
}
OF_A_FIGURE = ("level", "z_score")  # of a series or a ratio
CASH, CHOSEN = "cash", "chosen"
PERIODS = ("day", "week", "month")
SESSIONS = {"day": 1, "week": 5, "month": 23}  # of a period, at the most
ALL = 1_000_000  # sessions: more than there are
PAIR = re.compile(r"([^\s/]+)(?:\s*/\s*([^\s/]+))?")  # A or A/B
SERIES = re.compile(r"([A-Za-z0-9_]+)(?:\s*([-/])\s*([A-Za-z0-9_]+))?")  # A, A - B or A/B
IN = Condition(">", 0.0)  # of a breakout
OUT = Condition("<", 0.0)


def _optional_whole(low: int, high: int) -> Any:
    def read(section: Section, key: str, _: Any) -> int | None:
        return section.count(key, low, high) if key in section.table else section.absent(key)

    return knob(read, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A measure of something, and what it does to the weights of `symbols`.

    What is watched is one of: `of`, a symbol or a pair "A/B" (the ratio of their prices); `series`, a macro series, the
    difference "A - B" or the ratio "A/B" of two; `ratio`, a figure of each symbol by its filings; or none of them: each
    symbol's own price. A ratio has a level and a z_score: with a `window` each symbol's beside its own past, without one
    across the symbols, with a slope. turbulence watches the prices of `among` (else of `symbols`).

    every: the points of the measure: each session, or the last of each week or month that is over; `window`, `skip` and
    `exit_window` count these points, and so does `smooth`, which takes the mean of the newest values of the measure.

    How it answers is one of: `enter` and `exit`, two conditions, with what is between them keeping the state (a breakout
    has its own); `top`, the symbols with the highest measure, with a `buffer` of ranks for those that are in; `slope`, the
    weight times 1 + slope x measure, from `least` to `most` times. While in, a weight is multiplied by `inside`, while out
    by `outside`. What that frees, or takes, is of `instead`: cash, a symbol, or the `chosen` (the rule's own symbols that
    are in, in proportion).
    """

    symbols: tuple[str, ...] = words()
    name: str = text("")
    of: str = text("")
    series: str = text("")
    ratio: str = text("")
    among: tuple[str, ...] = words(None, ())
    measure: str = word(tuple(MEASURES))
    window: int | None = _optional_whole(1, 5_000)
    skip: int = whole(0, 1_000, 0)
    exit_window: int | None = _optional_whole(1, 5_000)
    every: str = word(PERIODS, "day")
    smooth: int = whole(1, 1_000, 1)
    enter: Condition | None = condition()
    exit: Condition | None = condition()
    inside: float = number(0.0, 10.0, 1.0)
    outside: float = number(0.0, 10.0, 0.0)
    top: int | None = _optional_whole(1, 10_000)
    buffer: int = whole(0, 10_000, 0)
    slope: float | None = optional_number(-100.0, 100.0)
    least: float = number(0.0, 10.0, 0.0)
    most: float = number(0.0, 10.0, 2.0)
    instead: str = text(CASH)

    @property
    def title(self) -> str:
        return self.name or " ".join(part for part in (self.measure, self.watched_words) if part)

    @property
    def watched_words(self) -> str:
        return self.of or self.series or self.ratio

    @property
    def each(self) -> bool:
        """Every symbol is measured by itself (or by its rank), not all by one thing."""
        return not self.of and not self.series and self.measure != "turbulence"

    @property
    def across(self) -> bool:
        """A ratio that is measured across the symbols, of today alone."""
        return bool(self.ratio) and self.measure == "z_score" and self.window is None

    @property
    def conditions(self) -> tuple[Condition, Condition]:
        if self.enter is not None and self.exit is not None:
            return self.enter, self.exit
        return IN, OUT

    @property
    def watched(self) -> tuple[str, ...]:
        """Symbols whose prices it looks at, beside its own."""
        if self.measure == "turbulence":
            return self.among or self.symbols
        return tuple(part for part in _parts(PAIR, self.of)[::2] if part)

    @property
    def macro(self) -> tuple[str, ...]:
        return tuple(part for part in _parts(SERIES, self.series)[::2] if part)

    @property
    def operator(self) -> str:
        """Between the two series: - or /."""
        return _parts(SERIES, self.series)[1] if len(self.macro) > 1 else ""

    @property
    def sessions(self) -> int:
        """How many it needs at the least."""
        points = (self.window or 1) + self.smooth
        return max(points, self.exit_window or 0) * SESSIONS[self.every]

    @property
    def ratio_sessions(self) -> int:
        """How many sessions of its ratio it looks at before the newest.

        All where a state is replayed; of a slope twice what it needs, since the unknown are not counted.
        """
        if not self.ratio or self.across:
            return 0
        return ALL if self.slope is None else 2 * self.sessions

    def check(self, where: str) -> None:
        """`WrongUse` where its keys contradict each other, or one would be read by nothing. where: the rule in words."""
        for wrong in (*_watching(self), *_measuring(self), *_answering(self)):
            raise WrongUse(f"{where}: {wrong}.", "Mend that rule.", rule=self.title)


def _parts(pattern: re.Pattern[str], told: str) -> tuple[str, ...]:
    found = pattern.fullmatch(told) if told else None
    if found is None:
        return ()
    groups = found.groups(default="")
    return groups if len(groups) == 3 else (groups[0], "/", groups[1])


def _watching(rule: Rule) -> list[str]:
    wrong = []
    if sum(map(bool, (rule.of, rule.series, rule.ratio))) > 1:
        wrong.append("`of`, `series` and `ratio` exclude each other")
    if rule.of and not rule.watched:
        wrong.append(f'of = {rule.of!r} is neither a symbol nor a pair "A/B"')
    if rule.series and not rule.macro:
        wrong.append(f'series = {rule.series!r} is neither a series nor "A - B" nor "A/B"')
    if (rule.series or rule.ratio) and rule.measure not in OF_A_FIGURE:
        what = "series" if rule.series else "ratio"
        wrong.append(f"the {rule.measure} of a {what} is not known; use {' or '.join(OF_A_FIGURE)}")
    if rule.measure == "level" and not (rule.series or rule.ratio):
        wrong.append("a level is of a `series` or a `ratio`: that of a price depends on its unit")
    if rule.across and rule.slope is None:
        wrong.append("without a `window` the z_score of a ratio is across the symbols, and has a `slope` alone")
    if rule.measure == "turbulence" and rule.of:
        wrong.append("turbulence is of the symbols `among`, not `of` one")
    if not rule.symbols:
        wrong.append("`symbols` is empty")
    return wrong


def _measuring(rule: Rule) -> list[str]:
    means = MEASURES[rule.measure]
    told = {
        "window": rule.window is not None,
        "skip": rule.skip != 0,
        "exit_window": rule.exit_window is not None,
        "among": bool(rule.among),
    }
    wrong = [f"`{key}` means nothing to {rule.measure}" for key, given in told.items() if given and key not in means]
    if rule.across:
        unread = {"every": rule.every != "day", "smooth": rule.smooth != 1}
        return [*wrong, *(f"`{key}` means nothing to a ratio without a `window`" for key, given in unread.items() if given)]
    if rule.measure == "breakout" and rule.smooth != 1:
        wrong.append("`smooth` means nothing to breakout")
    if "window" in means and rule.window is None:
        wrong.append(f"{rule.measure} needs a `window`")
    least = {"z_score": 3, "moving_average": 2, "drawdown": 2, "turbulence": len(rule.watched) + 2}.get(rule.measure, 1)
    if rule.window is not None and rule.window < least:
        wrong.append(f"window = {rule.window} is too short for {rule.measure}: {least} or more")
    if rule.window is not None and rule.skip >= rule.window:
        wrong.append(f"skip = {rule.skip} leaves nothing of window = {rule.window}")
    return wrong


def _answering(rule: Rule) -> list[str]:
    own = rule.measure == "breakout"
    told = rule.enter is not None or rule.exit is not None
    wrong = []
    if [own or told, rule.top is not None, rule.slope is not None].count(True) != 1:
        wrong.append("say one of: `enter` and `exit`; `top`; `slope` (a breakout has its own entry and exit)")
    if own and told:
        wrong.append("a breakout has its own entry and exit: leave `enter` and `exit` out")
    if (rule.enter is None) != (rule.exit is None):
        wrong.append("`enter` and `exit` need each other")
    if rule.enter is not None and rule.exit is not None and not rule.enter.opposes(rule.exit):
        wrong.append(f'enter = "{rule.enter}" and exit = "{rule.exit}" are not opposite, or meet at once')
    return [*wrong, *_ranking(rule), *_moving(rule)]


def _ranking(rule: Rule) -> list[str]:
    if rule.top is None:
        return ["`buffer` belongs to `top`"] if rule.buffer else []
    if not rule.each:
        return ["`top` ranks the symbols by what is their own: leave `of` and `series` out"]
    return [f"top = {rule.top} takes all its symbols"] if rule.top >= len(rule.symbols) else []


def _moving(rule: Rule) -> list[str]:
    wrong = []
    if rule.slope is None and (rule.least, rule.most) != (0.0, 2.0):
        wrong.append("`least` and `most` belong to `slope`")
    if rule.slope is None and rule.inside == rule.outside:
        wrong.append("`inside` and `outside` are the same: the rule moves nothing")
    if rule.slope is not None and (rule.inside, rule.outside) != (1.0, 0.0):
        wrong.append("`inside` and `outside` belong to `enter` and `exit`, or to `top`")
    if rule.slope is not None and not rule.least <= 1.0 <= rule.most:
        wrong.append("`least` to `most` must hold 1, the weight where nothing deviates")
    if rule.instead == CHOSEN and not rule.each:
        wrong.append(f'instead = "{CHOSEN}" needs a measure of each symbol, and this one is the same for all')
    if rule.instead in rule.symbols:
        wrong.append(f"instead = {rule.instead!r} is one of its own `symbols`")
    return wrong
