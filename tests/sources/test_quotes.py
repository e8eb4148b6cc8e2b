"""Delayed quotes: their age and kind kept, and absent where there is none."""

import datetime as dt
from decimal import Decimal

import charts
import pytest
import replay
from charts import CHART, WEEK, chart

from portfolio.errors import Outage, Refused
from portfolio.ports import Quotes
from portfolio.types import Quote
from sources.port import Access
from sources.yahoo.quotes import YahooQuotes

UTC = dt.UTC
CLOSED = dt.datetime(2020, 9, 1, 20, tzinfo=UTC)


def quotes(replaying, answers, now=CLOSED + dt.timedelta(minutes=1)):
    routes = {CHART + symbol: answer for symbol, answer in answers.items()}
    source: Quotes = YahooQuotes(Access(now, replaying(routes).url))
    return source.quotes([*answers, "GONE"])


def test_a_quote_keeps_its_age_and_says_that_it_is_delayed(replaying):
    found = quotes(replaying, {"AAPL": charts.AAPL, "MSFT": charts.MSFT})
    assert found == {
        "AAPL": Quote("AAPL", None, None, Decimal("134.18"), "USD", CLOSED, delayed=True),
        "MSFT": Quote("MSFT", None, None, Decimal("227.27"), "USD", CLOSED, delayed=True),
    }
    assert found["AAPL"].dealable == Decimal("134.18")


def test_pence_are_pounds(replaying):
    london = {"currency": "GBp", "exchangeName": "LSE", "exchangeTimezoneName": "Europe/London"}
    answer = chart("OCDO.L", [305.3], WEEK[:1], chartPreviousClose=301.2, regularMarketVolume=812345, **london)
    found = quotes(replaying, {"OCDO.L": answer})["OCDO.L"]
    assert (found.last, found.close, found.currency) == (Decimal("3.053"), Decimal("3.012"), "GBP")
    assert (found.volume, found.market_data) == (812345, "delayed")


@pytest.mark.parametrize(("close", "volume"), [(0, -1), (None, None), ("171.1", "12"), (True, True)])
def test_a_close_or_a_volume_that_is_none_is_left_out(replaying, close, volume):
    answer = chart("AAPL", [134.18], WEEK[4:], chartPreviousClose=close, regularMarketVolume=volume)
    found = quotes(replaying, {"AAPL": answer})["AAPL"]
    assert (found.close, found.volume) == (None, None)


ABSENT = {
    "zero": {"regularMarketPrice": 0},
    "negative": {"regularMarketPrice": -37.63},
    "none": {"regularMarketPrice": None},
    "text": {"regularMarketPrice": "134.18"},
    "a flag": {"regularMarketPrice": True},
    "no time": {"regularMarketTime": None},
    "a time of another age": {"regularMarketTime": 10**12},
    "the future": {"regularMarketTime": int(CLOSED.timestamp()) + 3600},
}


@pytest.mark.parametrize("meta", ABSENT.values(), ids=ABSENT)
def test_what_is_no_price_of_a_time_is_absent(replaying, meta):
    assert quotes(replaying, {"AAPL": chart("AAPL", [134.18], WEEK[4:], **meta)}) == {}


def test_a_number_that_is_none_is_no_quote_at_all(replaying):
    body = b'{"chart": {"result": [{"meta": {"symbol": "AAPL", "regularMarketPrice": NaN}}]}}'
    with pytest.raises(Refused, match="NaN is no number"):
        quotes(replaying, {"AAPL": replay.Answer(body)})


def test_nobody_there_is_an_outage_and_not_no_quotes(replaying):
    with pytest.raises(Outage):
        quotes(replaying, {"AAPL": replay.again(429, after=999)})
