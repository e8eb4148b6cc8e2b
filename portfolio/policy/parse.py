"""From the text of a policy file to a `Policy`."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import asdict, replace

from portfolio.errors import WrongUse
from portfolio.policy.gates import read_gate
from portfolio.policy.reader import Section
from portfolio.types import (
    DrawdownLimit,
    ExecutionPolicy,
    Policy,
    RebalancePolicy,
    RiskPolicy,
    StrategyPolicy,
    TailLimit,
)

OBJECTIVES = ("allocation", "optimized")
STRATEGIES = {"allocation": ("fixed",), "optimized": ("optimized",)}
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}")


def parse_policy(text: str) -> Policy:
    """The policy that `text` (TOML) says. `WrongUse` names the first key that is unknown, missing or out of range."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error: a number of 5,000 digits, 1,000 lists in one another
        raise WrongUse(f"The policy is not valid TOML: {error}.", "Mend that line.") from error
    root = Section("", document)
    names = ("portfolio", "universe", "strategy", "rebalance", "risk", "gate", "execution")
    sections = {name: _table(root, name) for name in names}
    root.done()
    policy = _policy(sections, text)
    for section in sections.values():
        section.done()
    _check(policy)
    return replace(policy, hash=policy_hash(policy))


def policy_hash(policy: Policy) -> str:
    """sha256 over the parsed values (not the text: a comment changes nothing), canonical JSON."""
    values = asdict(policy)
    values.pop("text")
    values.pop("hash")
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _table(root: Section, name: str) -> Section:
    section = root.section(name, {} if name == "gate" else ...)
    assert section is not None
    return section


def _policy(sections: dict[str, Section], text: str) -> Policy:
    portfolio = sections["portfolio"]
    return Policy(
        name=_name(portfolio),
        objective=portfolio.word("objective", OBJECTIVES, later=("smart_beta", "learned")),
        base_currency=portfolio.word("base_currency", ("USD",), later=("EUR", "GBP", "CHF", "JPY", "CAD", "AUD")),
        benchmark=_benchmark(portfolio),
        symbols=_symbols(sections["universe"]),
        strategy=_strategy(sections["strategy"]),
        rebalance=_rebalance(sections["rebalance"]),
        risk=_risk(sections["risk"]),
        gate=read_gate(sections["gate"]),
        execution=_execution(sections["execution"]),
        text=text,
        hash="",
    )


def _name(section: Section) -> str:
    name = section.text("name")
    if not re.fullmatch(r"[a-z0-9][a-z0-9\-]{0,39}", name):
        raise section.wrong("name", "small letters, digits and dashes, 40 at the most")
    return name


def _benchmark(section: Section) -> str | None:
    if "benchmark" not in section.table:
        return None
    symbol = section.text("benchmark")
    if not SYMBOL.fullmatch(symbol):
        raise section.wrong("benchmark", "a symbol: capitals, digits, dots and dashes")
    return symbol


def _symbols(section: Section) -> tuple[str, ...]:
    if "index" in section.table:
        raise WrongUse("[universe] index is not built yet.", 'List the symbols: `symbols = ["AAPL", …]`.', key="index")
    symbols = section.words("symbols")
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise WrongUse(f"[universe] symbols holds {symbol!r}, which is no symbol.", "Use capitals, digits, dots and dashes.")
    if not symbols:
        raise section.wrong("symbols", "a list with at least one symbol")
    return symbols


def _strategy(section: Section) -> StrategyPolicy:
    later = ("equal", "inverse_volatility", "signal", "factor", "predicted", "policy_gradient")
    kind = section.word("kind", ("fixed", "optimized"), later=later)
    if kind == "fixed":
        return StrategyPolicy(kind, weights=section.weights("weights"))
    return StrategyPolicy(
        kind,
        model=section.word("model", ("minimum_cvar",), "minimum_cvar"),
        level=section.number("level", 0.5, 0.999, 0.95),
        lookback=section.count("lookback", 60, 10_000, 1260),
        minimum_history=section.count("minimum_history", 60, 10_000, 252),
        fallback=tuple(_fallback(section)),
    )


def _fallback(section: Section) -> tuple[str, ...]:
    roads = section.words("fallback", ("hold",))
    for road in roads:
        if road not in {"equal_weight", "hold"}:
            raise section.wrong("fallback", "a list of: equal_weight, hold")
    return roads


def _rebalance(section: Section) -> RebalancePolicy:
    when = section.word("when", ("calendar", "drift"), later=("signal", "cost_aware"))
    if when == "calendar":
        return RebalancePolicy(when, every=section.word("every", ("week", "month", "quarter", "year"), "month"))
    return RebalancePolicy(
        when,
        absolute_band=section.number("absolute_band", 0.0, 1.0, 0.05),
        relative_band=section.number("relative_band", 0.0, 10.0, 0.25),
    )


def _risk(section: Section) -> RiskPolicy:
    return RiskPolicy(
        max_weight=section.number("max_weight", 0.0, 1.0),
        max_gross=section.number("max_gross", 0.0, 1.0, 1.0),
        cash_reserve=section.number("cash_reserve", 0.0, 1.0, 0.01),
        daily_drawdown=_drawdown(section, "daily_drawdown"),
        monthly_drawdown=_drawdown(section, "monthly_drawdown"),
        value_at_risk=_tail(section, "value_at_risk"),
        conditional_value_at_risk=_tail(section, "conditional_value_at_risk"),
        unknown=section.word("unknown", ("warn", "block"), "warn"),
        lookback=section.count("lookback", 60, 10_000, 504),
    )


def _drawdown(section: Section, key: str) -> DrawdownLimit | None:
    inner = section.section(key, None)
    if inner is None:
        return None
    limit = DrawdownLimit(reduce=inner.number("reduce", 0.0, 1.0), halt=inner.number("halt", 0.0, 1.0))
    inner.done()
    if limit.reduce > limit.halt:
        raise inner.wrong("reduce", "at most `halt`")
    return limit


def _tail(section: Section, key: str) -> TailLimit | None:
    inner = section.section(key, None)
    if inner is None:
        return None
    limit = TailLimit(inner.number("level", 0.5, 0.999), inner.count("days", 1, 1), inner.number("limit", 0.0, 1.0))
    inner.done()
    return limit


def _execution(section: Section) -> ExecutionPolicy:
    mode = section.word("mode", ("paper", "live"), later=("shadow",))
    return ExecutionPolicy(
        mode=mode,
        approval=section.word("approval", ("automatic",), "automatic", later=("approve", "propose")),
        approval_minutes=section.number("approval_minutes", 1, 390, 30),
        order_type=section.word("order_type", ("adaptive", "market", "limit"), "adaptive"),
        minimum_trade=section.number("minimum_trade", 0, 1e9, 100),
        quiet_seconds=section.number("quiet_seconds", 1, 600, 60),
        decide_minutes_before_close=section.number("decide_minutes_before_close", 1, 385, 30),
    )


def _check(policy: Policy) -> None:
    """What no single key can say."""
    if policy.strategy.kind not in STRATEGIES[policy.objective]:
        raise WrongUse(
            f"objective = {policy.objective!r} and strategy kind = {policy.strategy.kind!r} contradict each other.",
            f"Use kind = {STRATEGIES[policy.objective][0]!r}, or change the objective.",
        )
    if policy.strategy.kind == "fixed":
        _check_weights(policy)
    else:
        _check_room(policy)


def _check_room(policy: Policy) -> None:
    """What an optimizer needs: a cap that holds a whole portfolio, and a window that holds the history it asks for."""
    strategy = policy.strategy
    if strategy.minimum_history > strategy.lookback:
        raise WrongUse(
            f"[strategy] minimum_history = {strategy.minimum_history} is more than lookback = {strategy.lookback}: no window "
            "would ever be long enough.",
            "Lower `minimum_history`, or raise `lookback`.",
        )
    if policy.risk.max_weight * len(policy.symbols) < 1.0 - 1e-12:
        raise WrongUse(
            f"{len(policy.symbols)} symbols at max_weight = {policy.risk.max_weight:g} cannot hold a whole portfolio.",
            "Raise [risk] max_weight or name more symbols.",
        )


def _check_weights(policy: Policy) -> None:
    unknown = sorted(set(policy.strategy.weights) - set(policy.symbols))
    if unknown:
        raise WrongUse(f"[strategy] weights names {', '.join(unknown)}, absent from [universe] symbols.", "Add it there.")
    total = sum(policy.strategy.weights.values())
    if total > 1.0 + 1e-9:
        raise WrongUse(f"[strategy] weights add up to {total:g}, more than 1.", "Lower them: a weight is a fraction of equity.")
