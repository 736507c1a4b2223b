"""Pages in a real browser: a package, so that its tests share one and no other test comes while it runs."""
