"""Yahoo's charts: daily bars as dealt, splits and dividends, and delayed quotes."""
