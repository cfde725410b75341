"""Commands by which an operator switches something off, and on again."""
