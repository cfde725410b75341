"""Arguments that are no text (Python writes a byte that is no UTF-8 as half a pair) are told."""

from .conftest import Onceflow

BYTE = "a\udcff"
ID = "01a205de-4851-7852-a2f3-9df555da97c8"


ASKED: list[tuple[str, ...]] = [
    ("start", BYTE),
    ("start", "order", "--key", BYTE, "--input", '{"customer": "A"}'),
    ("list", "--workflow", BYTE),
    ("list", "--key", BYTE),
    ("list", "--input", f"customer={BYTE}"),
    ("list", "--input", f"customer={BYTE}", "--input", f"total={BYTE}"),
    ("show", ID, "--block", BYTE),
    ("dead-letters", "skip", f"{ID}/{BYTE}", "--yes"),
    ("dead-letters", "list", "--workflow", BYTE),
    ("complete", BYTE),
    ("fail", "token", "--code", BYTE, "--message", "no"),
    ("disable", BYTE),
    ("queue", "pause", BYTE),
    ("config", "set", "NAME", BYTE),
    ("config", "unset", BYTE),
    ("erase", ID, "--by", BYTE, "--yes"),
    ("versions", BYTE),
    ("explain", BYTE),
]


def test_a_byte_that_is_no_text_is_told_of(onceflow: Onceflow, order: str) -> None:
    for arguments in ASKED:
        done = onceflow(*arguments)
        assert done.code in (1, 2), arguments
        assert "a byte that is no UTF-8" in done.err or "\\udcff" in done.err, done.err
