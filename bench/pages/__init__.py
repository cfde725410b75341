"""How long pages and lists take beside many instances."""
