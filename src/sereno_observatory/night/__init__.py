"""A scripted night of the site: what happens, what is told of it, and what must hold. The demo and the rig play it."""

from .play import NIGHT

__all__ = ["NIGHT"]
