"""The configuration of a running node: what another one would change, and the way from one to the other."""
