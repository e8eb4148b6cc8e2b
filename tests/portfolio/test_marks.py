"""What a holding is worth where nobody quotes it: the broker's own mark, said and frozen; without one, nothing is decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mind import AS_OF, FIXED, D, book, market, policy, quote, walk

from portfolio.book import valued
from portfolio.decide import decide
from portfolio.errors import Refused
from portfolio.record import book_from, decision_document
from portfolio.types import Action, Quote

PUT = "SPY230317P00090000"
COVERED = FIXED + '\n[[hedge]]\nkind = "put"\nname = "floor"\ninstrument = "SPY"\nceiling = 0.05\n'
HELD = {"SPY": "600", "IEF": "300", "GLD": "90", PUT: "3"}


def unquoted(symbol=PUT, mark="1.20", ask=None, last=None, **more) -> Quote:
    exact = {name: None if value is None else D(value) for name, value in {"mark": mark, "ask": ask, "last": last}.items()}
    return Quote(symbol, None, exact["ask"], exact["last"], "USD", AS_OF, mark=exact["mark"], **more)


def seen():
    panel = walk(3, 400)
    panel = panel * 100.0 / panel[-1]
    return market(closes=panel, benchmark=panel[:, 0])


def held(put: Quote | None, positions=None, **more):
    quotes = {s: quote(s) for s in ("SPY", "IEF", "GLD")} | ({} if put is None else {put.symbol: put})
    return book(positions or HELD, "1000", quotes=quotes | more)


def decided(where, text=COVERED):
    return decide(policy(text), seen(), where, code_version="1")


def test_the_order_is_the_middle_the_last_trade_and_the_broker_s_mark():
    two_sided = replace(unquoted(ask="1.40", last="9"), bid=D("1.30"))
    assert [q.worth for q in (two_sided, unquoted(last="1.10"), unquoted())] == [D("1.35"), D("1.10"), D("1.20")]
    assert unquoted(ask="0.05").worth == D("1.20"), "an ask alone says what nobody would pay"
    assert [unquoted(mark=m).worth for m in (None, "0", "-1", "NaN", "Infinity")] == [None] * 5
    assert unquoted().dealable is None and unquoted().reference is None, "no order is sized on a mark"


def test_a_purchase_at_work_of_what_nobody_quotes_any_more_is_paid_for_at_the_mark():
    where = held(None, {"SPY": "600", "IEF": "200", "GLD": "90"}, GLD=unquoted("GLD", "100"))
    found = decided(replace(where, pending={"GLD": D(5)}), FIXED)
    assert found.current["GLD"] == pytest.approx(0.105, abs=0.002)
    assert "GLD" not in {line.symbol for line in (found.plan.lines if found.plan else ())}


def test_a_put_that_nobody_quotes_is_valued_at_the_mark_and_frozen():
    found = decided(held(unquoted()))
    equity = 1000 + 990 * 100 + 3 * 100 * D("1.20")
    assert valued(policy(COVERED), seen(), held(unquoted()))[0] == equity
    assert found.current[PUT] == pytest.approx(float(360 / equity))
    (still,) = [v for v in found.verdicts if v.rule == "strange_quote"]
    assert (still.action, still.symbols) == (Action.FREEZE, (PUT,))
    said = f"{PUT}: nobody quotes it, and it is valued at 1.20, the broker's own mark"
    assert still.reason == f"{said}. Frozen: neither bought nor sold." and said in found.reasons
    (hedge,) = found.hedges
    assert hedge.weight == pytest.approx(found.current[PUT]) and "3 of" in hedge.reason and "nobody quotes it" in hedge.reason
    assert found.plan is None or PUT not in {line.symbol for line in found.plan.lines}


def test_the_rest_is_traded_around_it():
    found = decided(held(unquoted(), {"SPY": "900", PUT: "3"}))
    sides = {line.symbol: line.side.value for line in found.plan.lines}
    assert sides == {"SPY": "SELL", "IEF": "BUY", "GLD": "BUY"}
    assert found.weights[PUT] == pytest.approx(found.current[PUT], rel=1e-12)


def test_a_share_that_nobody_quotes_any_more_stays_too():
    found = decided(replace(held(None), quotes={**held(None).quotes, "GLD": unquoted("GLD", "98")}, account=replace(
        held(None).account, positions={s: D(q) for s, q in HELD.items() if s != PUT})), FIXED)  # fmt: skip
    assert found.current["GLD"] == pytest.approx(90 * 98 / (1000 + 90_000 + 90 * 98))
    assert {v.symbols for v in found.verdicts if v.rule == "strange_quote"} == {("GLD",)}


def test_a_put_valued_at_its_last_trade_is_said():
    found = decided(held(unquoted(mark="9", last="1.10")))
    assert f"{PUT}: nobody makes a price on both sides, and it is valued at 1.10, its last trade" in found.reasons
    assert not any("on both sides" in words for words in decided(held(quote(PUT, "1.00", "1.20"))).reasons)


@pytest.mark.parametrize("put", [None, unquoted(mark=None), unquoted(mark=None, ask="0.05")])
def test_without_any_of_them_nothing_is_decided(put):
    with pytest.raises(Refused, match=f"{PUT} is held but has no usable quote in USD, and the broker tells no mark of it") as no:
        decided(held(put))
    assert "close the position at the broker" in no.value.way_out


def test_a_mark_far_from_the_closes_is_not_believed():
    positions = {"SPY": "600", "IEF": "300", "GLD": "90"}
    where = held(None, positions)
    with pytest.raises(Refused, match="GLD is held, and its quote is 1000"):
        decided(replace(where, quotes={**where.quotes, "GLD": unquoted("GLD", "1000")}), FIXED)


def test_the_record_keeps_the_mark():
    import json

    where = held(unquoted())
    document = json.loads(json.dumps(decision_document(decided(where), policy(COVERED), seen(), where)))
    assert book_from(document["inputs"]["book"]).quotes[PUT].mark == D("1.20")
    del document["inputs"]["book"]["quotes"][PUT]["mark"]
    assert book_from(document["inputs"]["book"]).quotes[PUT].mark is None, "older records have none"
    assert np.isfinite(document["current"][PUT])
