"""Files that hold others: archives and bombs, LEAN's folders, a day's crawl."""

import datetime as dt
import gzip
import io
import tarfile
import zipfile

import pytest

from portfolio.errors import Refused
from sources import open_source
from sources.files.packed import pieces

D = dt.date
STOOQ = "Date,Open,High,Low,Close,Volume,OpenInt\n2017-11-10,1,2,0.5,1.5,100,0\n"
BARS = "19980102 00:00,136300,162500,135000,162500,6315000\n19980105 00:00,165000,165600,151900,160000,5677300\n"


def rows(source, *columns, dataset="prices"):
    return source.read(dataset).select(*columns).rows()


# -------------------------------------------------------------------- archives and bombs
def zipped(folder, **files):
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return folder / "a.zip"


def tarred(folder, **files):
    with tarfile.open(folder / "20150406.tar.gz", "w:gz") as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return folder / "20150406.tar.gz"


def test_a_folder_of_archives_gives_every_file_once(tmp_path, write):
    write("b.us.txt.gz", STOOQ)
    write("SOURCE.txt", "not a price")
    zipped(tmp_path, **{"Data/c.us.txt": STOOQ, "../../../d.us.txt": STOOQ})
    source = open_source("files", tmp_path, layout="stooq")
    assert [each.symbol for each in source.instruments()] == ["B", "C", "D"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["SOURCE.txt", "a.zip", "b.us.txt.gz"], "nothing was unpacked"


@pytest.mark.parametrize("kind", ["gz", "zip", "tar", "lies"])
def test_a_small_archive_that_unpacks_to_much_is_refused_before_it_is_unpacked(tmp_path, kind):
    much = b"2015-01-01,1,1,1,1,1\n" * (20 << 20)  # 440 MB
    if kind == "gz":
        file = tmp_path / "a.us.txt.gz"
        with gzip.open(file, "wb", compresslevel=1) as out:
            out.write(much)
    elif kind == "tar":
        file = tarred(tmp_path, **{"prices.csv": much})
    else:
        file = zipped(tmp_path, **{"a.us.txt": much})
    if kind == "lies":  # the size in the archive's directory says 5
        raw = bytearray(file.read_bytes())
        at = raw.rindex(b"PK\x01\x02")
        raw[at + 24 : at + 28] = (5).to_bytes(4, "little")
        file.write_bytes(raw)
    assert file.stat().st_size < 5 << 20
    with pytest.raises(Refused, match=r"more than 256 MB|no whole archive"):
        for piece in pieces(file):
            assert len(piece.content) <= 256 << 20


@pytest.mark.parametrize("cut", [10, 100, -1])
def test_half_an_archive_is_refused(tmp_path, cut):
    for file in (zipped(tmp_path, **{"a.us.txt": STOOQ * 50}), tarred(tmp_path, **{"prices.csv": b"x" * 5000})):
        file.write_bytes(file.read_bytes()[:cut])
        with pytest.raises(Refused):
            open_source("files", file, layout="pystock" if "tar" in file.name else "stooq").read("prices")


# -------------------------------------------------------------------- LEAN's folders
FACTORS = "19980102,0.49,0.25,1\n20000620,0.49,0.25,101\n20120808,0.49,0.5,619.86\n20140606,0.5,0.5,645.57\n20501231,1,1,0\n"


def lean(tmp_path, factors=FACTORS, maps=None):
    for name, body in {"daily/aapl.csv": BARS, "factor_files/aapl.csv": factors, **(maps or {})}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(body)
    return tmp_path


def test_a_factor_file_tells_splits_and_dividends_of_the_session_after(tmp_path):
    found = rows(
        open_source("files", lean(tmp_path) / "daily", layout="lean"),
        "ex_session",
        "kind",
        "ratio",
        "amount",
        dataset="corporate_actions",
    )
    assert found[:2] == [
        (D(2000, 6, 21), "split", 2.0, None),
        (D(2012, 8, 9), "dividend", None, pytest.approx(619.86 * (1 - 0.49 / 0.5), rel=1e-12)),
    ]
    # Both on one day: the amount is of a share after the split.
    assert found[2:] == [
        (D(2014, 6, 9), "dividend", None, pytest.approx(645.57 * 0.5 / 2, rel=1e-12)), (D(2014, 6, 9), "split", 2.0, None)
    ]  # fmt: skip


@pytest.mark.parametrize("where", [".", "daily/aapl.csv", "factor_files/aapl.csv", "factor_files"])
def test_the_actions_are_found_from_wherever_one_points(tmp_path, where):
    source = open_source("files", lean(tmp_path) / where, layout="lean")
    assert source.read("corporate_actions").height == 4
    assert source.read("prices").height == (0 if "factor" in where else 2)


def test_a_ticker_of_another_company_is_another_instrument(tmp_path):
    """`bac` was BankAmerica until September 1998, and then NationsBank took the name; map files tell."""
    maps = {
        "map_files/aapl.csv": "19970101,nb\n19980102,nb\n20501231,aapl\n",
        "map_files/old.1.csv": "19970101,zz\n19971231,aapl\n",
    }
    source = open_source("files", lean(tmp_path, maps=maps), layout="lean")
    assert rows(source, "instrument", "symbol", "session") == [
        ("US:AAPL", "AAPL", D(1998, 1, 5)), ("US:AAPL.0", "AAPL", D(1998, 1, 2))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["2000062,1,1,1", "20000230,1,1,1", "20000620,0,1,1", "20000620,-1,1,1", "nonsense", "19970101,1,1,1"]
)
def test_a_factor_file_that_is_none_is_refused_with_its_line(tmp_path, line):
    with pytest.raises(Refused, match=r"aapl\.csv is no factor file on line 2"):
        open_source("files", lean(tmp_path, f"19980102,1,1,1\n{line}\n"), layout="lean").read("prices")


# -------------------------------------------------------------------- a day's crawl
PRICES = """symbol,date,open,high,low,close,volume,adj_close
CH,2015-04-06,7.57,7.67,7.49,7.62,31700,7.62
CH,2015-04-06,7.57,7.67,7.49,7.62,31700,7.50
CH,2015-04-02,7.57,7.70,7.55,7.60,15300,7.60
symbol,date,open,high,low,close,volume,adj_close
NAN,2015-04-03,0.00,0.00,0.00,0.00,000,0.00
CH,2015-04-02,7.57,7.70,7.55,7.61,15300,7.61
"""
REPORTS = """symbol,end_date,amend,period_focus,fiscal_year,doc_type,revenues,op_income,net_income,eps_basic,eps_diluted,dividend,assets,cur_assets,cur_liab,cash,equity,cash_flow_op,cash_flow_inv,cash_flow_fin
GOOG,2009-06-30,False,Q2,2009,10-Q,5522897000.0,,1484545000.0,4.7,4.66,0.0,35158760000.0,,,11911351000.0,31594856000.0,3858684000.0,-635974000.0,46354000.0
ENVA,2014-12-31,True,FY,2014,10-K,809837000.0,x,111671000.0,3.38,3.38,3.71,760197000.0,440775000.0,64079000.0,75106000.0,153984000.0,429935000.0,-313097000.0,-79039000.0
"""


@pytest.fixture
def crawl(tmp_path):
    return lambda **files: open_source(
        "files", tarred(tmp_path, **{f"{name}.csv": body.encode() for name, body in files.items()}), layout="pystock"
    )


def test_a_crawl_is_known_from_the_morning_after_its_day(crawl):
    source = crawl(prices=PRICES, reports=REPORTS)
    assert set(source.read("prices")["known_at"]) == {dt.datetime(2015, 4, 7, 13, 30, tzinfo=dt.UTC)}
    assert set(source.read("fundamentals")["known_at"]) == {dt.datetime(2015, 4, 7, 13, 30, tzinfo=dt.UTC)}
    assert (source.vintages, source.speaks) == (True, "day")


def test_equal_lines_of_a_crawl_are_one_and_all_others_go_on_for_the_laws(crawl):
    assert rows(crawl(prices=PRICES), "symbol", "session", "close") == [
        ("CH", D(2015, 4, 2), 7.60), ("CH", D(2015, 4, 2), 7.61), ("CH", D(2015, 4, 6), 7.62),
        ("NAN", D(2015, 4, 3), 0.0), ("symbol", None, None),
    ]  # fmt: skip
    assert [each.symbol for each in crawl(prices=PRICES).instruments()] == ["CH", "NAN"]


def test_a_report_is_a_row_a_figure_with_the_period_that_it_is_of(crawl):
    found = {
        row[0:2]: row[2:]
        for row in rows(
            crawl(reports=REPORTS),
            "symbol",
            "concept",
            "period_start",
            "period_end",
            "value",
            "unit",
            "form",
            "filed",
            dataset="fundamentals",
        )
    }
    assert found["GOOG", "Revenue"] == (D(2009, 4, 1), D(2009, 6, 30), 5522897000.0, "USD", "10-Q", D(2015, 4, 6))
    assert found["GOOG", "OperatingCashFlow"][:2] == (D(2009, 1, 1), D(2009, 6, 30)), "cash flows count from the year's beginning"
    assert found["GOOG", "Assets"][:2] == (None, D(2009, 6, 30))
    assert found["ENVA", "NetIncome"][:2] == (D(2014, 1, 1), D(2014, 12, 31))
    assert found["ENVA", "EarningsPerShareBasic"][3:5] == ("USD/shares", "10-K/A")
    assert ("GOOG", "OperatingIncome") not in found, "a figure that a report does not give is no row"
    assert found["ENVA", "OperatingIncome"][2] is None, "one that cannot be read is a row without a value, for the law"


def test_an_empty_crawl_has_no_rows_and_is_no_error(crawl):
    source = crawl(prices="", reports="")
    assert (source.read("prices").height, source.read("fundamentals").height, source.instruments()) == (0, 0, ())


def test_a_reports_file_that_has_lost_its_header_is_read_all_the_same(write):
    file = write("20151230_reports.csv", REPORTS.split("\n", 1)[1])
    assert open_source("files", file, layout="pystock").read("fundamentals").height == 25  # 11 of 14 figures, and 14
