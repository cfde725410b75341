"""How `onceflow show` and `watch` draw an instance: its tasks as a tree, with scopes of blocks."""
