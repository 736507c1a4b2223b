"""The console: a plant at the IPython prompt and in notebooks."""
