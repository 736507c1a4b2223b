"""A scripted night of the observatory in virtual time: what happens, what is decided, and what must hold."""
