"""The decision on paper: through JSON text and back, and what a replay would find."""

import copy
import json
from dataclasses import fields, replace
from datetime import date

import pytest
from mind import D, book, market, policy, quote, walk

from portfolio.decide import decide
from portfolio.policy import parse_policy
from portfolio.record import book_from, decision_document, differences, health_from, plan_document, plan_from
from portfolio.types import Decision, Declaration, Health, SessionPlace, TradingState

OLD = replace(quote("GLD"), delayed=True, frozen=True, close=D("169.8"), volume=D(120300))
HELD = book(
    {"SPY": "400", "IEF": "500", "GLD": "90"},
    "1000.25",
    quotes={"SPY": quote("SPY"), "IEF": quote("IEF", None, None, "99.5"), "GLD": OLD},
    history=((date(2022, 12, 23), D("99000.10")), (date(2022, 12, 27), D("99500"))),
    rebalances=(date(2022, 12, 1),),
    place=SessionPlace(date(2022, 12, 29), 3, 19, 62, 250),
    increments={"SPY": D(1), "IEF": D("0.1")},
)
SHOWN = market(
    closes=walk(3, 400, size=0.004),
    health={"GLD": "suspect"},
    illness={"GLD": ("one bar is missing.",)},
    declarations=(Declaration("sample", "adjusted", frozenset({"close", "volume"}), "bundled"),),
)


def recorded(rules=None, held=HELD, shown=SHOWN):
    rules = rules or policy()
    return decision_document(decide(rules, shown, held, code_version="1"), rules, shown, held)


def on_paper(document):
    return json.loads(json.dumps(document, allow_nan=False))


def test_the_document_survives_json_text():
    document = recorded()
    assert on_paper(document) == document
    assert document["status"] == "trade"
    assert set(document) == {f.name for f in fields(Decision)}
    assert document["verdicts"][0]["action"] == "pass"
    assert document["plan"]["lines"][0]["side"] in {"BUY", "SELL"}


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("last", [(), (date(2022, 12, 1),)])
def test_the_book_comes_back_as_it_was(state, last):
    held = replace(HELD, state=state, rebalances=last)
    document = on_paper(recorded(held=held))
    back = book_from(document["inputs"]["book"])
    assert back == held
    assert back.state is state


def test_a_quote_of_an_older_record_comes_back_without_what_it_did_not_have():
    document = on_paper(recorded())["inputs"]["book"]
    for name in ("frozen", "close", "volume"):
        document["quotes"]["GLD"].pop(name)
    assert book_from(document).quotes["GLD"] == replace(OLD, frozen=False, close=None, volume=None)


def test_the_plan_comes_back_as_it_was():
    found = decide(policy(), SHOWN, HELD, code_version="1")
    assert plan_from(on_paper(plan_document(found.plan))) == found.plan
    child = replace(found.plan, parent="x" * 16, funding=True)
    assert plan_from(on_paper(plan_document(child))) == child


def test_the_market_s_health_comes_back_as_it_was():
    health, illness, declared = health_from(on_paper(recorded())["inputs"]["market"])
    assert health == {"GLD": Health.SUSPECT}
    assert illness == {"GLD": ("one bar is missing.",)}
    assert declared == SHOWN.declarations


def test_a_replay_from_paper_differs_in_nothing():
    paper = on_paper(recorded())
    rules = parse_policy(paper["inputs"]["policy"])
    again = recorded(rules, book_from(paper["inputs"]["book"]))
    assert differences(paper, again) == []
    assert differences(paper, {**again, "code_version": "2"}) == []


def set_in(document, path, value):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("status",), "refused", ["status", "trade", "refused"]),
        (("decision",), "f" * 16, ["decision", "f" * 16]),
        (("portfolio",), "other", ["portfolio", "core", "other"]),
        (("policy_hash",), "abc", ["policy_hash", "abc"]),
        (("snapshot",), 18, ["snapshot", "17", "18"]),
        (("as_of",), "2022-01-01T00:00:00+00:00", ["as_of", "2022-01-01"]),
        (("session",), "2022-01-03", ["session", "2022-01-03"]),
        (("weights", "SPY"), 0.5, ["weights", "SPY", "0.5"]),
        (("targets", "IEF"), 0.1, ["targets", "IEF", "0.1"]),
        (("current", "GLD"), 0.0, ["current", "GLD"]),
        (("verdicts", -1, "action"), "block", ["verdicts", "liquidity", "block"]),
        (("verdicts", -1, "scale"), 0.25, ["verdicts", "liquidity", "0.25"]),
        (("verdicts", 3, "reason"), "another reason", ["verdicts", "another reason"]),
        (("road",), ["hold"], ["road", "hold"]),
        (("reasons",), ["whim"], ["reasons", "whim"]),
        (("risk_after", "volatility"), 0.5, ["risk_after", "volatility", "0.5"]),
        (("risk_before", "names"), None, ["risk_before", "names", "None"]),
        (("plan", "lines", 1, "quantity"), "999", ["plan", "quantity", "999"]),
        (("plan", "lines", 0, "ref"), "0" * 16, ["plan", "ref", "0" * 16]),
        (("plan", "funding"), True, ["plan", "funding", "True"]),
        (("plan",), None, ["plan", "None"]),
    ],
)
def test_a_difference_is_named(path, value, words):
    paper = on_paper(recorded())
    again = copy.deepcopy(paper)
    set_in(again, path, value)
    (sentence,) = differences(paper, again)
    assert all(word in sentence for word in words), sentence
    assert len(sentence) < 1000
    (back,) = differences(again, paper)
    assert path[0] in back


def test_every_field_of_a_decision_is_compared_or_may_differ():
    paper = on_paper(recorded())
    for name in (f.name for f in fields(Decision)):
        found = differences(paper, {**paper, name: "changed"})
        assert bool(found) is (name not in {"code_version", "inputs"}), name


def test_a_shorter_list_of_orders_is_a_difference():
    paper = on_paper(recorded())
    again = copy.deepcopy(paper)
    again["plan"]["lines"].pop()
    (sentence,) = differences(paper, again)
    assert "lines" in sentence


def test_many_differences_are_counted_not_all_told():
    paper = on_paper(recorded())
    again = copy.deepcopy(paper)
    for line in again["plan"]["lines"]:
        line.update(quantity="1", price="2", ref="3", reason="4", symbol="5")
    (sentence,) = differences(paper, again)
    assert "more" in sentence


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_json_has_no_nan(bad):
    """A wish that is no number is no answer: what is held stays, and the road says why. A figure that is none is null."""
    rules = policy(rule={"weights": {"SPY": bad, "IEF": 0.3}})
    document = recorded(rules)
    assert document["road"][-1] == "hold"
    assert "not a finite number" in document["road"][0]
    assert document["status"] == "nothing to trade"
    assert "NaN" not in json.dumps(document)
    assert differences(on_paper(document), recorded(rules)) == []


def test_a_decision_with_too_little_history_is_json_too():
    document = on_paper(recorded(shown=market(days=20)))
    assert document["risk_after"]["volatility"] is None


def test_an_account_that_does_not_trade_is_json_too():
    document = on_paper(recorded(held=book({"SPY": "594", "IEF": "297", "GLD": "99"}, "1000")))
    assert (document["status"], document["plan"]) == ("nothing to trade", None)
