"""Generated cases: definitions and scripts, what is asked of them, and the engine beside them."""
