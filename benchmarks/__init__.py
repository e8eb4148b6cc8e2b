"""Figures, each beside a peer or a limit of the same run. Never a test: a machine may be busy."""
