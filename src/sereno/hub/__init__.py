"""Live table, subscriptions and command router of a node. No disk, no rules of its own."""
