"""Commands that take away what is no longer to be kept."""
