"""From the text of a policy file to a `Policy`."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Container, Mapping
from dataclasses import asdict, replace
from typing import Any

from portfolio.errors import WrongUse
from portfolio.optimize.views import read_views
from portfolio.policy.constraints import check_bounds, check_read, read_classes, read_constraints
from portfolio.policy.currencies import read_currencies
from portfolio.policy.gates import read_gate
from portfolio.policy.hedges import read_hedges
from portfolio.policy.margin import read_costs, read_margin
from portfolio.policy.objectives import OBJECTIVES
from portfolio.policy.risk import read_risk
from portfolio.policy.timing import read_rebalance
from portfolio.section import Section
from portfolio.strategies.catalog import kinds, read_strategy
from portfolio.strategies.optimized import Optimized
from portfolio.strategies.protocol import Strategy
from portfolio.strategies.shown import RELAXED
from portfolio.types import CURRENCIES, CostPolicy, ExecutionPolicy, LiquidityPolicy, Policy, StressPolicy

TAILS = ("value_at_risk", "conditional_value_at_risk")
LATER: tuple[tuple[tuple[str, ...], Any], ...] = (  # what the hash of a policy leaves out where it says nothing
    (("currencies",), {}),
    (("margin",), None),
    (("hedges",), ()),
    (("costs",), asdict(CostPolicy())),
    *((("risk", key), None) for key in ("peak_drawdown", "min_effective_names", "max_component", "max_volatility")),
    *((("risk", key), None) for key in ("max_volatility_at_one", "beta", "sizing")),
    (("risk", "max_group"), {}),
    (("risk", "liquidity"), asdict(LiquidityPolicy())),
    (("risk", "stress"), asdict(StressPolicy())),
    *((("risk", tail, "method"), "historical") for tail in TAILS),
    *((("risk", tail, "degrees"), None) for tail in TAILS),
)
NEEDED = ("portfolio", "universe", "strategy", "execution")
OPTIONAL = ("rebalance", "risk", "gate", "constraints", "margin", "costs")
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}")


def parse_policy(text: str, files: Mapping[str, str] | None = None) -> Policy:
    """The policy that `text` (TOML) says. `WrongUse` names the first key that is unknown, missing or out of range.

    files: name -> text of the files that `named_files` finds in it.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error: a number of 5,000 digits, 1,000 lists in one another
        raise WrongUse(f"The policy is not valid TOML: {error}.", "Mend that line.") from error
    root = Section("", document)
    sections = {name: root.section(name) for name in NEEDED} | {name: root.section(name, None) for name in OPTIONAL}
    hedges = root.tables("hedge", ())
    root.done()
    policy = _policy({name: section for name, section in sections.items() if section is not None}, text, dict(files or {}))
    policy = replace(policy, hedges=read_hedges(hedges, policy.base_currency))
    policy = replace(policy, margin=read_margin(sections["margin"], policy.traded))
    universe = sections["universe"]
    assert universe is not None
    policy = replace(policy, currencies=read_currencies(universe, _priced(policy), policy.base_currency))
    for section in sections.values():
        if section is not None:
            section.done()
    _check(policy, sections["constraints"].table if sections["constraints"] else ())
    return replace(policy, hash=policy_hash(policy))


def _priced(policy: Policy) -> tuple[str, ...]:
    """What has a currency of its own: what is traded, and what puts are bought on."""
    return tuple(dict.fromkeys([*policy.traded, *(hedge.instrument for hedge in policy.hedges if hedge.kind == "put")]))


def named_files(text: str) -> tuple[str, ...]:
    """The names of the files that a policy wants beside it (the views of its strategy and of all its sleeves), each once;
    empty where `text` is no policy.
    """
    try:
        left = [tomllib.loads(text).get("strategy")]
    except (ValueError, RecursionError):
        return ()
    found = []
    while left:
        strategy = left.pop(0)
        if isinstance(strategy, dict):
            found.append(strategy.get("views"))
            sleeves = strategy.get("sleeve")
            left += [each.get("strategy") for each in sleeves if isinstance(each, dict)] if isinstance(sleeves, list) else []
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str)))


def policy_hash(policy: Policy) -> str:
    """sha256 over the parsed values (not the text: a comment changes nothing), canonical JSON."""
    values = asdict(policy)
    values.pop("text")
    values.pop("hash")
    for path, usual in LATER:
        _leave_out(values, path, usual)
    values["files"] = {name: tomllib.loads(text) for name, text in policy.files.items()}  # a comment changes nothing
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _leave_out(values: dict[str, Any], path: tuple[str, ...], usual: Any) -> None:
    """Takes away a value that is as it is where nobody names it: a policy keeps its hash when Trimtab learns a new key."""
    for step in path[:-1]:
        values = values.get(step) or {}
    if path[-1] in values and values[path[-1]] == usual:
        del values[path[-1]]


def _policy(sections: Mapping[str, Section], text: str, files: dict[str, str]) -> Policy:
    portfolio, universe = sections["portfolio"], sections["universe"]
    objective = OBJECTIVES[portfolio.word("objective", tuple(OBJECTIVES), later=("learned",))]
    symbols = _symbols(universe)
    classes = read_classes(universe, symbols)
    return Policy(
        name=_name(portfolio),
        objective=objective.name,
        base_currency=portfolio.word("base_currency", CURRENCIES),
        benchmark=_benchmark(portfolio),
        symbols=symbols,
        classes=classes,
        strategy=read_strategy(sections["strategy"]),
        constraints=read_constraints(sections.get("constraints"), symbols, classes),
        rebalance=read_rebalance(sections.get("rebalance"), objective.rebalance),
        risk=read_risk(sections.get("risk", Section("risk", {})), objective, classes, leveraged="margin" in sections),
        gate=read_gate(sections.get("gate", Section("gate", {})), margin="margin" in sections),
        execution=_execution(sections["execution"]),
        fresh=objective.datasets,
        text=text,
        hash="",
        files=files,
        costs=read_costs(sections.get("costs")),
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
        if symbol in CURRENCIES:
            raise WrongUse(f"[universe] symbols holds {symbol}, which Trimtab takes for money.", "Leave it out.", symbol=symbol)
        if not SYMBOL.fullmatch(symbol):
            raise WrongUse(f"[universe] symbols holds {symbol!r}, which is no symbol.", "Use capitals, digits, dots and dashes.")
    if not symbols:
        raise section.wrong("symbols", "a list with at least one symbol")
    return symbols


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


def _check(policy: Policy, constrained: Container[str]) -> None:
    """What no single key can say. constrained: the keys of [constraints]."""
    rule: Strategy = policy.strategy.rule  # type: ignore[assignment]
    _check_objective(policy, rule)
    rule.check(policy.symbols, policy.classes)
    _check_names(policy)
    _check_hedges(policy)
    _check_risk(policy)
    _check_limits(policy, rule, constrained)
    room = policy.risk.max_weight * len(policy.symbols)
    if policy.margin is not None and policy.margin.leverage * policy.margin.initial > 1.0 + 1e-12:
        what = (
            f"[margin] leverage = {policy.margin.leverage:g} needs more than all equity at initial = {policy.margin.initial:g}."
        )
        raise WrongUse(what, "Lower the leverage.", key="leverage")
    if policy.margin is not None and policy.margin.leverage > policy.risk.max_gross:
        what = f"[margin] leverage = {policy.margin.leverage:g} is above [risk] max_gross = {policy.risk.max_gross:g}."
        raise WrongUse(what, "Raise max_gross, which is the cap, or lower the leverage.", key="leverage")
    if policy.objective == "optimized" and room < max(policy.invested, 1.0) - 1e-12:
        raise WrongUse(
            f"{len(policy.symbols)} symbols at max_weight = {policy.risk.max_weight:g} cannot hold a whole portfolio.",
            "Raise [risk] max_weight or name more symbols.",
        )


def _check_objective(policy: Policy, rule: Strategy) -> None:
    if policy.objective not in rule.objectives:
        serves = [name for name, kind in kinds().items() if policy.objective in kind.objectives]
        raise WrongUse(
            f"objective = {policy.objective!r} and strategy kind = {rule.kind!r} contradict each other.",
            f"Use a kind of that objective ({', '.join(serves)}), or change the objective to {' or '.join(rule.objectives)}.",
        )


def _check_limits(policy: Policy, rule: Strategy, named: Container[str]) -> None:
    asked, optimizer = policy.constraints, rule if isinstance(rule, Optimized) else None
    check_bounds(asked, policy.symbols, policy.risk.max_weight if optimizer else 1.0)
    check_read(asked, named, followed=optimizer is not None and optimizer.follows_benchmark)
    if "beta" in asked.exposures and policy.benchmark is None:
        raise WrongUse("[constraints] limits beta, and the policy has no benchmark.", "Name one in [portfolio] benchmark.")
    if optimizer is None:
        return
    if "lookback" in named and not asked.exposures:
        what = "[constraints] lookback is not read where an optimizer decides: it keeps limits on risk over its own days."
        raise WrongUse(what, "Take it out; [strategy] lookback says how many.", key="lookback")
    optimizer.check_benchmark(asked.benchmark)


def _check_risk(policy: Policy) -> None:
    """A limit that could never be judged, or never be kept."""
    if policy.risk.beta is not None and policy.benchmark is None:
        raise WrongUse("[risk] limits beta, and the policy has no benchmark.", "Name one in [portfolio] benchmark.")
    names = policy.risk.min_effective_names
    if names is not None and names > len(policy.symbols):
        what = f"[risk] min_effective_names = {names:g}, and the universe has {len(policy.symbols)} symbols."
        raise WrongUse(what, "Lower it, or name more symbols.", key="min_effective_names")


def _check_hedges(policy: Policy) -> None:
    """A hedge has an instrument of its own, and what it is measured by."""
    for hedge in policy.hedges:
        if hedge.instrument in policy.symbols and hedge.kind != "put":
            raise WrongUse(
                f"[[hedge]] {hedge.name} hedges with {hedge.instrument}, which is in [universe] symbols.",
                "Give the hedge an instrument of its own.",
            )
        if hedge.kind in {"beta", "tail"} and policy.benchmark is None:
            raise WrongUse(f"[[hedge]] {hedge.name} looks at a benchmark.", "Name one in [portfolio] benchmark.")
        if hedge.kind in {"currency", "put"} and policy.rebalance.when == "cost_aware":
            what = f"[[hedge]] {hedge.name} is a {hedge.kind}, which [rebalance] when = 'cost_aware' cannot weigh yet."
            raise WrongUse(what, "Trade by calendar, drift or signal.")
        if hedge.kind == "currency" and policy.margin is None:
            raise WrongUse(f"[[hedge]] {hedge.name} borrows {hedge.instrument}.", "That needs a [margin] account.")
        if hedge.kind == "currency" and hedge.instrument not in policy.currencies.values():
            what = f"[[hedge]] {hedge.name} hedges {hedge.instrument}, in which nothing of the universe trades."
            raise WrongUse(what, "Name a currency of [universe].")


def _check_names(policy: Policy) -> None:
    """What one table calls by the name of another."""
    by, classes = policy.rebalance.band_by, ", ".join(policy.classes) or "none"
    if by and by not in policy.classes:
        raise WrongUse(f"[rebalance] band_by = {by!r} is no class of [universe.groups].", f"There are: {classes}.")
    unknown = [name for name in policy.strategy.relax if name not in RELAXED and name not in policy.classes]
    if unknown:
        known = ", ".join([*RELAXED, *policy.classes])
        raise WrongUse(f"[strategy] relax names {unknown[0]}, which is no constraint.", f"There are: {known}.")
    missing = [name for name in named_files(policy.text) if name not in policy.files]
    if missing:
        raise WrongUse(f"The policy names the file {missing[0]}, which is not there.", "Put it beside the policy.")
    for name in named_files(policy.text):
        read_views(policy.files[name], policy.symbols, name)
