"""Whom Yahoo is never asked for, and what of its answers is never read."""

import charts
import pytest
import replay
from charts import NOT_FOUND, WEEK, chart

from portfolio.errors import Refused

SPLIT = {WEEK[3]: "4:1"}


def test_all_unknown_symbols_are_named_at_once(yahoo):
    answers = {"AAPL": charts.AAPL, "NOPE": NOT_FOUND}
    with pytest.raises(Refused, match=r"has no symbol GONE, NOPE\.") as caught:
        yahoo(answers).read("prices", ["GONE", "AAPL", "NOPE"])
    assert caught.value.facts["unknown"] == ("GONE", "NOPE")


def test_a_class_of_shares_has_a_dot_here_and_a_dash_there(yahoo):
    source = yahoo({"BRK-B": chart("BRK-B", [218.0] * 5)})
    assert set(source.read("prices", ["BRK.B"]).select("instrument", "symbol").rows()) == {("US:BRK.B", "BRK.B")}
    with pytest.raises(Refused, match=r"BRK\.B here"):
        source.read("prices", ["BRK-B"])


HOSTILE = [
    "../../x",
    "BRK/B",
    "A\0",
    "A" * 300,
    "A\u202eB",
    "\u200fA",
    "",
    " ",
    "aapl",
    "A B",
    "A\n",
    "?x=1",
    "A#",
    "%2e%2e",
    "-A",
    ".",
    "..",
    "A.",
    "=",
]


@pytest.mark.parametrize("symbol", HOSTILE)
def test_a_symbol_that_is_none_never_gets_into_an_address(yahoo, symbol):
    source = yahoo({})
    with pytest.raises(Refused, match="has no symbol") as caught:
        source.read("prices", [symbol])
    assert source.server.requests == []
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("symbol", ["^GSPC", "EURUSD=X", "ES=F", "BTC-USD", "0700.HK", "005930.KS"])
def test_other_symbols_are_written_as_an_address_wants_them(yahoo, symbol):
    assert yahoo({symbol: chart(symbol, [1.0] * 5)}).read("prices", [symbol]).height == 5


def spoiled(spoil):
    answer = chart("X", [1.0, 2.0, 3.0, 4.0, 5.0], splits=SPLIT, dividends={WEEK[1]: 0.1})
    spoil(answer["chart"]["result"][0])
    return answer


REFUSED = {
    "an error": (
        {"chart": {"result": None, "error": {"code": "Bad Request", "description": "Data doesn't exist"}}},
        "Data doesn't exist",
    ),
    "another error": ({"finance": {"result": None, "error": {"code": "Made Up"}}}, "no chart for X"),
    "an empty object": ({}, "no chart for X"),
    "no result": ({"chart": {"result": [], "error": None}}, "no chart for X"),
    "a page": (replay.page(), "an HTML page"),
    "minutes": (chart("X", [1.0] * 5, dataGranularity="1m"), "bars of '1m'"),
    "another symbol": (chart("Y", [1.0] * 5), "was asked for X and sent 'Y'"),
    "no currency": (chart("X", [1.0] * 5, currency=None), "does not say"),
    "no such zone": (spoiled(lambda r: r["meta"].update(exchangeTimezoneName="Mars/Olympus")), "time zone 'Mars/Olympus'"),
    "a path for a zone": (spoiled(lambda r: r["meta"].update(exchangeTimezoneName="../../etc/passwd")), "time zone"),
    "text for a price": (
        spoiled(lambda r: r["indicators"]["quote"][0]["close"].__setitem__(2, "3.0")),
        "'3.0' for a number of close",
    ),
    "a flag for a volume": (
        spoiled(lambda r: r["indicators"]["quote"][0]["volume"].__setitem__(2, True)),
        "'True' for a number of volume",
    ),
    "a negative time": (spoiled(lambda r: r["timestamp"].__setitem__(0, -86400)), "no.* between 1970 and 2100"),
    "an absurd time": (spoiled(lambda r: r["timestamp"].__setitem__(0, 10**13)), "between 1970 and 2100"),
    "half a second": (spoiled(lambda r: r["timestamp"].__setitem__(0, 1598400000.5)), "between 1970 and 2100"),
    "a list too short": (spoiled(lambda r: r["indicators"]["quote"][0]["open"].pop()), "lists of different lengths"),
    "no times": (spoiled(lambda r: r.pop("timestamp")), "lists of different lengths"),
    "no list": (spoiled(lambda r: r["indicators"]["quote"][0].update(open=1.0)), "no list of open"),
    "a split by zero": (
        spoiled(lambda r: next(iter(r["events"]["splits"].values())).update(denominator=0)),
        "a split or a dividend that is none",
    ),
    "a split in words": (spoiled(lambda r: next(iter(r["events"]["splits"].values())).update(numerator="4")), "that is none"),
    "a negative dividend": (spoiled(lambda r: next(iter(r["events"]["dividends"].values())).update(amount=-1)), "that is none"),
    "an event without a day": (spoiled(lambda r: next(iter(r["events"]["dividends"].values())).pop("date")), "that is none"),
    "half a body": (replay.Answer(b'{"chart": {"result": ['), "no whole JSON"),
}


@pytest.mark.parametrize(("answer", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_daily_chart_is_refused_in_one_sentence(yahoo, answer, says):
    with pytest.raises(Refused, match=says) as caught:
        yahoo({"X": answer}).read("prices", ["X"])
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Yahoo ")
