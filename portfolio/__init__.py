"""The mind: from what was known to what to hold, why, and by which orders.

Pure: it knows no Prefect, no DuckDB, no broker, no network and no clock. What it needs is handed to it through
`portfolio.ports`; what it answers is a frozen value of `portfolio.types`.
"""
