"""Steps that wait by themselves, for a time or for something that has a name."""
