"""Commands that send what instances wait for."""
