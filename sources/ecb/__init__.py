"""Reference rates of the euro from the European Central Bank's data portal."""
