"""A person's own prices or macro series, from a CSV or Parquet file with our column names in its header."""
