"""Repairs with evidence: what a bad bar should have been, where an action, a second source or the bar itself says so.

`propose` never writes. No evidence, no proposal: a guess that fits is not evidence.
"""

from expectations.repair.propose import propose
from expectations.repair.series import Proposal

__all__ = ["Proposal", "propose"]
