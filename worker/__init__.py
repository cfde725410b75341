"""Consumes task messages, claims, runs handlers, completes."""
