"""Imports of many samples: put by as they come, then sorted into cold files in one step."""
