"""Programs of a node that act by themselves, each with its own actor and rights; the plant is reached by `client`."""
