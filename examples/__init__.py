"""Examples that ship with Onceflow."""
