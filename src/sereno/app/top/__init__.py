"""`sereno top`: what a node says of itself as tables, and as a screen."""
