"""[constraints] and [universe.groups]: what the weights must obey, by name."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

from portfolio.errors import WrongUse
from portfolio.section import Section
from portfolio.signals.factors import FACTORS
from portfolio.types import Classes, ConstraintPolicy, Range

EXPOSURES = ("beta", *FACTORS)
CLASS = re.compile(r"[a-z][a-z0-9_]{0,39}")
OWN = frozenset({"weight", "symbols", "net", "exposures", "benchmark", "lots"})  # tables of [constraints] that are no class


def read_classes(section: Section, symbols: tuple[str, ...]) -> Classes:
    """[universe.groups]: class -> name -> its symbols, turned around: class -> symbol -> name."""
    table = section.absent("groups", {})
    if not isinstance(table, Mapping):
        raise section.wrong("groups", "a table of classes, such as [universe.groups.sector]")
    return {name: _class(name, names, symbols) for name, names in table.items()}


def _class(name: str, names: Any, symbols: tuple[str, ...]) -> dict[str, str]:
    path = f"universe.groups.{name}"
    if not CLASS.fullmatch(name) or name in OWN:
        raise WrongUse(f"[{path}] is no name of a class.", "Use small letters and underscores, such as sector or asset_class.")
    inner = Section(path, names)
    out: dict[str, str] = {}
    for group in inner.table:
        for symbol in inner.words(group):
            if symbol not in symbols:
                raise WrongUse(f"[{path}] {group} names {symbol}, absent from [universe] symbols.", "Add it there.")
            if symbol in out:
                raise WrongUse(f"[{path}] puts {symbol} into {out[symbol]} and into {group}.", "A symbol has one place a class.")
            out[symbol] = group
    return out


def read_constraints(section: Section | None, symbols: tuple[str, ...], classes: Classes) -> ConstraintPolicy:
    if section is None:
        return ConstraintPolicy()
    usual = ConstraintPolicy()
    found = ConstraintPolicy(
        weight=_one(section, "weight", usual.weight),
        symbols=_ranges(section, "symbols", symbols, "[universe] symbols"),
        groups={name: _group(section, name, each) for name, each in classes.items() if name in section.table},
        net=_one(section, "net", usual.net),
        gross=_gross(section, usual.gross),
        turnover=_limit(section, "turnover", 2.0),
        tracking_error=_limit(section, "tracking_error", 1.0),
        benchmark=_benchmark(section, symbols),
        volatility=_limit(section, "volatility", 2.0),
        conditional_value_at_risk=_limit(section, "conditional_value_at_risk", 1.0),
        level=section.number("level", 0.5, 0.999, usual.level),
        exposures=_ranges(section, "exposures", EXPOSURES, "the factors", -10.0, 10.0),
        names=section.count("names", 1, 100_000) if "names" in section.table else section.absent("names"),
        minimum_position=section.number("minimum_position", 0.0, 1.0, usual.minimum_position),
        do_not_trade=_symbols(section, "do_not_trade", symbols),
        lots=_lots(section, symbols),
        lookback=section.count("lookback", 60, 10_000, usual.lookback),
    )
    _agree(section, found)
    return found


def _gross(section: Section, usual: float) -> float:
    value = section.table.get("gross", usual)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1.0 < value <= 100.0:
        raise WrongUse(f"[constraints] gross = {value:g} is leverage, which is not built yet.", "Set `gross` to at most 1.")
    return section.number("gross", 0.0, 1.0, usual)


def _limit(section: Section, key: str, high: float) -> float | None:
    value: float | None = section.number(key, 0.0, high) if key in section.table else section.absent(key)
    return value


def _one(section: Section, key: str, usual: Range) -> Range:
    inner = section.section(key, None)
    return usual if inner is None else _range(inner, 0.0, 1.0)


def _range(inner: Section, low: float, high: float) -> Range:
    """`{ min = …, max = … }`, one of them at least."""
    if not inner.table:
        raise WrongUse(f"[{inner.path}] constrains nothing.", "Write `{ min = …, max = … }`.")
    if "min" in inner.table and low == 0.0 and isinstance(inner.table["min"], (int, float)) and inner.table["min"] < 0:
        raise WrongUse(f"[{inner.path}] min is below 0: short selling is not built yet.", "Set `min` to 0 or more.")
    found = Range(inner.number("min", low, high, low), inner.number("max", low, high, high))
    inner.done()
    if found.low > found.high:
        raise inner.wrong("min", "at most `max`")
    return found


def _ranges(
    section: Section, key: str, known: tuple[str, ...], where: str, low: float = 0.0, high: float = 1.0
) -> dict[str, Range]:
    inner = section.section(key, {})
    assert inner is not None
    _known(inner, inner.table, known, where)
    return {name: _range(_table(inner, name), low, high) for name in inner.table}


def _group(section: Section, name: str, members: Mapping[str, str]) -> dict[str, Range]:
    known = tuple(dict.fromkeys(members.values()))
    return _ranges(section, name, known, f"[universe.groups.{name}]")


def _table(section: Section, name: str) -> Section:
    inner = section.section(name)
    assert inner is not None
    return inner


def _known(section: Section, names: Mapping[str, Any] | tuple[str, ...], known: tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in known:
            way = f"Known there: {', '.join(known)}."
            raise WrongUse(f"[{section.path}] names {name}, absent from {where}.", way, key=name)


def _symbols(section: Section, key: str, symbols: tuple[str, ...]) -> tuple[str, ...]:
    found = section.words(key, ())
    _known(section, found, symbols, "[universe] symbols")
    return found


def _benchmark(section: Section, symbols: tuple[str, ...]) -> dict[str, float]:
    if "benchmark" not in section.table:
        return dict(section.absent("benchmark", {}))
    found = section.weights("benchmark")
    _known(section, found, symbols, "[universe] symbols")
    if abs(sum(found.values()) - 1.0) > 1e-9:
        raise section.wrong("benchmark", "a table of weights that add up to 1")
    return found


def _lots(section: Section, symbols: tuple[str, ...]) -> dict[str, int]:
    inner = section.section("lots", {})
    assert inner is not None
    _known(inner, inner.table, symbols, "[universe] symbols")
    return {symbol: inner.count(symbol, 1, 1_000_000) for symbol in inner.table}


def check_bounds(found: ConstraintPolicy, symbols: tuple[str, ...], cap: float) -> None:
    """`WrongUse` where single bounds can never add up. cap: the largest weight of an optimizer, else 1."""
    ranges = [found.symbols.get(s, found.weight) for s in symbols]
    least, most = sum(r.low for r in ranges), sum(min(r.high, cap) for r in ranges)
    top = min(found.net.high, found.gross)
    if least > top + 1e-9:
        raise _contradiction(f"the least weights add up to {least:g}, and at most {top:g} may be invested", "Lower a `min`")
    if min(most, found.gross) < found.net.low - 1e-9:
        raise _contradiction(
            f"at most {min(most, found.gross):g} can be invested, and net asks for {found.net.low:g}", "Lower `net`"
        )
    must = sum(1 for r in ranges if r.low > 0.0)
    if found.names is not None and must > found.names:
        raise _contradiction(f"{must} symbols have a least weight, and names = {found.names}", "Raise `names`")


def check_read(found: ConstraintPolicy, named: Container[str], *, followed: bool) -> None:
    """`WrongUse` where a key would be read by nothing.

    named: the keys that the file has. followed: whether the strategy reads the benchmark, beside tracking_error.
    """
    if found.benchmark and found.tracking_error is None and not followed:
        raise _contradiction("benchmark is read by nothing here", "It belongs to `tracking_error`")
    risky = (found.tracking_error, found.volatility, found.conditional_value_at_risk)
    if "lookback" in named and not found.exposures and all(limit is None for limit in risky):
        raise _contradiction("lookback is read by nothing here", "It belongs to exposures and to limits on risk")


def _contradiction(what: str, way: str) -> WrongUse:
    return WrongUse(f"[constraints] {what}.", f"{way}.")


def _agree(section: Section, found: ConstraintPolicy) -> None:
    """What no single key can say, and a knob that nothing would read."""
    if found.tracking_error is not None and not found.benchmark:
        raise WrongUse(
            "[constraints] tracking_error has no benchmark.", "Add [constraints.benchmark], a table of symbol = weight."
        )
    if "level" in section.table and found.conditional_value_at_risk is None:
        raise WrongUse("[constraints] level means nothing here.", "It belongs to `conditional_value_at_risk`.", key="level")
    if found.minimum_position > found.weight.high:
        raise section.wrong("minimum_position", f"at most the largest weight, {found.weight.high:g}")
