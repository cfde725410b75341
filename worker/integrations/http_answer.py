"""An answer over HTTP as a task's output: never an exception, whatever the server has sent.

A request that succeeded has succeeded. What its body says is given in the best form that loses
nothing in silence: where it is not what its headers say, ``problem`` tells so in words.
"""

import base64
import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .outputs import NotKept, kept_text

LONGEST_PAUSE = 86_400.0
"""Seconds that a server may ask us to wait."""
MOST_HEADERS = 65_536
"""Characters of headers that an output holds; the last ones are left out."""
TEXTS = frozenset({"application/xml", "application/yaml", "application/x-www-form-urlencoded"})
"""Media types of texts, besides ``text/*`` and ``*+xml``."""
MOST_CODINGS = 5
"""Content codings that are undone, one inside of the other."""
MOST_MEMBERS = 100
"""Parts of a gzip body that are read."""

_CHARSETS = re.compile(
    r"ascii|utf-8|utf-(16|32)(-[bl]e)?|iso8859-\d+|cp(125\d|437|85[02]|866|874|932|949)|koi8-[ru]"
    r"|mac-roman|shift_jis|euc_(jp|kr)|iso2022_jp|gb2312|gbk|gb18030|big5(hkscs)?"
)
"""Charsets of texts. Python has other codecs (base64, zip, punycode), some of them slow."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it came off the wire, and the headers that tell how to read it."""

    headers: Headers
    raw: bytes
    limit: int

    def output(self) -> dict[str, Any]:
        """Return ``headers``, ``body`` or ``base64``, and perhaps ``problem``."""
        kept: Headers = {}
        size = 0
        for name, value in self.headers.items():
            size += len(name) + len(value)
            if size <= MOST_HEADERS:
                kept[name] = value
        output = {"headers": kept, **self._form()}
        if len(kept) < len(self.headers):
            lost = f"{len(self.headers) - len(kept)} of the headers, too many, are left out"
            output["problem"] = f"{output['problem']}; {lost}" if "problem" in output else lost
        return output

    def _form(self) -> dict[str, Any]:
        """Return ``body`` (a JSON value, a text, null) or ``base64``, and perhaps ``problem``."""
        if not self.raw:
            return {"body": None}
        try:
            content = _decoded(self.raw, self.headers.get("content-encoding", ""), self.limit)
        except Undecodable as error:
            return self._bytes(self.raw, str(error))
        if not content:
            return {"body": None}
        kind, charset = _content_type(self.headers.get("content-type", ""))
        if kind == "application/json" or kind.endswith("+json"):
            return self._json(content, charset)
        if kind.startswith("text/") or kind in TEXTS or kind.endswith("+xml"):
            return self._text(content, charset, [])
        return self._bytes(content)

    def _json(self, content: bytes, charset: str) -> dict[str, Any]:
        text, problems = _text_of(content, "" if _is_utf8(content) else charset)
        if not problems:
            try:
                return {"body": kept_text(text, self.limit)}
            except NotKept as error:
                problems = [f"the body is not JSON as it says, or none that can be kept: {error}"]
        return self._text(content, charset, problems)

    def _text(self, content: bytes, charset: str, problems: list[str]) -> dict[str, Any]:
        text, more = _text_of(content, charset)
        problems = list(dict.fromkeys([*problems, *more]))
        if "\0" in text:  # which a jsonb cannot hold
            return self._bytes(content, "; ".join([*problems, "the text has a NUL character"]))
        return {"body": text} | ({"problem": "; ".join(problems)} if problems else {})

    def _bytes(self, content: bytes, problem: str = "") -> dict[str, Any]:
        form = {"base64": base64.b64encode(content).decode()}
        return form | ({"problem": problem} if problem else {})


def readable(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers by their names in lower case; one that came twice is joined by commas."""
    headers: Headers = {}
    for name_bytes, value_bytes in raw:
        name = name_bytes.decode("latin-1").lower()
        try:
            value = value_bytes.decode("utf-8")
        except UnicodeDecodeError:
            value = value_bytes.decode("latin-1")
        value = value.replace("\0", "\ufffd")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def excerpt(content: bytes | bytearray) -> str:
    """Return the beginning of a body for an error's detail."""
    return content[:2000].decode("utf-8", "replace").replace("\0", "\ufffd")


def retry_after(text: str) -> float | None:
    """Return the seconds a server asks for, as a number or a date, a day at most; else None."""
    text = text.strip()
    if re.fullmatch(r"[0-9]+", text, re.ASCII):
        return min(float(text[:12]), LONGEST_PAUSE)
    if not text or len(text) > 64:
        return None
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        seconds = (at - datetime.now(UTC)).total_seconds()
    except Exception:  # any text can stand there, and the parser raises what it likes
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE)


class Undecodable(Exception):
    """The body cannot be undone from its content coding; the message says why."""


def _decoded(raw: bytes, header: str, limit: int) -> bytes:
    """Undo the content codings, the last first, giving at most ``limit`` bytes."""
    codings = [part.strip().lower() for part in header.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MOST_CODINGS:
        raise Undecodable(f"the body is encoded {len(codings)} times over")
    content = raw
    for coding in reversed(codings):
        try:
            if coding in ("gzip", "x-gzip"):
                content = _join(_members(content), limit)
            elif coding == "deflate":
                content = _join(_inflated(content), limit)
            else:
                raise Undecodable(f"the content coding {coding[:50]!r} is not known here")
        except (zlib.error, EOFError) as error:
            raise Undecodable(f"the body is not {coding} as it says: {error}") from error
    return content


def _join(parts: Iterator[bytes], limit: int) -> bytes:
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > limit:
            raise Undecodable(f"the body has more than {limit} bytes when it is unpacked")
    return bytes(content)


def _members(raw: bytes) -> Iterator[bytes]:
    """Yield the content of a gzip body, of each of its members."""
    for _ in range(MOST_MEMBERS):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield from _pieces(unpacker, raw)
        raw = unpacker.unused_data
        if not raw.startswith(b"\x1f\x8b"):  # padding, which others ignore too
            return
    raise Undecodable(f"the body has more than {MOST_MEMBERS} members")


def _inflated(raw: bytes) -> Iterator[bytes]:
    """Yield the content of a deflate body, with the wrapping of zlib or without."""
    try:
        zlib.decompressobj().decompress(raw, 1)
        wrapping = zlib.MAX_WBITS
    except zlib.error:
        wrapping = -zlib.MAX_WBITS
    yield from _pieces(zlib.decompressobj(wrapping), raw)


def _pieces(unpacker: Any, raw: bytes) -> Iterator[bytes]:
    piece: bytes = unpacker.decompress(raw, 65_536)
    while piece:
        yield piece
        piece = unpacker.decompress(unpacker.unconsumed_tail, 65_536)
    if not unpacker.eof:
        raise EOFError("it ends too early")


def _content_type(header: str) -> tuple[str, str]:
    """Return the media type and the name of the charset, empty where none is given."""
    kind, _, parameters = header.partition(";")
    found = re.search(r"""(?:^|[;\s])charset\s*=\s*["']?([^"';,\s]*)""", parameters[:1000], re.I)
    return kind.strip().lower(), found[1] if found else ""


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text_of(content: bytes, charset: str) -> tuple[str, list[str]]:
    """Return the text, and what had to be done to it."""
    problems: list[str] = []
    for mark, name in _MARKS:
        if content.startswith(mark):
            content, charset = content[len(mark) :], name
            break
    known = _charset(charset) if charset else "utf-8"
    if known is None:
        problems.append(f"the charset {charset[:50]!r} is not known here and was read as UTF-8")
    try:
        return content.decode(known or "utf-8"), problems
    except UnicodeError:
        problems.append(f"bytes that are not {known or 'utf-8'} were replaced by U+FFFD")
        return content.decode(known or "utf-8", "replace"), problems


def _charset(name: str) -> str | None:
    if len(name) > 40 or not re.fullmatch(r"[A-Za-z0-9_.:-]+", name):
        return None
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if _CHARSETS.fullmatch(found) else None
