"""What the SEC, FRED, Yahoo's search and a list of members answer, small and by hand, in the shape of the real ones."""

FACTS = {
    "cik": 1234,
    "entityName": "Example Inc.",
    "facts": {"us-gaap": {
        "Revenues": {"units": {"USD": [
            {"start": "2020-10-01", "end": "2021-09-30", "val": 100, "accn": "0001234-21-000001", "form": "10-K", "filed": "2021-10-29"},
            {"start": "2020-10-01", "end": "2021-09-30", "val": 90, "accn": "0001234-22-000001", "form": "10-K/A", "filed": "2022-01-25"},
        ]}},
        "EarningsPerShareDiluted": {"units": {"USD/shares": [
            {"start": "2020-10-01", "end": "2021-09-30", "val": 1.5, "accn": "0001234-21-000001", "form": "10-K", "filed": "2021-10-29"},
        ]}},
        "Assets": {"units": {"USD": [{"end": "2012-09-30", "val": 50, "accn": "0001234-12-000009", "form": "10-K", "filed": "2012-10-30"}]}},
    }},
}  # fmt: skip


def _twenty_f(end, value, unit="EUR", start=None, **more):
    fact = {
        "end": end,
        "val": value,
        "accn": "0005678-22-000003",
        "fy": 2021,
        "fp": "FY",
        "form": "20-F",
        "filed": "2022-02-28",
        **more,
    }
    return {"units": {unit: [fact | ({"start": start} if start else {})]}}


YEAR = {"end": "2021-12-31", "start": "2021-01-01"}
IFRS = {
    "cik": 5678,
    "entityName": "Beispiel SE",
    "facts": {
        "dei": {"EntityCommonStockSharesOutstanding": _twenty_f("2021-12-31", 1_200, "shares")},
        "ifrs-full": {
            "Revenue": _twenty_f(value=27_842, **YEAR),
            "CostOfSales": _twenty_f(value=7_946, **YEAR),
            "GrossProfit": _twenty_f(value=19_897, **YEAR),
            "ProfitLossFromOperatingActivities": _twenty_f(value=4_656, **YEAR),
            "ProfitLoss": _twenty_f(value=5_383, **YEAR),
            "ProfitLossAttributableToOwnersOfParent": _twenty_f(value=5_256, **YEAR),
            "DilutedEarningsLossPerShare": _twenty_f(value=4.46, unit="EUR/shares", **YEAR),
            "AdjustedWeightedAverageShares": _twenty_f(value=1_180, unit="shares", **YEAR),
            "Assets": _twenty_f("2021-12-31", 71_169),
            "Equity": _twenty_f("2021-12-31", 41_523),
            "EquityAttributableToOwnersOfParent": _twenty_f("2021-12-31", 38_852),
            "CashAndCashEquivalents": _twenty_f("2021-12-31", 8_898),
            "CashFlowsFromUsedInOperatingActivities": _twenty_f(value=6_223, **YEAR),
            "PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities": _twenty_f(value=800, **YEAR),
            "FinanceCosts": _twenty_f(value=1_949, **YEAR),
        },
    },
}


def _filings(*rows):
    names = ("accessionNumber", "filingDate", "acceptanceDateTime", "form", "items", "primaryDocument")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


OLDER = "CIK0000001234-submissions-001.json"
SUBMISSIONS = {
    "cik": "1234", "name": "Example Inc.", "tickers": ["EXM-B"], "exchanges": ["NYSE"], "sicDescription": "Electronic Computers",
    "filings": {
        "recent": _filings(
            ("0001234-22-000001", "2022-01-25", "2022-01-25T16:30:00.000Z", "10-K/A", "", "a.htm"),
            ("0001234-21-000007", "2021-11-04", "2021-11-03T18:04:28.000Z", "8-K/A", "2.02", "e8k.htm"),
            ("0001234-21-000006", "2021-10-28", "2021-10-28T16:31:00.000Z", "8-K", "2.02,9.01", "d8k.htm"),
            ("0001234-21-000001", "2021-10-29", "2021-10-28T18:04:28.000Z", "10-K", "", "k.htm"),
        ),
        "files": [{"name": OLDER, "filingCount": 3, "filingFrom": "1996-01-02", "filingTo": "2012-10-30"}],
    },
}  # fmt: skip
OLD_SUBMISSIONS = _filings(
    ("0001234-12-000009", "2012-10-30", "2012-10-30T16:00:05.000Z", "10-K", "", ""),
    ("0001234-96-000002", "1996-10-28", "1996-10-28T00:00:00.000Z", "8-K", "5,7", ""),
    ("0001234-96-000001", "1996-01-02", "1996-01-02T00:00:00.000Z", "10-Q", "", ""),
)
IFRS_SUBMISSIONS = {
    "cik": "5678", "name": "Beispiel SE", "tickers": ["IFR"], "exchanges": [None], "sicDescription": "",
    "filings": {"recent": _filings(("0005678-22-000003", "2022-02-28", "2022-02-28T06:30:00.000Z", "20-F", "", "f.htm")), "files": []},
}  # fmt: skip
SEC = {
    "/files/company_tickers.json": {
        "0": {"cik_str": 1234, "ticker": "EXM-B", "title": "EXAMPLE INC."},
        "1": {"cik_str": 5678, "ticker": "IFR", "title": "Beispiel SE"},
    },
    "/api/xbrl/companyfacts/CIK0000001234.json": FACTS,
    "/api/xbrl/companyfacts/CIK0000005678.json": IFRS,
    "/submissions/CIK0000001234.json": SUBMISSIONS,
    f"/submissions/{OLDER}": OLD_SUBMISSIONS,
    "/submissions/CIK0000005678.json": IFRS_SUBMISSIONS,
}

GRAPH = "/graph/fredgraph.csv"


def fred(names):
    """FRED's CSV of each series: two days, and holidays without a value; and of the spans that the suite asks for."""
    rows = ("2022-11-22,3.76", "2022-11-23,3.71", "2022-11-24,", "2022-11-25,.")
    spans = {"": rows, "&cosd=2022-11-23&coed=2022-11-23": rows[1:2], "&cosd=2100-01-01": ()}
    told = {f"{GRAPH}?id={name}{span}": (name, lines) for name in names for span, lines in spans.items()}
    return {route: "\n".join((f"observation_date,{name}", *lines, "")) for route, (name, lines) in told.items()}


PORTAL = "/service/data/EXR/D.{}.EUR.SP00.A?format=csvdata"
HEADER = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS"


def ecb(series):
    """The data portal's CSV of each rate: two days, and one on which the bank was closed; none of a span without any day."""
    rows = (("2022-11-22", "1.0274"), ("2022-11-23", "1.0325"), ("2022-11-24", ""))
    told = {}
    for unit in (name.removeprefix("EUR.") for name in series):
        lines = [f"EXR.D.{unit}.EUR.SP00.A,D,{unit},EUR,SP00,A,{day},{value},A" for day, value in rows]
        told[PORTAL.format(unit)] = "\n".join((HEADER, *lines, ""))
        told[PORTAL.format(unit) + "&startPeriod=2022-11-23&endPeriod=2022-11-23"] = "\n".join((HEADER, lines[1], ""))
    return told


def story(title, seconds, *tickers, publisher="Reuters", link="https://example.com/a"):
    return {"uuid": "1", "title": title, "publisher": publisher, "link": link, "providerPublishTime": seconds, "type": "STORY",
            "relatedTickers": list(tickers)}  # fmt: skip


NEWS = {
    "/v1/finance/search?q=AAPL&newsCount=50&quotesCount=6&enableFuzzyQuery=false": {
        "news": [
            story("Apple shares surge on record sales", 1_669_212_000, "AAPL"),
            story("Apple shares surge on record sales - Reuters", 1_669_215_600, "AAPL"),
            story("Microsoft wins a contract", 1_669_212_000, "MSFT"),
            story("Apple and Microsoft plunge", 1_669_298_400, "AAPL", "MSFT"),
        ]
    },
    "/v1/finance/search?q=MSFT&newsCount=50&quotesCount=6&enableFuzzyQuery=false": {
        "news": [story("Apple and Microsoft plunge", 1_669_298_400, "AAPL", "MSFT")]
    },
    "/v1/finance/search": {"news": []},
}

SPELLS = """ticker,start_date,end_date
AAA,1996-01-02,
BBB,1996-01-02,2008-09-15
BBB,2015-03-23,2024-09-23
CCC,2023-06-10,
"""
TICKERS = """instrument,symbol,from_session,to_session
US:META,FB,2012-05-18,2022-06-08
US:META,META,2022-06-09,
US:FB.1,FB,1999-09-29,2003-03-28
"""


# Files in the layouts of vendors: name of the file, what stands in it.
_CRAWLED = """symbol,date,open,high,low,close,volume,adj_close
CH,2015-04-06,7.57,7.67,7.49,7.62,31700,7.62
CH,2015-04-02,7.57,7.70,7.55,7.60,15300,7.60
NAN,2015-04-06,13.81,13.88,13.74,13.74,21600,13.74
"""
_REPORTED = """symbol,end_date,amend,period_focus,fiscal_year,doc_type,revenues,op_income,net_income,eps_basic,eps_diluted,dividend,assets,cur_assets,cur_liab,cash,equity,cash_flow_op,cash_flow_inv,cash_flow_fin
CH,2014-12-31,False,FY,2014,10-K,131876000.0,-8591000.0,-5459000.0,-3.31,-3.31,0.0,71801000.0,41478000.0,20784000.0,675000.0,46822000.0,429000.0,-2070000.0,1392000.0
SKY,2015-02-28,True,Q3,2015,10-Q,38109000.0,-2821000.0,-2997000.0,-0.36,-0.36,0.0,50866000.0,30711000.0,13788000.0,4933000.0,23573000.0,-5014000.0,3916000.0,
"""
_WIKI = """ticker,date,open,high,low,close,volume,ex-dividend,split_ratio
GE,2018-01-03,9,9.5,8.5,9,200,0.25,1.0
GE,2018-01-04,9,9.5,8.5,9.25,200,0.0,1.0
GE,2018-01-05,18,19,17.5,18.5,100,0.0,0.5
MSFT,2018-01-05,88,89,87.5,88.5,100,0.1,1.0
"""
LAYOUTS = {
    "wiki-prices": ("table.csv", _WIKI),
    "wiki-corporate_actions": ("table.csv", _WIKI),
    "stooq-prices": (
        "gld.us.txt",
        "Date,Open,High,Low,Close,Volume,OpenInt\n2017-11-10,1,2,0.5,1.5,100,0\n2017-11-13,1,2,1,1.6,1,0\n",
    ),
    "lean-prices": (
        "aapl.csv",
        "19980102 00:00,136300,162500,135000,162500,6315000\n19980105 00:00,165000,165600,151900,160000,1\n",
    ),
    "yfinance-prices": (
        "AAPL.csv",
        "Date,High,Low,Open,Close,Volume,Adj Close\n2019-12-31,12,8,9,10,100,5\n2020-01-02,12,8,9,10,100,10\n",
    ),
    "pystock-prices": ("20150406_prices.csv", _CRAWLED),
    "pystock-fundamentals": ("20150406_reports.csv", _REPORTED),
}
