"""Images: complete headers, names by night, and files that are there as a whole or not at all."""
