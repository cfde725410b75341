"""The steps of a definition: what may be written, and what it becomes."""
