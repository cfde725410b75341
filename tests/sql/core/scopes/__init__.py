"""Blocks and scopes: how parts of an instance open, fail, close and are undone."""
