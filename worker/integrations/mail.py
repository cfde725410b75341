"""An e-mail as bytes: its headers are made of what was given, letter by letter.

Nothing given is read as an encoded word, so none can write a header or a body of its own; envelope
and headers are made of the same addresses.
"""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import idna

from .. import PermanentError
from .files import read_allowed

LARGEST = 25 * 1024 * 1024
"""Bytes of all attachments together."""

Addresses = str | list[str]

_LOCAL = re.compile(r'[^\s@<>"(),:;\\\[\]\x00-\x1f\x7f-\x9f]{1,64}')
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.I)
_LITERAL = re.compile(r"\[[0-9A-Za-z:.]{2,60}\]")
_UTF8 = Charset("utf-8")
_UTF8.header_encoding = QP


@dataclass(frozen=True, slots=True)
class Address:
    """One address: ``local@domain``, the domain in ASCII, and the name that stands before it."""

    name: str
    local: str
    domain: str

    @property
    def bare(self) -> str:
        """The address as the envelope has it."""
        return f"{self.local}@{self.domain}"

    def header(self) -> str:
        """Return it as it stands in a header; a name outside of ASCII is encoded."""
        if not self.name:
            return self.bare
        if self.name.isascii() and "=?" not in self.name:
            name = self.name
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", name):
                name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
            return f"{name} <{self.bare}>"
        return f"{Header(self.name, _UTF8, maxlinelen=0).encode()} <{self.bare}>"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message with its envelope."""

    sender: Address
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    subject: str
    message_id: str
    content: EmailMessage
    reply_to: list[Address] = field(default_factory=list[Address])

    @property
    def recipients(self) -> list[str]:
        """All recipients of the envelope, each once."""
        return list(dict.fromkeys(a.bare for a in (*self.to, *self.cc, *self.bcc)))

    @property
    def international(self) -> bool:
        """Whether an address is outside of ASCII, which a server has to offer SMTPUTF8 for."""
        every = (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to)
        return not all(address.bare.isascii() for address in every)

    def as_bytes(self) -> bytes:
        """Return headers and body."""
        lines = [
            ("From", [self.sender.header()]),
            ("To", [address.header() for address in self.to]),
            ("Cc", [address.header() for address in self.cc]),
            ("Reply-To", [address.header() for address in self.reply_to]),
            ("Subject", [_unstructured("Subject", self.subject)]),
            ("Date", [format_datetime(datetime.now(UTC))]),
            ("Message-ID", [self.message_id]),
        ]
        # Long lists are folded after each comma: no line comes near the 998 bytes of RFC 5322.
        fold = ",\r\n "
        head = "".join(f"{name}: {fold.join(values)}\r\n" for name, values in lines if values)
        return head.encode() + self.content.as_bytes(policy=SMTP_POLICY)


def addresses(given: Addresses) -> list[Address]:
    """Return the addresses of one text or several. Raises PermanentError."""
    texts = [given] if isinstance(given, str) else given
    found = [_address(part) for text in texts for part in _parts(text)]
    if texts and not found:
        raise _no_address(", ".join(texts))
    return found


def body(text: str, html: str | None, attach: Iterable[str]) -> EmailMessage:
    """Return the content of a message. Raises PermanentError and RetryableError."""
    content = EmailMessage(policy=SMTP_POLICY)
    try:
        content.set_content(text)
        if html is not None:
            content.add_alternative(html, subtype="html")
    except (ValueError, UnicodeError) as error:
        raise PermanentError(
            f"no message can be made of it: {error}", code="smtp.invalid"
        ) from error
    left = LARGEST
    for path in attach:
        left -= _attach(content, path, left)
    return content


def require_line(what: str, text: str) -> str:
    """Return a text that is one line. Raises PermanentError."""
    if any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in text):
        raise PermanentError(
            f"the {what} has a control character or more than one line", code="smtp.invalid"
        )
    return text


def _attach(message: EmailMessage, path: str, limit: int) -> int:
    """Add a file and return its size."""
    name, content = read_allowed(path, "smtp.attachment", limit, "smtp.too_large")
    # The name is parsed as a header: of what could be an encoded word the mark is taken away.
    name = "".join(c if c.isprintable() else "_" for c in name).replace("=?", "=_")
    kind, encoding = mimetypes.guess_type(name)
    if kind is None or encoding is not None:
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return len(content)


def _unstructured(name: str, text: str) -> str:
    """Return a text as a header has it, in encoded words where it is not plain ASCII."""
    plain = text.isascii() and "=?" not in text and all(len(word) < 200 for word in text.split(" "))
    header = Header(text, "us-ascii" if plain else _UTF8, header_name=name)
    return header.encode(linesep="\r\n")


def _parts(text: str) -> list[str]:
    """Split at commas outside of quotes, in one pass."""
    parts, part, quoted, escaped = list[str](), list[str](), False, False
    for letter in text:
        if letter == "," and not quoted:
            parts.append("".join(part))
            part.clear()
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
        part.append(letter)
    return [stripped for part in (*parts, "".join(part)) if (stripped := part.strip())]


def _address(text: str) -> Address:
    name, bare = "", text
    if text.endswith(">"):
        name, _, bare = text[:-1].rpartition("<")
        name = name.strip()
        if len(name) > 1 and name[0] == name[-1] == '"':
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        elif any(c in name for c in '"<>@'):
            raise _no_address(text)
    local, _, domain = bare.rpartition("@")
    if not _LOCAL.fullmatch(local):
        raise _no_address(text)
    return Address(require_line("name of an address", name), local, _ascii_domain(text, domain))


def _ascii_domain(text: str, domain: str) -> str:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise _no_address(text) from None
    if not _DOMAIN.fullmatch(domain) and not _LITERAL.fullmatch(domain):
        raise _no_address(text)
    return domain


def _no_address(text: str) -> PermanentError:
    return PermanentError(
        f"{text[:200]!r} is no valid address: give local@domain or Name <local@domain>",
        code="smtp.invalid_address",
    )
