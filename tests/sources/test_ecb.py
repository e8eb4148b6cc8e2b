"""The European Central Bank's rates: its CSV, from when they are known, and what is none of it."""

import datetime as dt

import polars as pl
import pytest
import records

from portfolio.errors import Refused
from portfolio.rates import ECB
from sources import open_source
from sources.port import Access

UTC = dt.UTC
USD = records.PORTAL.format("USD")


def told(replaying, body=None, now=None, **span):
    routes = records.ecb(ECB) | ({USD: body} if body is not None else {})
    access = Access(url=replaying(routes).url, **({"now": now} if now else {}))
    return open_source("ecb", access=access).read("macro", ["EUR.USD"], **span)


def test_a_rate_is_dollars_a_euro_known_from_the_afternoon_in_frankfurt(replaying):
    assert told(replaying).select("series", "date", "value", "unit", "source", "known_at").rows() == [
        ("EUR.USD", dt.date(2022, 11, 22), 1.0274, "USD per EUR", "ecb", dt.datetime(2022, 11, 22, 15, tzinfo=UTC)),
        ("EUR.USD", dt.date(2022, 11, 23), 1.0325, "USD per EUR", "ecb", dt.datetime(2022, 11, 23, 15, tzinfo=UTC)),
    ]


def test_all_rates_are_asked_for_where_none_is_named(replaying):
    source = open_source("ecb", access=Access(url=replaying(records.ecb(ECB)).url))
    assert set(source.read("macro").get_column("series")) == set(ECB)
    with pytest.raises(Refused, match=r"no series EUR\.XAU"):
        source.read("macro", ["EUR.XAU"])


def test_what_is_not_out_yet_is_left_out(replaying):
    before = dt.datetime(2022, 11, 23, 14, 59, 59, tzinfo=UTC)
    assert told(replaying, now=before).get_column("date").to_list() == [dt.date(2022, 11, 22)]
    at = dt.datetime(2022, 11, 23, 15, tzinfo=UTC)
    assert told(replaying, now=at).height == 2


def test_days_without_a_rate_are_no_error(replaying):
    assert told(replaying, since=dt.date(2022, 11, 26), until=dt.date(2022, 11, 27)).height == 0


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("<html><body>maintenance</body></html>", "HTML page"),
        ("", "empty body"),
        ("a,b\n1,2\n", "without TIME_PERIOD"),
        ("TIME_PERIOD,OBS_VALUE\n2022-11-22,much\n", "no day and rate"),
        ("TIME_PERIOD,OBS_VALUE\n22.11.2022,1.02\n", "no day and rate"),
        ("TIME_PERIOD,OBS_VALUE\n2022-11-22,0\n", "no day and rate"),
        ("TIME_PERIOD,OBS_VALUE\n2022-11-22,inf\n", "no day and rate"),
    ],
)
def test_what_is_no_answer_is_refused(replaying, body, word):
    with pytest.raises(Refused, match=word):
        told(replaying, body)


def test_a_day_without_a_number_has_no_row(replaying):
    rows = told(replaying, "TIME_PERIOD,OBS_VALUE\n2022-11-22,NaN\n2022-11-23,1.0325\n")
    assert rows.get_column("value").to_list() == [1.0325] and rows.schema["value"] == pl.Float64
