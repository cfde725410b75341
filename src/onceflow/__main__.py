"""``python -m onceflow`` is the same as ``onceflow``."""

import sys

from .engine.cli import main

sys.exit(main())
