import gzip
import importlib.util
import json
import os
import random
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest


def _load(name: str):
    """A neighbour of this file, importable by the tests here under its own name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_load("records")

PRICES_CSV = """Symbol,Date,Open,High,Low,Close,Volume,Currency
SPY,2022-11-23,399.55,402.93,399.31,402.42,68261600,USD
SPY,2022-11-25,401.83,402.91,401.54,402.33,30545400,USD
SPY,2022-11-28,399.09,400.81,395.11,395.91,67881600,USD
IEF,2022-11-23,97.03,97.48,96.98,97.38,5471300,USD
IEF,2022-11-25,97.19,97.52,97.19,97.47,2003700,USD
"""
MACRO_CSV = """series,date,value,unit
DGS10,2022-11-23,3.71,percent
DGS10,2022-11-25,3.68,percent
DGS2,2022-11-25,4.42,percent
"""
FACTS = {
    "cik": 320193,
    "entityName": "Example Inc.",
    "facts": {
        "us-gaap": {
            "Revenues": {"units": {"USD": [
                {"start": "2020-10-01", "end": "2021-09-30", "val": 100, "accn": "1", "form": "10-K", "filed": "2021-10-29"},
                {"start": "2020-10-01", "end": "2021-09-30", "val": 100, "accn": "1", "form": "10-K", "filed": "2021-10-29"},
                {"start": "2020-10-01", "end": "2021-09-30", "val": 90, "accn": "2", "form": "10-K/A", "filed": "2022-01-25"},
            ]}},
            "SalesRevenueNet": {"units": {"USD": [
                {"start": "2020-10-01", "end": "2021-09-30", "val": 99, "accn": "1", "form": "10-K", "filed": "2021-10-29"},
            ]}},
            "Assets": {"units": {"USD": [{"end": "2021-09-30", "val": 500, "accn": "1", "form": "10-K", "filed": "2021-10-29"}]}},
            "Goodwill": {"units": {"USD": [{"end": "2021-09-30", "val": 5, "accn": "1", "form": "10-K", "filed": "2021-10-29"}]}},
        }
    },
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """write(name, text, bytes or JSON) -> the file; a name that ends in .gz is packed."""

    def _write(name, body):
        raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        file = tmp_path / name
        file.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return file

    return _write


@pytest.fixture
def prices_csv():
    return PRICES_CSV


@pytest.fixture
def macro_csv():
    return MACRO_CSV


@pytest.fixture
def facts():
    return json.loads(json.dumps(FACTS))


@pytest.fixture
def shared_data():
    """The folder of recordings; the test skips where it is absent."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TRIMTAB_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the recordings are not at {folder} (TRIMTAB_SHARED_DATA)")
    return folder


@pytest.fixture
def replaying():
    """replaying(routes) -> a running replay server (see replay.py), stopped when the test ends."""
    import replay

    with ExitStack() as running:
        yield lambda routes: running.enter_context(replay.serving(routes))


@pytest.fixture
def to(replaying):
    """to(answer, ...) -> a Web whose path /x answers so; `.pauses` are the pauses it would have made, `.server` the server."""
    from sources.web import Site, Web

    opened = []

    def _to(*answers, **site):
        server = replaying({"/x": list(answers)})
        pauses = []
        told = {"pace": 1e6, "headers": {"User-Agent": "trimtab"}} | site
        web = Web(Site("Vendor", server.url, **told), sleep=pauses.append, luck=random.Random(1))
        web.pauses, web.server = pauses, server
        opened.append(web)
        return web

    yield _to
    for web in opened:
        web.close()


@pytest.fixture
def yahoo(replaying):
    """yahoo({"AAPL": answer}, now=...) -> the source over a server that answers so; `.server` is the server."""

    import replay
    from charts import CHART

    from sources import open_source
    from sources.port import Access

    class Opened:
        def __init__(self, answers, **access):
            self.server = replaying({CHART + symbol: answer for symbol, answer in answers.items()} | {CHART + "GONE": gone})
            self.source = open_source("yahoo", access=Access(url=self.server.url, **access))
            self.read = self.source.read

    gone = replay.Answer(b'{"chart": {"result": null}}', 404)
    return Opened
