"""The historian: append and query. Its disk unit is a segment of the log (docs/storage.md)."""
