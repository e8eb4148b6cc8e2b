"""The decision on paper: to a JSON document and back, with all that a replay needs, and the comparison of two of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portfolio.decide import Before, Book
from portfolio.market import Market
from portfolio.policy import parse_policy
from portfolio.types import (
    Account,
    Decision,
    Declaration,
    Health,
    Plan,
    Policy,
    Quote,
    Rate,
    SessionPlace,
    TradingState,
    plan_line,
)

Document = dict[str, Any]
LATER = frozenset(  # fields that older records do not have
    {
        "why",
        "certificate",
        "timing",
        "hedges",
        "stresses",
        "margin_before",
        "margin_after",
        "backtests",
        "judged",
        "after",
        "kept",
    }
    | {"figure", "limit", "of", "rate", "parts", "cost", "beta", "effective_names", "volatility_at_one"}
    | {"exit_days", "exit_cost", "exit_deviation"}
)


def decision_document(decision: Decision, policy: Policy, market: Market, book: Book) -> Document:
    """The whole decision as JSON values: decimals as texts, instants in ISO 8601, weights as numbers."""
    body = decision_body(decision)
    body["inputs"] = {
        "policy": policy.text,
        "files": dict(policy.files),
        "market": {
            "as_of": market.as_of.isoformat(),
            "session": market.session.isoformat(),
            "snapshot": market.snapshot,
            "money": sorted(market.rates),
            "health": {s: h.value for s, h in market.health.items()},
            "illness": {s: list(laws) for s, laws in market.illness.items()},
            "declarations": [_plain(asdict(d)) for d in market.declarations],
        },
        "book": _plain(asdict(book)),
    }
    out: Document = body
    return out


def decision_body(decision: Decision) -> Document:
    """The decision without what a replay needs beside it."""
    out: Document = _plain(asdict(decision))
    return out


def plan_document(plan: Plan) -> Document:
    out: Document = _plain(asdict(plan))
    return out


def plan_from(document: Mapping[str, Any]) -> Plan:
    lines = tuple(plan_line(line) for line in document["lines"])
    return Plan(**{**document, "session": date.fromisoformat(document["session"]), "lines": lines})


def book_from(document: Mapping[str, Any]) -> Book:
    """The book of a recorded decision."""
    return Book(
        account_name=document["account_name"],
        account=_account(document["account"]),
        quotes={s: _quote(q) for s, q in document["quotes"].items()},
        instruments=dict(document["instruments"]),
        state=TradingState(document["state"]),
        history=tuple((date.fromisoformat(day), Decimal(value)) for day, value in document["history"]),
        rebalances=tuple(date.fromisoformat(day) for day in _rebalances(document)),
        increments={s: Decimal(q) for s, q in document["increments"].items()},
        place=_place(document.get("place")),
        rates={c: _rate(r) for c, r in document.get("rates", {}).items()},
        pending=_amounts(document.get("pending", {})),
        anchor=date.fromisoformat(document["anchor"]) if document.get("anchor") else None,
        before=_before(document.get("before")),
        forecasts=tuple((date.fromisoformat(day), value) for day, value in document.get("forecasts", ())),
        standing=document.get("standing", ""),
    )


def _amounts(document: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in document.items()}


def _account(document: Mapping[str, Any]) -> Account:
    foreign = _amounts(document.get("foreign", {}))
    return Account(_amounts(document["positions"]), Decimal(document["cash"]), document["currency"], foreign)


def _rate(document: Mapping[str, Any]) -> Rate:
    told = {**document, "value": Decimal(document["value"]), "time": datetime.fromisoformat(document["time"])}
    return Rate(**told)


def _before(document: Mapping[str, Any] | None) -> Before | None:
    if document is None:
        return None
    return Before(**{**document, "session": date.fromisoformat(document["session"]), "flow": Decimal(document["flow"])})


def _rebalances(document: Mapping[str, Any]) -> list[str]:
    """Older records know the last one alone."""
    if "rebalances" in document:
        return list(document["rebalances"])
    return [document["last_rebalance"]] if document["last_rebalance"] else []


def _place(document: Mapping[str, Any] | None) -> SessionPlace | None:
    return None if document is None else SessionPlace(**{**document, "next": date.fromisoformat(document["next"])})


def policy_from(document: Mapping[str, Any]) -> Policy:
    """The policy of a recorded decision, with the files it named."""
    return parse_policy(document["inputs"]["policy"], document["inputs"].get("files"))


def health_from(document: Mapping[str, Any]) -> tuple[dict[str, Health], dict[str, tuple[str, ...]], tuple[Declaration, ...]]:
    """(health, illness, declarations) of a recorded market."""
    return (
        {s: Health(h) for s, h in document["health"].items()},
        {s: tuple(laws) for s, laws in document["illness"].items()},
        tuple(Declaration(**{**d, "has": frozenset(d["has"])}) for d in document["declarations"]),
    )


def differences(recorded: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """What differs between a recorded decision and its replay, one sentence a field; empty where they are equal.

    Everything that was decided is compared to the bit, orders to the share. The code's version may differ, the inputs are
    what the replay was made from; what was not recorded yet in its day is not compared.
    """
    out = []
    for key in (each.name for each in fields(Decision) if each.name not in {"code_version", "inputs"}):
        missing = key in LATER and key not in recorded
        changed = [] if missing else list(_changes(recorded.get(key), again.get(key)))
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            out.append(f"{key}: recorded {'; '.join(changed[:3])}{more}")
    return out


def _changes(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """`path old -> new` for every leaf that differs; an entry of a list is called by its rule or symbol where it has one."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new} - (LATER - set(old))):
            yield from _changes(old.get(key), new.get(key), f"{path}{key} ")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, after, f"{path}{_called(before, number)} ")
    elif isinstance(old, list) and isinstance(new, list):
        yield f"{path}{len(old)} entries -> {len(new)} entries"
    else:
        yield f"{path}{repr(old)[:120]} -> {repr(new)[:120]}"


def _called(entry: Any, number: int) -> str:
    name = (entry.get("rule") or entry.get("symbol")) if isinstance(entry, Mapping) else None
    return f"{number} ({name})" if name else str(number)


def _quote(document: Mapping[str, Any]) -> Quote:
    """A recorded quote; what older records do not have is as it is where nobody said it."""

    def price(name: str) -> Decimal | None:
        return None if document.get(name) is None else Decimal(document[name])

    return Quote(
        symbol=document["symbol"],
        bid=price("bid"),
        ask=price("ask"),
        last=price("last"),
        currency=document["currency"],
        time=datetime.fromisoformat(document["time"]),
        delayed=document["delayed"],
        frozen=document.get("frozen", False),
        close=price("close"),
        volume=price("volume"),
        mark=price("mark"),
    )


def _plain(value: Any) -> Any:
    """JSON values only. A set becomes a sorted list, a number that is not finite null; StrEnum members are texts already."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(v) for v in value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str) else value
