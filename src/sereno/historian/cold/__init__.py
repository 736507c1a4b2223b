"""Compacted history: sorted Parquet files of a day, roll-ups, and the manifest that says which of them count."""
