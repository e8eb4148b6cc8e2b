"""What prices, series and figures say: pure functions on arrays, each with its source in the literature."""
