"""Tests of the typed calls."""
