"""What migrate needs, and those who wait for it."""
