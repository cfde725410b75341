"""A text becomes a Document: plain data, with the place of everything in it."""
