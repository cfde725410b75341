"""The commands of `onceflow`, one module each, with `add_arguments(parser)` and `run(args, settings)`."""
