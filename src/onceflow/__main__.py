"""``python -m onceflow`` is the same as ``onceflow``."""

import sys

from .engine.commands.cli import main

sys.exit(main())
