"""The inputs of instances: the JSON Schema of a definition, and checks against it."""
