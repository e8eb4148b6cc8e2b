import importlib.util
import sys
from pathlib import Path

import pytest


def _load(name: str):
    """A neighbour of this file, importable by the tests here under its own name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


for neighbour in ("mind", "mind_views", "pages", "scene"):
    if neighbour not in sys.modules:
        _load(neighbour)


@pytest.fixture(scope="session")
def sample_closes():
    """(symbols, sessions, closes, known_at) of the twenty bundled companies and their index, 1990 to 2022; closes of shape
    (sessions, symbols).
    """
    import polars as pl

    from sources import open_source

    source = open_source("sample")
    companies = source.universe().filter(pl.col("name") == "demo").get_column("symbol").to_list()
    frame = source.read("prices", sorted([*companies, "SP500"]))
    wide = frame.pivot(on="symbol", index="session", values="close").sort("session")
    known = frame.group_by("session").agg(pl.col("known_at").first()).sort("session")
    symbols = tuple(name for name in wide.columns if name != "session")
    instants = known["known_at"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    return symbols, wide["session"].to_numpy().astype("datetime64[D]"), wide.select(symbols).to_numpy(), instants


@pytest.fixture(scope="session")
def stocks(sample_closes):
    """(symbols, returns) of the twenty companies over the sessions in which all are known; shape (days, 20)."""
    import numpy as np

    symbols, _, closes, _ = sample_closes
    columns = [i for i, s in enumerate(symbols) if s != "SP500"]
    chosen = closes[:, columns]
    rows = chosen[np.isfinite(chosen).all(axis=1)]
    return tuple(symbols[i] for i in columns), rows[1:] / rows[:-1] - 1.0


@pytest.fixture(scope="session")
def riskfolio():
    """Riskfolio, imported once: it costs seconds."""
    import riskfolio

    return riskfolio
