"""The policy file: one portfolio's rules, parsed once into a frozen value that refuses what it does not know."""

from portfolio.policy.parse import parse_policy

__all__ = ["parse_policy"]
