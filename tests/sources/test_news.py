"""Headlines from feeds, Yahoo's search and CSV files: text, times, duplicates and danger."""

import collections
import csv
import datetime as dt
import io
import itertools
import json
import re
import zipfile

import polars as pl
import pytest
import records
import replay
from hypothesis import given
from hypothesis import strategies as st

from portfolio.errors import Refused, WrongUse
from sources import open_source
from sources.news.headlines import LONGEST, Told, folded, normalised, plain
from sources.port import Access

UTC = dt.UTC
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>The Wire</title>
<item><title>Apple &amp; Co. surge</title><link>https://wire.example/1</link><pubDate>Wed, 23 Nov 2022 09:00:00 -0500</pubDate></item>
<item><title>&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;AT&amp;amp;T&lt;/b&gt; falls</title><link>javascript:alert(1)</link>
<pubDate>Wed, 23 Nov 2022 10:00:00 EST</pubDate></item>
<item><title>=HYPERLINK("http://x") is no formula</title><pubDate>2022-11-23T10:00:00</pubDate></item>
<item><title>No time at all</title></item>
<item><title></title><pubDate>Wed, 23 Nov 2022 09:00:00 GMT</pubDate></item>
</channel></rss>
"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom Wire</title><entry><title type="html">Profit &lt;i&gt;rises&lt;/i&gt;</title>
<link href="http://atom.example/1"/><updated>2022-11-23T14:00:00Z</updated></entry></feed>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss version="2.0"><channel><item><title>&b;</title></item></channel></rss>"""


def read(write, body, name="feed.xml", symbol="AAPL", **more):
    return open_source("news", write(name, body), symbol=symbol).read("news", **more)


def test_a_feed_is_text_with_a_time_and_a_zone(write):
    rows = read(write, RSS)
    assert rows.select("symbol", "headline", "published", "publisher", "url").rows()[:2] == [
        ("AAPL", "Apple & Co. surge", dt.datetime(2022, 11, 23, 14, tzinfo=UTC), "The Wire", "https://wire.example/1"),
        ("AAPL", "alert(1) AT&T falls", dt.datetime(2022, 11, 23, 15, tzinfo=UTC), "The Wire", None),
    ]
    assert rows.get_column("known_at").equals(rows.get_column("published"))
    assert set(rows.select("kind", "item").rows()) == {("headline", None)}


def test_a_time_without_a_zone_is_no_time_and_left_to_the_laws(write):
    timeless = read(write, RSS).filter(pl.col("published").is_null()).get_column("headline").to_list()
    assert sorted(timeless) == ['=HYPERLINK("http://x") is no formula', "No time at all"]


def test_atom_too(write):
    assert read(write, ATOM).select("headline", "published", "url").rows() == [
        ("Profit rises", dt.datetime(2022, 11, 23, 14, tzinfo=UTC), "http://atom.example/1")
    ]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252"])
def test_a_feed_says_its_encoding(write, encoding):
    body = RSS.replace("UTF-8", encoding).replace("Apple &amp; Co.", "Nestlé").encode(encoding)
    assert "Nestlé surge" in read(write, body).get_column("headline").to_list()


REFUSED = {
    "an entity bomb": (BOMB, "document type or entities"),
    "a document type": ("<!doctype rss SYSTEM 'http://evil.example/x'>" + ATOM, "document type or entities"),
    "a bomb in other letters": (BOMB.replace("?>", " encoding='utf-16'?>", 1).encode("utf-16"), "has the columns"),
    "utf-7": (RSS.replace("UTF-8", "utf-7"), "in utf-7"),
    "half": (RSS[:400], "no whole feed"),
    "a page": (replay.HTML, "HTML page and no feed"),
    "another xml": ("<cars><car/></cars>", "neither RSS nor Atom"),
    "an unknown entity": ('<rss version="2.0"><channel><item><title>&xxe;</title></item></channel></rss>', "no whole feed"),
}


@pytest.mark.parametrize(("body", "says"), REFUSED.values(), ids=REFUSED)
def test_a_dangerous_or_broken_feed_is_refused_in_one_sentence(write, body, says):
    with pytest.raises(Refused, match=says) as caught:
        read(write, body)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "kept"), [
    ("= 1+1 is two", "= 1+1 is two"), ("+cmd|' /C calc'!A0", "+cmd|' /C calc'!A0"), ("-2% for Ford", "-2% for Ford"), ("@Apple wins", "@Apple wins"),
    ("a\u202egnp.exe", "agnp.exe"), ("tab\tnew\nline\x00end", "tab new line end"), ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
    ("&lt;script&gt;x&lt;/script&gt;", "x"), ("&amp;lt;img src=x onerror=alert(1)&amp;gt; up", "up"), ("<!-- no --> yes", "yes"),
])  # fmt: skip
def test_a_headline_is_plain_text_and_a_formula_stays_text(given, kept):
    assert plain(given) == kept


@given(st.text())
def test_plain_text_stays_plain(text):
    once = plain(text)
    assert len(once) <= LONGEST
    assert not any(ord(each) < 32 for each in once)


# -------------------------------------------------------------------- Yahoo's search
@pytest.fixture
def yahoo(replaying):
    def opened(routes=(), path=""):
        server = replaying({**records.NEWS, **dict(routes)})
        return open_source("news", access=Access(url=server.url + path)), server

    return opened


def test_only_stories_about_the_symbol_count_and_each_once(yahoo):
    rows = yahoo()[0].read("news", ["AAPL"])
    assert rows.select("symbol", "headline", "published").rows() == [
        ("AAPL", "Apple shares surge on record sales", dt.datetime(2022, 11, 23, 14, tzinfo=UTC)),
        ("AAPL", "Apple and Microsoft plunge", dt.datetime(2022, 11, 24, 14, tzinfo=UTC)),
    ]
    assert [score > 0 for score in rows.get_column("sentiment")] == [True, False]


def test_a_known_symbol_without_news_is_no_refusal(yahoo):
    quiet = {"/v1/finance/search": {"news": [], "quotes": [{"symbol": "QUIET"}]}}
    source, _ = yahoo(quiet)
    assert source.read("news", ["QUIET"]).height == 0
    with pytest.raises(Refused, match="no symbol NOBODY"):
        source.read("news", ["NOBODY"])


@pytest.mark.parametrize("symbol", ["../../x", "A&q=B", "A" * 300, "AA\u202ePL", "A\x00", ""])
def test_a_word_that_is_no_symbol_is_never_put_into_an_address(yahoo, symbol):
    source, server = yahoo()
    with pytest.raises(Refused, match="no symbol"):
        source.read("news", [symbol])
    assert server.requests == []


def test_a_feed_on_the_network_for_each_symbol_or_for_one(yahoo):
    source, server = yahoo({"/rss?s=AAPL": RSS, "/rss?s=MSFT": ATOM, "/all.xml": RSS}, "/rss?s={symbol}")
    assert set(source.read("news", ["AAPL", "MSFT"]).get_column("symbol")) == {"AAPL", "MSFT"}
    alone = open_source("news", access=Access(url=server.url + "/all.xml"))
    assert set(alone.read("news", ["AAPL"]).get_column("symbol")) == {"AAPL"}
    with pytest.raises(WrongUse, match=r"does not say of whom it speaks.*\{symbol\}"):
        alone.read("news", ["AAPL", "MSFT"])


@pytest.mark.parametrize("news", [None, "x", [{"title": "no time", "relatedTickers": ["AAPL"]}], [{"title": 5, "providerPublishTime": 1}], [7],
                                  [records.story("late", 10**18, "AAPL")], [records.story("text", "1669212000", "AAPL")]])  # fmt: skip
def test_a_search_of_another_shape_is_refused(yahoo, news):
    with pytest.raises(Refused, match="no list of news"):
        yahoo({"/v1/finance/search": {"news": news}})[0].read("news", ["IBM"])


@pytest.mark.shared
def test_yahoos_real_answers(shared_data, write):
    """Each recording read as a file: its stories times the tickers that each names."""
    seen = 0
    with zipfile.ZipFile(shared_data / "news" / "yahoo_search_news_2025.zip") as archive:
        for member in archive.namelist():
            body = json.loads(archive.read(member))["response"]["bodyJson"]
            if "badResult" in member:
                with pytest.raises(Refused, match="no list of news"):
                    read(write, body, "search.json")
                continue
            rows = read(write, body, "search.json")
            told = {(ticker, each["uuid"]) for each in body["news"] for ticker in each.get("relatedTickers", [])}
            assert rows.height == len(told)
            assert rows.get_column("published").null_count() == 0
            seen += len(told)
    assert seen > 100


# -------------------------------------------------------------------- duplicates
def told(day, headline, publisher=None, symbol="A"):
    return Told(symbol, headline, dt.datetime(2022, 1, 1, 12, tzinfo=UTC) + dt.timedelta(days=day), publisher, None)


def test_of_the_same_headline_within_three_days_the_earliest_stays():
    given = [
        told(2, "FED raises  rates!"),
        told(0, "Fed raises rates"),
        told(1, "Fed raises rates - Reuters"),
        told(1, "Fed raises rates | The Daily Wire", "The Daily Wire"),
        told(1, "Fed raises rates", symbol="B"),
        told(3.5, "Fed raises rates"),
        told(1, "Fed raises rates - again"),
    ]
    kept = [(each.symbol, each.headline, each.published.day) for each in folded(given)]
    assert kept == [
        ("A", "Fed raises rates", 1),
        ("A", "Fed raises rates - again", 2),
        ("B", "Fed raises rates", 2),
        ("A", "Fed raises rates", 5),
    ]


@given(st.lists(st.tuples(st.sampled_from(["Up", "up!", "Down"]), st.integers(0, 12)), max_size=12))
def test_folding_keeps_one_of_each_and_never_less(given):
    kept = folded([told(day, words) for words, day in given])
    for words, day in given:
        near = [
            k for k in kept if normalised(k.headline, None) == normalised(words, None) and 0 <= day - (k.published.day - 1) <= 3
        ]
        assert near, "each has a like that came at most three days before it"
    for one, other in itertools.pairwise(kept):
        same = normalised(one.headline, None) == normalised(other.headline, None)
        assert not same or other.published - one.published > dt.timedelta(days=3)
    assert folded(kept) == kept


def test_a_csv_of_headlines(write):
    body = "ticker,headline,source,url,date\nAAPL,Apple wins,wire.example,https://x.example,2022-11-23\nAAPL,No day,w,,\nMSFT,-5% for Microsoft,w,x,2022-11-23\n"
    rows = open_source("news", write("headlines.csv", body)).read("news")
    assert rows.select("symbol", "headline", "published", "url").rows() == [
        ("AAPL", "Apple wins", dt.datetime(2022, 11, 24, 4, 59, tzinfo=UTC), "https://x.example"),
        ("AAPL", "No day", None, None),
        ("MSFT", "-5% for Microsoft", dt.datetime(2022, 11, 24, 4, 59, tzinfo=UTC), None),
    ]
    with pytest.raises(Refused, match=r"headline.*published"):
        open_source("news", write("other.csv", "a,b\n1,2\n")).read("news")


@pytest.mark.shared
def test_the_duplicates_of_the_recorded_headlines_are_folded(shared_data, write):
    """2,324 rows repeat ticker, headline and day exactly; a plain count over the file says so."""
    with zipfile.ZipFile(shared_data / "news" / "stock_news_10tickers_2019_2021.zip") as archive:
        body = archive.read("stock_news_data.csv")
    file = list(csv.DictReader(io.StringIO(body.decode())))
    exact = collections.Counter((row["ticker"], row["headline"], row["date"]) for row in file)
    assert len(file) - len(exact) == 2_324
    rows = open_source("news", write("headlines.csv", body)).read("news")
    assert rows.height <= len(exact)
    assert rows.height > len(exact) - 200
    assert rows.select("symbol", "published", "headline").is_duplicated().sum() == 0
    day = pl.col("published").dt.convert_time_zone("America/New_York").dt.date()
    kept = collections.defaultdict(set)
    for symbol, headline, told_on in rows.select("symbol", "headline", day).rows():
        kept[symbol, re.sub("[^a-z0-9]", "", headline.lower())].add(told_on)
    for row in file:
        if row["headline"].isascii() and not re.search(r" - |[&<|]", row["headline"]):
            days = kept[row["ticker"], re.sub("[^a-z0-9]", "", row["headline"].lower())]
            assert any(0 <= (dt.date.fromisoformat(row["date"]) - one).days <= 3 for one in days), row
