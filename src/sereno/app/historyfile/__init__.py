"""Files of history: what is exported, and what is imported."""
