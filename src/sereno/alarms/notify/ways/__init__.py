"""The ways by which notices go out, one a file; entry points of `sereno.notifiers` as those of other packages."""
