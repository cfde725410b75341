"""Pages that stay right while they are looked at: who looks at what, and what may have changed."""
