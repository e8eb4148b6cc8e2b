import datetime as dt
import re

import pytest

from expectations.gate import judge, standing
from expectations.page import render
from portfolio.types import Health, Incident, IncidentState, LawResult

AT = dt.datetime(2022, 12, 29, 12, tzinfo=dt.UTC)


def result(law="law", status="failed", on_breach="warn", severity="warning", symbols=("AAA",), **more):
    return LawResult("prices", law, "A sentence.", severity, on_breach, status, more.pop("bad", 1), 10, symbols, **more)


def health(results, symbols=("AAA", "BBB"), **more):
    return {symbol: standing.health for symbol, standing in judge(results, symbols, **more).items()}


def test_nothing_against_it_is_sound():
    assert health([result(status="passed", symbols=(), bad=0)]) == {"AAA": Health.SOUND, "BBB": Health.SOUND}


def test_a_warning_makes_suspect_information_does_not():
    assert health([result()]) == {"AAA": Health.SUSPECT, "BBB": Health.SOUND}
    assert health([result(severity="info")])["AAA"] is Health.SOUND


def test_a_row_taken_out_makes_suspect():
    assert health([result(on_breach="quarantine", severity="critical")])["AAA"] is Health.SUSPECT


def test_a_block_freezes_whom_it_names_with_its_reason():
    standings = judge([result("fresh", on_breach="block", severity="critical")], ("AAA", "BBB"))
    assert standings["AAA"].health is Health.BLOCKED
    assert standings["AAA"].reasons == ("fresh is broken (1 of 10). A sentence.",)
    assert standings["BBB"].health is Health.SOUND


def test_a_block_that_names_nobody_or_means_the_batch_freezes_everybody():
    assert set(health([result(on_breach="block", symbols=())]).values()) == {Health.BLOCKED}
    assert set(health([result(on_breach="block", symbols=("AAA",), whole=True)]).values()) == {Health.BLOCKED}
    fifty = tuple(f"S{i}" for i in range(50))
    assert set(health([result(on_breach="block", symbols=fifty)]).values()) == {Health.SOUND}, "the others go on"


def test_the_reports_own_answer_counts_where_there_is_one():
    blocked = {"AAA": ("law",)}
    assert health([result(on_breach="block", symbols=())], blocked=blocked) == {"AAA": Health.BLOCKED, "BBB": Health.SOUND}


def incident(symbols=("AAA",), on_breach="block", state=IncidentState.OPEN, source="yahoo"):
    kind = ("incident", "prices", source, "no_slip", "", "A sentence.", "critical", on_breach, state, None, "", "")
    return Incident(*kind, symbols, 3, None, "run", AT, AT, AT)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], Health.SOUND),
        ([incident()], Health.BLOCKED),
        ([incident(on_breach="quarantine")], Health.SUSPECT),
        ([incident(on_breach="warn"), incident()], Health.BLOCKED),
        ([incident(state=IncidentState.ACKNOWLEDGED)], Health.BLOCKED),
        ([incident(state=IncidentState.RESOLVED)], Health.SOUND),
        ([incident(source="stooq")], Health.SOUND),
        ([incident(symbols=("OLD",))], Health.BLOCKED),
        ([incident(symbols=("BBB",))], Health.SOUND),
    ],
)
def test_live_incidents_of_the_source_it_is_read_from_decide_a_symbols_standing(given, wanted):
    """AAA was OLD before its rename; the decision reads it from yahoo."""
    identities = {"AAA": "US:OLD", "OLD": "US:OLD", "BBB": "US:BBB"}
    found = standing(given, identities, {"AAA": "yahoo", "BBB": "yahoo"})["AAA"]
    assert found.health is wanted
    assert (found.reasons != ()) == (wanted is not Health.SOUND)


def test_an_error_freezes_everybody_whatever_the_law_would_do():
    assert set(health([result(status="error", symbols=(), note="boom")]).values()) == {Health.BLOCKED}


def test_unknown_is_the_policys_word():
    unknown = result(status="unknown", severity="critical", symbols=(), bad=0, unknown=10)
    assert set(health([unknown]).values()) == {Health.SOUND}
    assert set(health([unknown], unknown="block").values()) == {Health.BLOCKED}


def page(results=(), rows=()):
    return render(results, rows, "Data quality", AT, ["From a vendor."])


def test_everything_is_escaped():
    evil = "<script>alert(1)</script>"
    text = page([result(symbols=(evil,), note=evil)], [{"symbol": evil, evil: 1, "laws": [evil]}])
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 4


def test_nothing_comes_from_outside():
    text = page([result()], [{"symbol": "AAA"}])
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|<link|<img|<script|@import|url\(", text)


def test_every_status_is_shown_with_its_count():
    results = [
        result("a"),
        result("b", "unknown", bad=0, unknown=7),
        result("c", "error", note="boom"),
        result("d", "passed", bad=0),
    ]
    text = page(results)
    for words in ("1 of 10", "7 of 10 not judged", "boom", "A sentence.", "1 laws hold"):
        assert words in text


def test_only_a_sample_of_the_quarantine_is_shown():
    text = page([], [{"symbol": f"S{i}"} for i in range(500)])
    assert "100 of 500" in text
    assert text.count("<td>") == 100


def test_an_empty_page_says_so():
    assert "Nothing was checked." in page()
