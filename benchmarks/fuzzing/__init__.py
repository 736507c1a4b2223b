"""Targets and engines of the fuzz rig."""
