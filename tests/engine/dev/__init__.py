"""Tests of embedded servers, child processes, and `onceflow dev`."""
