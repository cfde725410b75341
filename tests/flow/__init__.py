"""The executable specification: a plain interpreter of workflows with blocks, in memory."""
