"""What must be true: one contract a dataset, run by Great Expectations inside DuckDB. See `expectations.check.check`."""
