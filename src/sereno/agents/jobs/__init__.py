"""Jobs: declared sequences of steps that are run on a schedule, each with an actor and rights of its own."""
