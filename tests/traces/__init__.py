"""Traces: spans of real processes, received by OTLP."""
