"""From law results to what the decision may do with each symbol. Pure: rows of the ledger serve as well as a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portfolio.types import Health, Incident, LawResult


@dataclass(frozen=True, slots=True)
class Standing:
    """What one symbol is worth to the decision, and the sentences why. blocked: frozen; suspect: shown."""

    health: Health
    reasons: tuple[str, ...] = ()


def judge(
    results: Iterable[LawResult],
    symbols: Iterable[str],
    blocked: Mapping[str, tuple[str, ...]] | None = None,
    unknown: str = "warn",
) -> Mapping[str, Standing]:
    """symbol -> standing, for every one of `symbols`.

    blocked: the report's own answer where there is one; without it, a blocking result that names nobody, or means the
    batch as such, blocks everybody. unknown: the policy's word; "block" freezes everybody where a critical law could not judge.
    """
    results = tuple(results)
    by_law = {(result.dataset, result.law): result for result in results}
    standings = {}
    for symbol in symbols:
        stops = [r for r in by_law.values() if _blocks(r, symbol, blocked, unknown)]
        doubts = [r for r in by_law.values() if r not in stops and _doubts(r, symbol)]
        health = Health.BLOCKED if stops else Health.SUSPECT if doubts else Health.SOUND
        standings[symbol] = Standing(health, tuple(_sentence(result) for result in (*stops, *doubts)))
    return standings


def standing(incidents: Iterable[Incident], identities: Mapping[str, str], sources: Mapping[str, str]) -> Mapping[str, Standing]:
    """symbol -> standing by the live incidents about it, for every symbol of `identities` (symbol -> instrument).

    sources: symbol -> the source that the decision reads it from; what is wrong with another source's rows is no matter here.
    An incident may name an instrument by a ticker it had before: `identities` holds that ticker too.
    """
    live = [incident for incident in incidents if incident.live]
    found = {}
    for symbol, instrument in identities.items():
        read = [i for i in live if i.source in {sources.get(symbol), ""}]
        mine = [i for i in read if instrument in {identities.get(named, named) for named in i.symbols}]
        stops = [i for i in mine if i.on_breach == "block"]
        health = Health.BLOCKED if stops else Health.SUSPECT if mine else Health.SOUND
        ordered = (*stops, *(i for i in mine if i not in stops))
        found[symbol] = Standing(health, tuple(i.sentence for i in ordered))
    return found


def _blocks(result: LawResult, symbol: str, blocked: Mapping[str, tuple[str, ...]] | None, unknown: str) -> bool:
    if result.status == "unknown":
        return unknown == "block" and result.severity == "critical"
    if blocked is not None:
        return result.law in blocked.get(symbol, ())
    stopping = result.status == "error" or (result.status == "failed" and result.on_breach == "block")
    everybody = not result.symbols or result.whole
    return stopping and (everybody or symbol in result.symbols)


def _doubts(result: LawResult, symbol: str) -> bool:
    """A breach that names the symbol makes it suspect; one of mere information does not."""
    return result.status == "failed" and result.severity != "info" and symbol in result.symbols


def _sentence(result: LawResult) -> str:
    if result.status == "error":
        return f"{result.law} could not be asked: {result.note or 'an error'}."
    if result.status == "unknown":
        return f"{result.law} could not be judged. {result.what}"
    return f"{result.law} is broken ({result.bad} of {result.rows}). {result.what}"
