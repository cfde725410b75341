"""What a process tells of itself where it is asked: metrics, and whether it is well."""
