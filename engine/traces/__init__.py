"""Traces: spans of OpenTelemetry, made and sent where somebody wants them."""
