"""How commands meet a terminal: its encoding, its width, and whoever sits before it."""
