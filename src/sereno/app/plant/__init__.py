"""The plant file: TOML and CSV to checked declarations, with file and line in every fault."""
