"""This process in the eyes of the engine: its registration, lease and grants."""
