"""Commands of ``onceflow``, a module each: ``add_arguments(parser)``, ``run(args, settings)``."""
