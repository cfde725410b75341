"""Granted tasks on their way through the process."""
