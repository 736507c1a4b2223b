"""Tags computed from other tags, with quality and time carried through."""
