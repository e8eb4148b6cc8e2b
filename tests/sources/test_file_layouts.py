"""Files as vendors write them: what of a row cannot be read takes that row out, and what is another layout is refused."""

import datetime as dt

import pytest

from portfolio.errors import Refused, WrongUse
from sources import open_source
from sources.files import LAYOUTS

D = dt.date
WIKI = """Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume
2018-01-05,18,19,17.5,18.5,100,0.0,1.0,18,19,17.5,18.5,100
2018-01-04,9,9.5,8.5,9.25,200,0.0,0.5,18,19,17,18.5,100
2018-01-03,9,9.5,8.5,9,200,0.25,1.0,17,18,16,17.5,100
"""
TIINGO = "date,adjClose,close,divCash,high,low,open,splitFactor,volume\r\n28/02/2005,1,44.86,0,45.1,43.96,44.68,2,23271300\r\n09/08/2012,1,620.73,2.65,621.7,618.7,617.9,1,7915200\r\n"
ALPHA = "timestamp,open,high,low,close,volume\n2024-11-08,596.17,599.64,596.165,598.19,46444893\n"
STOOQ = "Date,Open,High,Low,Close,Volume,OpenInt\n2017-11-10,1,2,0.5,1.5,100,0\n"
YAHOO = "Date,High,Low,Open,Close,Volume,Adj Close\n2019-12-31,12,8,9,10,100,5\n2020-01-02,12,8,9,10,100,10\n"
HISTORY = """Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits
2020-08-07 00:00:00-04:00,113.2,113.7,110.3,111.11,110,198045600,0.205,0.0
2020-08-28 00:00:00-04:00,126.01,126.44,124.58,124.81,124,187630000,0.0,0.0
2020-08-31 00:00:00-04:00,127.58,131,126,129.04,128,225702700,0.0,4.0
"""
MULTI = """Price,Price,Close,High,Low,Open,Volume
Ticker,AGG,AGG,AGG,AGG,AGG,AGG
Ticker,AGG,AGG,AGG,AGG,AGG,AGG
Date,,,,,,
2003-09-29 00:00:00,51,102,102.3,102.1,102.2,13600
2003-09-30 00:00:00,51.5,103,103.4,102.3,102.3,62600
"""
WIDE = """Price,Close,Close,Open,Open
Ticker,SPY,brk-b,SPY,brk-b
Date,,,,
2024-03-01,512.85,407.5,508.98,410.1
2024-03-04,512.3,406.6,512.03,407.5
"""
BARS = "19980102 00:00,136300,162500,135000,162500,6315000\n19980105 00:00,165000,165600,151900,160000,5677300\n"


@pytest.fixture
def opened(write):
    return lambda layout, name, body: open_source("files", write(name, body), layout=layout)


def rows(source, *columns, dataset="prices"):
    return source.read(dataset).select(*columns).rows()


BAR = ("symbol", "session", "open", "high", "low", "close", "volume", "adjustment", "source")


@pytest.mark.parametrize(
    ("layout", "name", "body", "first"),
    [
        ("wiki", "WIKI-GE.csv", WIKI, ("GE", D(2018, 1, 3), 9, 9.5, 8.5, 9, 200, "raw", "wiki")),
        ("wiki", "WIKI-IBM-2008-quandl.csv", WIKI, ("IBM", D(2018, 1, 3), 9, 9.5, 8.5, 9, 200, "raw", "wiki")),
        ("tiingo", "BRK-B.csv", TIINGO, ("BRK.B", D(2005, 2, 28), 44.68, 45.1, 43.96, 44.86, 23271300, "raw", "tiingo")),
        ("alphavantage", "daily_SPY.csv", ALPHA, ("SPY", D(2024, 11, 8), 596.17, 599.64, 596.165, 598.19, 46444893, "raw", "alphavantage")),
        ("stooq", "brk-b.us.txt", STOOQ, ("BRK.B", D(2017, 11, 10), 1, 2, 0.5, 1.5, 100, "adjusted", "stooq")),
        ("stooq", "gld_us_d.csv", STOOQ, ("GLD", D(2017, 11, 10), 1, 2, 0.5, 1.5, 100, "adjusted", "stooq")),
        ("yfinance", "AAPL.csv", YAHOO, ("AAPL", D(2019, 12, 31), 4.5, 6, 4, 5, 100, "adjusted", "yfinance")),
        ("yfinance", "AGG.csv", MULTI, ("AGG", D(2003, 9, 29), 51.1, 51.15, 51.05, 51, 13600, "adjusted", "yfinance")),
        ("yfinance", "x.csv", WIDE, ("BRK.B", D(2024, 3, 1), 410.1, None, None, 407.5, None, "adjusted", "yfinance")),
        ("lean", "aapl.csv", BARS, ("AAPL", D(1998, 1, 2), 13.63, 16.25, 13.5, 16.25, 6315000, "raw", "lean")),
    ],
)  # fmt: skip
def test_each_layout_gives_the_bars_that_stand_in_it(opened, layout, name, body, first):
    bar = rows(opened(layout, name, body), *BAR)[0]
    for ours, theirs in zip(bar[2:7], first[2:7], strict=True):
        assert ours is None if theirs is None else ours == pytest.approx(theirs, rel=1e-14)
    assert (*bar[:2], *bar[7:]) == (*first[:2], *first[7:])


def test_prices_times_ten_thousand_come_out_to_the_last_digit(opened):
    body = "".join(f"19980102 00:00,{n},{n},{n},{n},1\n" for n in range(1, 30_000, 7))
    found = opened("lean", "aapl.csv", body).read("prices")["close"].to_list()
    assert found == [n / 10_000 for n in range(1, 30_000, 7)]


def test_splits_and_dividends_beside_the_bars_are_actions_and_come_with_them(opened):
    source = opened("wiki", "WIKI-GE.csv", WIKI)
    found = rows(source, "ex_session", "kind", "ratio", "amount", dataset="corporate_actions")
    assert found == [(D(2018, 1, 3), "dividend", None, 0.25), (D(2018, 1, 4), "split", 0.5, None)]
    assert source.companions == {"prices": ("corporate_actions",)}
    assert source.read("corporate_actions")["known_at"][0] == dt.datetime(2018, 1, 3, 14, 30, tzinfo=dt.UTC)
    assert opened("stooq", "gld.us.txt", STOOQ).companions == {}


def test_yfinances_history_is_taken_back_to_what_was_dealt(opened):
    source = opened("yfinance", "AAPL.csv", HISTORY)
    bars = rows(source, "session", "close", "volume", "adjustment")
    assert bars[1:] == [
        (D(2020, 8, 28), 499.24, 46907500.0, "raw"),  # four times what Yahoo says today
        (D(2020, 8, 31), 129.04, 225702700.0, "raw"),
    ]
    found = rows(source, "ex_session", "kind", "ratio", "amount", dataset="corporate_actions")
    assert found == [(D(2020, 8, 7), "dividend", None, 0.82), (D(2020, 8, 31), "split", 4.0, None)]


def test_one_bad_date_does_not_fail_the_whole_file(opened):
    body = WIKI + "2018-02-30,9,9.5,8.5,9,200,0.0,1.0,17,18,16,17.5,100\n" + WIKI.splitlines()[0] + "\n"
    found = rows(opened("wiki", "WIKI-GE.csv", body), "session", "close")
    assert found[:3] == [(D(2018, 1, 3), 9), (D(2018, 1, 4), 9.25), (D(2018, 1, 5), 18.5)]
    assert found[3:] == [(None, 9.0), (None, None)], "they go on, without a day, for the law that takes them out"


@pytest.mark.parametrize("cell", ["abc", "1,5", "inf", "1e999", "=1+1", "12.5.1"])
def test_a_bar_of_which_one_number_cannot_be_read_has_no_close(opened, cell):
    body = ALPHA + f'2024-11-07,"{cell}",599,596,597,1\n2024-11-06,596,599,595,596,1\n'
    assert rows(opened("alphavantage", "SPY.csv", body), "session", "close") == [
        (D(2024, 11, 6), 596), (D(2024, 11, 7), None), (D(2024, 11, 8), 598.19)
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["", "null", "NaN", "-", "N/A"])
def test_a_number_that_is_not_there_is_null_and_the_bar_stays(opened, cell):
    body = ALPHA + f"2024-11-07,{cell},599,596,597,{cell}\n"
    assert rows(opened("alphavantage", "SPY.csv", body), "open", "close", "volume")[0] == (None, 597, None)


def test_a_line_with_a_cell_too_many_is_not_guessed_at(opened):
    body = ALPHA + "2024-11-07,596,599,596,1,5,100\n2024-11-06,596,599\n"
    assert rows(opened("alphavantage", "SPY.csv", body), "session", "close") == [
        (D(2024, 11, 6), None), (D(2024, 11, 8), 598.19), (None, None)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["NAN", "NA", "NULL", "TRUE", "CON", "INF"])
def test_a_ticker_that_looks_like_nothing_is_a_ticker(write, name):
    body = f"ticker,date,open,high,low,close,volume,ex-dividend,split_ratio\n{name},2014-01-02,1,1,1,1,1,0,1\n"
    assert rows(open_source("files", write("t.csv", body), layout="wiki"), "symbol") == [(name,)]


@pytest.mark.parametrize(
    ("layout", "name", "body", "says"),
    [
        ("tiingo", "A.csv", "date,close,divCash,splitFactor\n2020.01.02,1,0,1\n2020.01.03,1,0,1\n", "2 of 2 rows .* first on line 2: 'A, 2020.01.02"),
        ("wiki", "A.csv", "Date,Open\n2020-01-02,1\n", r"no column for close \(close\)"),
        ("wiki", "A.csv", "Date,Close,close\n2020-01-02,1,1\n", "a column twice"),
        ("alphavantage", "A.csv", "", "is empty"),
        ("alphavantage", "A.csv", b"\xff\xfe\x00", "A.csv"),
        ("stooq", "gld.csv", STOOQ, "holds no file named like"),
        ("lean", "20140605_aapl_minute_trade.csv", "15300000,6448000,6448000,6448000,6448000,90\n", "holds no file|rows that cannot"),
        ("pystock", "prices.csv", "symbol,date\n", "its name is no day"),
        ("pystock", "20151399.tar.gz", "", "no day in its name|cannot be read"),
    ],
)  # fmt: skip
def test_what_is_another_layout_is_refused_in_one_sentence(write, layout, name, body, says):
    with pytest.raises(Refused, match=says) as caught:
        open_source("files", write(name, body), layout=layout).read("prices")
    assert "\n" not in str(caught.value)


def test_an_unknown_layout_is_named_with_those_there_are(write):
    with pytest.raises(WrongUse, match=", ".join(LAYOUTS)):
        open_source("files", write("a.csv", ALPHA), layout="parquet")


# -------------------------------------------------------------------- a mapping of one's own
GERMAN = "Tag;Schluss;Umsatz;egal\n31.03.2021;1.234,56;10;x\n01.04.2021;99,5;20;x\n"
MAPPING = """
source = "bank"
dates = "%d.%m.%Y"
separator = ";"
decimal = ","
price_scale = 100
file = '(?P<symbol>\\w+)_kurse\\.csv'
[columns]
session = "Tag"
close = "Schluss"
volume = "Umsatz"
[constants]
currency = "EUR"
"""


def test_a_mapping_says_which_column_is_what(write):
    file, toml = write("sap_kurse.csv", GERMAN.replace("1.234,56", "1234,5")), write("mapping.toml", MAPPING)
    for layout in ("mapping", str(toml)):
        source = open_source("files", file, layout=layout)
        assert rows(source, "symbol", "session", "close", "volume", "currency", "source") == [
            ("SAP", D(2021, 3, 31), 12.345, 10, "EUR", "bank"), ("SAP", D(2021, 4, 1), 0.995, 20, "EUR", "bank")
        ]  # fmt: skip
        assert source.declaration().has == {"close", "volume"}


def test_a_mapping_beside_a_file_is_found_by_its_name_first(write):
    file = write("sap_kurse.csv", GERMAN.replace("1.234,56", "1234,5"))
    write("sap_kurse.toml", MAPPING)
    write("mapping.toml", "nonsense")
    assert open_source("files", file, layout="mapping").name == "bank"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("separator", "seperator", "unknown key seperator.*There are source"),
        ('close = "Schluss"', 'cloze = "Schluss"', "unknown column cloze"),
        ('close = "Schluss"', "", "which column is the close"),
        ("currency =", "colour =", "unknown constant colour"),
        ("price_scale = 100", "price_scale = 0", "price_scale"),
        ("price_scale = 100", "price_scale = nan", "price_scale"),
        ("(?P<symbol>", "(", "where the symbol stands"),
        ("(?P<symbol>", "((?P<symbol>", "no pattern in file"),
        ('source = "bank"', 'source = "Bank of A"', "for source"),
        ("[columns]", "columns]", "cannot be read"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_by_name(write, old, new, says):
    toml = write("m.toml", MAPPING.replace(old, new))
    with pytest.raises(WrongUse, match=says):
        open_source("files", write("sap_kurse.csv", GERMAN), layout=str(toml))


def test_without_a_mapping_the_layout_says_what_it_looked_for(write):
    with pytest.raises(WrongUse, match=r"neither a.toml nor mapping.toml.*--mapping"):
        open_source("files", write("a.csv", GERMAN), layout="mapping")
