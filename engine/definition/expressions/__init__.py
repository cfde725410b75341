"""Expressions: from their text to the trees that Postgres evaluates, and what they may name."""
