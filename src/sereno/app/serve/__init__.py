"""Serving written devices without a plant file: which ones, with what settings, and where they are reached."""
