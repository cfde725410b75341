"""Pages in a browser: how they look, what their scripts do, and that they do without."""
