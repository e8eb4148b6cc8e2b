"""The policy file: one portfolio's rules, parsed once into a frozen value that refuses what it does not know."""

from portfolio.policy.parse import named_files, parse_policy

__all__ = ["named_files", "parse_policy"]
