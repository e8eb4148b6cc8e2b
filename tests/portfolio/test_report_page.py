"""The report: one page that loads nothing, says everything, and believes no text it is handed."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from mind import D, book, market, policy
from pages import facts

from portfolio.decide import decide
from portfolio.record import decision_document
from portfolio.reports import ReportFacts, render
from portfolio.reports.page import money, percent, shares
from portfolio.types import LawResult

HOSTILE = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Every tag with its attributes, and the text outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data


@pytest.fixture(scope="module")
def page() -> str:
    return render(facts())


def test_the_page_loads_nothing(page):
    """No script, no frame, no address of another machine in any attribute that loads; a policy that forbids the rest."""
    seen = Page(page)
    names = {tag for tag, _ in seen.tags}
    assert not names & {"script", "iframe", "link", "object", "embed", "img", "base", "form"}
    for tag, attributes in seen.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href", "action", "srcset", "data"}:
                assert value.startswith("#"), (tag, name, value)
    style = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL))
    assert "@import" not in style
    assert "url(" not in style.replace("url(#", "")
    (said,) = [a["content"] for tag, a in seen.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in said
    assert "script-src" not in said
    outside = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_page_says_what_was_decided_and_done(page):
    words = Page(page).words
    for said in ("core, session 2022-12-28", "fixed", "BUY SPY", "593", "100.01", "2.97", "REJECTED", "not yet known", "agree"):
        assert said in words, said
    for said in (
        "no_gap",
        "SPY, IEF",
        "3 rows of prices",
        "1 passed, 1 did not",
        "ab" * 32,
        "the first investment",
        "max_weight",
    ):
        assert said in words, said
    assert "5.93" in words  # 593 shares bought one cent above the mid


@pytest.mark.parametrize("chart", range(4))
def test_each_chart_is_well_formed_and_its_text_stays_text(page, chart):
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 4
    root = ElementTree.fromstring(charts[chart])
    assert root.tag.endswith("svg")
    assert root.get("viewBox")
    assert root.get("width") is None
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert any(t and t.strip() for t in texts)
    assert "currentColor" in charts[chart]


def hostile() -> ReportFacts:
    plain = facts()
    found = dict(plain.decision)
    found["reasons"] = [HOSTILE]
    found["portfolio"] = HOSTILE
    found["road"] = [HOSTILE]
    found["verdicts"] = [{**found["verdicts"][0], "reason": HOSTILE, "rule": HOSTILE, "action": HOSTILE}]
    found["code_version"] = HOSTILE
    names = {HOSTILE: 0.6, "=SUM(A1)": 0.2, "$\\nosuch{$": 0.1}
    found["weights"], found["current"] = names, dict.fromkeys(names, 0.0)
    law = LawResult(HOSTILE, HOSTILE, HOSTILE, "critical", "block", "failed", 1, 1, (HOSTILE,), note=HOSTILE)
    row = replace(plain.trades[0], symbol=HOSTILE, reason=HOSTILE, state=HOSTILE)
    past = replace(plain.hindsight, benchmark=np.ones(400), benchmark_name=HOSTILE)
    return replace(
        plain, decision=found, trades=[row], laws=[law], holdings=names, weights=[(HOSTILE, names)], breaks=[HOSTILE],
        equity=[(HOSTILE, D(1)), ("$\\nosuch{$", D(2))], quarantined={HOSTILE: 1}, policy_text=HOSTILE, currency=HOSTILE, hindsight=past, journal_head=HOSTILE,
    )  # fmt: skip


def test_whatever_a_text_holds_it_stays_text():
    page = render(hostile())
    assert "<script" not in page.lower()
    seen = Page(page)
    assert not any(tag == "script" for tag, _ in seen.tags)
    assert seen.words.count("alert('x')") > 10
    for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(chart)


def idle() -> dict:
    rules, shown, held = policy(), market(days=20), book({"SPY": "594", "IEF": "297", "GLD": "99"}, "1000")
    return decision_document(decide(rules, shown, held, code_version="test"), rules, shown, held)


BARE = {
    "nothing traded": {"trades": [], "plan_status": "nothing to trade"},
    "no plan, no history": {"decision": idle(), "trades": [], "hindsight": None},
    "one session": {"equity": [("2022-12-28", D(1000))], "weights": [("2022-12-28", {"SPY": 1.0})]},
    "no session": {"equity": [], "weights": [], "hindsight": None},
    "nothing held": {"holdings": {}, "weights": [("opened", {}), ("2022-12-28", {})]},
    "no laws": {"laws": [], "quarantined": {}},
    "no limits": {"limits": {}},
    "a difference": {"breaks": ["AAPL: the ledger says 1, the broker 2"]},
    "everything": {"decision": idle(), "trades": [], "hindsight": None, "equity": [], "weights": [], "holdings": {}, "laws": [], "limits": {}},
}  # fmt: skip


@pytest.mark.parametrize("name", BARE)
def test_the_page_renders_with_little_to_say(name):
    words = Page(render(facts(**BARE[name]))).words
    assert "core, session 2022-12-28" in words
    assert not re.search(r"\b(nan|inf|None)\b", words)
    if "traded" in name:
        assert "Nothing was traded." in words
    if name == "a difference":
        assert "DIFFER" in words
    if name == "no plan, no history":
        assert "unknown" in words


def test_equal_facts_give_the_same_page(page):
    assert render(facts()) == page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("593", "593"),
        ("1E+3", "1,000"),
        ("1234567", "1,234,567"),
        ("10.50", "10.5"),
        ("10.00", "10"),
        ("0.001", "0.001"),
        ("100", "100"),
        ("0", "0"),
    ],
)
def test_shares_read_as_shares(value, text):
    assert shares(D(value)) == text


def test_money_and_percents_read_as_such():
    assert (money(D("1234.5")), money(None), money(0.0)) == ("1,234.50", "not yet known", "0.00")
    assert (percent(0.0123), percent(None), percent(-0.00001)) == ("1.23 %", "unknown", "0.00 %")
    assert percent(float("nan")) == "unknown"
