"""What to wish for. Each strategy answers a `Target`; the rules of `portfolio.risk` judge it afterwards."""

from portfolio.strategies.catalog import target

__all__ = ["target"]
