"""Stooq: daily bars of United States symbols as CSV, adjusted by Stooq."""
