"""Fundamentals as filed with the SEC: every fact of every filing, from companyfacts files."""
