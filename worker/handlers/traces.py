"""Where an exception came from: a bounded traceback, and the exceptions that led to it.

Paths, lines, functions and the code of the line are told; the values of variables never. Frames of
the handler's own code are kept first, those of libraries as far as there is room.
"""

import linecache
import sysconfig
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .errors import TaskError
from .texts import keepable, text_of, type_name

FRAMES = 12
"""Frames of a traceback that are kept; of a cause a third of them."""
CAUSES = 6
"""Exceptions that are told beside the one that was raised."""
SIZE = 6_000
"""Bytes of JSON that traceback and causes take together."""

_ENDS = 50
"""Frames that are looked at, at each end: of an endless recursion there are thousands."""
_LARGEST_SOURCE = 5_000_000
_INSTALLED = ("/site-packages/", "/dist-packages/")
_MACHINERY = ("onceflow.worker.attempts.", "onceflow.worker.handlers.")
_BUILT_IN = "onceflow.worker.integrations."
_STANDARD = tuple({sysconfig.get_path("stdlib") + "/", sysconfig.get_path("platstdlib") + "/"})

# Of BaseException itself: an attribute of its subclass may be anything.
_slots: Any = vars(BaseException)
_members: Any = vars(BaseExceptionGroup)["exceptions"]


class Trace(NamedTuple):
    """What is recorded of an exception's origin; ``where`` is the innermost frame of the user."""

    fields: dict[str, Any]
    where: str


class _Frame(NamedTuple):
    position: int
    path: str
    line: int
    function: str
    module: str


def trace(error: BaseException) -> Trace:
    """Return the origin of ``error``. What of it cannot be told is left out; nothing is raised."""
    fields: dict[str, Any] = {}
    where = ""
    with suppress(BaseException):  # of a class that was made to be in the way
        frames = _frames(error)
        ours = bool(frames) and frames[-1].module.startswith(_BUILT_IN)
        if ours and issubclass(type(error), TaskError):
            return Trace(fields, where)  # meant: its message says all, and is careful with secrets
        home = _home(frames)
        own = [frame for frame in frames if _is_own(frame, home)]
        if own:
            where = f"{Path(own[-1].path).name}:{own[-1].function}"
        lines = _lines(frames, home, FRAMES)
        if lines:
            fields["traceback"] = lines
        if causes := _causes(error, home, SIZE - _size(lines)):
            fields["cause"] = causes
    return Trace(fields, where)


def _causes(error: BaseException, home: str, room: int) -> list[dict[str, Any]]:
    """Return what led to ``error``: nearest first, the members of a group before their causes."""
    found: list[dict[str, Any]] = []
    for relation, cause in _led_to(error):
        told: dict[str, Any] = {
            "relation": relation,
            "type": keepable(type_name(cause), 200),
            "message": keepable(text_of(cause), 500),
        }
        lines = _lines(_frames(cause), home, FRAMES // 3)
        if lines and _size(told) + _size(lines) <= room:
            told["traceback"] = lines
        room -= _size(told)
        if room < 0 or len(found) == CAUSES:
            found.append({"relation": "more", "message": "further ones were left out"})
            break
        found.append(told)
    return found


def _led_to(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield each exception that led to ``error`` once, whatever circles they are in."""
    waiting = deque([error])
    seen = {id(error)}
    while waiting:
        current = waiting.popleft()
        related: list[tuple[str, BaseException | None]] = []
        if issubclass(type(current), BaseExceptionGroup):
            related += [("member", member) for member in _members.__get__(current)[:CAUSES]]
        cause = _slots["__cause__"].__get__(current)
        related.append(("cause", cause))
        if cause is None and not _slots["__suppress_context__"].__get__(current):
            related.append(("context", _slots["__context__"].__get__(current)))
        for relation, one in related:
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                waiting.append(one)
                yield relation, one


def _frames(error: BaseException) -> list[_Frame]:
    """Return the frames of ``error``, without those of the worker around the handler."""
    step = _slots["__traceback__"].__get__(error)
    first: list[_Frame] = []
    last: deque[_Frame] = deque(maxlen=_ENDS)
    index = 0
    while step is not None:
        frame, code = step.tb_frame, step.tb_frame.f_code
        name = frame.f_globals.get("__name__")
        module = str.__str__(name) if issubclass(type(name), str) else ""
        if first or not module.startswith(_MACHINERY):
            found = _Frame(index, code.co_filename, step.tb_lineno or 0, code.co_qualname, module)
            (first if len(first) < _ENDS else last).append(found)
            index += 1
        step = step.tb_next
    return [*first, *last]


def _home(frames: list[_Frame]) -> str:
    """Return the package that the handler is in: it may have been installed, as libraries are."""
    first = frames[0] if frames else None
    if first is None or first.path.startswith("<"):
        return ""
    if first.path.startswith(_STANDARD) and not _installed(first.path):
        return ""
    return first.module.partition(".")[0]


def _installed(path: str) -> bool:
    return any(folder in path for folder in _INSTALLED)


def _is_own(frame: _Frame, home: str) -> bool:
    if frame.module.startswith("onceflow."):
        return frame.module.startswith("onceflow.examples.")
    if home and frame.module.partition(".")[0] == home:
        return not frame.path.startswith("<")
    return not (frame.path.startswith(("<", *_STANDARD)) or _installed(frame.path))


def _lines(frames: list[_Frame], home: str, limit: int) -> list[str]:
    """Return at most ``limit`` frames in words, outermost first, and what was left out."""
    own = [frame for frame in frames if _is_own(frame, home)]
    if len(own) > limit:
        third = limit // 3
        kept = own[:third] + own[third - limit :]
    else:
        others = [frame for frame in frames if not _is_own(frame, home)]
        kept = own + others[max(0, len(others) - (limit - len(own))) :]
    lines: list[str] = []
    ahead = 0
    for frame in sorted(kept):
        if frame.position > ahead:
            lines.append(f"… {frame.position - ahead} frames left out")
        lines.append(_line(frame))
        ahead = frame.position + 1
    if frames and frames[-1].position >= ahead:
        lines.append(f"… {frames[-1].position + 1 - ahead} frames left out")
    return lines


def _line(frame: _Frame) -> str:
    path = frame.path
    for folder in (*_INSTALLED, *_STANDARD):
        before, found, after = path.rpartition(folder)
        path = after if found and (folder in _INSTALLED or not before) else path
    place = keepable(f"{path}:{frame.line} in {frame.function}", 200)
    code = keepable(_source(frame.path, frame.line), 120)
    return f"{place}: {code}" if code else place


def _source(path: str, line: int) -> str:
    """Return a line of code out of its file, where it is one: a path may name anything."""
    if path not in linecache.cache:
        file = Path(path)
        if not file.is_file() or file.stat().st_size > _LARGEST_SOURCE:
            return ""
    return linecache.getline(path, line).strip()


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))
