"""A euro portfolio of dollar shares, for the tests of its rates and of its day."""

from __future__ import annotations

POLICY = """
[portfolio]
name = "euros"
objective = "allocation"
base_currency = "EUR"
benchmark = "SP500"
[universe]
symbols = ["KO", "PG"]
currency = "USD"
[strategy]
kind = "fixed"
weights = { KO = 0.5, PG = 0.4 }
[execution]
mode = "paper"
"""
