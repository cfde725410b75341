"""What the server of a process answers with."""

from typing import Final

TEXT: Final = "text/plain; charset=utf-8"
Answer = tuple[int, str, bytes]
"""Status, content type and body."""
