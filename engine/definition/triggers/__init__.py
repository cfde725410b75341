"""What starts instances of a workflow by itself: the entries of its `on`."""
