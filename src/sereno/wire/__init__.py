"""Batches, commands and values <-> bytes, versioned. No sockets."""
