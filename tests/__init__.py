"""The tests of Onceflow, on real servers."""
