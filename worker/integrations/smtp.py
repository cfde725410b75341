"""``smtp.send``: one e-mail, whose Message-ID is made of the idempotency key."""

import mimetypes
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from urllib.parse import unquote, urlsplit

import aiosmtplib

from .. import Context, PermanentError, RetryableError, UnknownOutcome, task
from .files import require_allowed

SERVER = "ONCEFLOW_SMTP"
"""Names the server: ``host:port``, ``smtp://user:password@host:port``, or ``smtps://…``."""
LARGEST = 25 * 1024 * 1024
"""Bytes of all attachments together."""

Addresses = str | list[str]


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. ``tls``: from the beginning; else STARTTLS is used where it is offered."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool


@task("smtp.send")
async def send(
    from_: str,
    to: Addresses,
    subject: str,
    ctx: Context,
    text: str = "",
    html: str | None = None,
    cc: Addresses = [],  # noqa: B006 - never changed
    bcc: Addresses = [],  # noqa: B006
    reply_to: str | None = None,
    attach: str | list[str] = [],  # noqa: B006
    timeout: float = 120.0,
) -> dict[str, object]:
    """Send a message and return ``{"message_id", "recipients", "answer"}``.

    ``attach`` names files that an operator allows tasks to read (ONCEFLOW_FILES, else the folder of
    ONCEFLOW_DATA). Each attempt bears the same Message-ID, by which a receiver drops a second
    delivery. ``timeout`` (seconds) is for each answer of the server.

    An answer of 4xx is tried again, one of 5xx is permanent (``smtp.<code>``); all recipients are
    accepted or none gets it. A server that cannot be reached is tried again (``smtp.unreachable``),
    and so is one whose answer to the message never came: its outcome is unknown
    (``smtp.no_answer``).
    """
    message = _message(from_, to, cc, reply_to, subject, text, html, ctx)
    size = 0
    for path in [attach] if isinstance(attach, str) else attach:
        size += _attach(message, path)
    if size > LARGEST:
        raise PermanentError(
            f"the attachments have {size} bytes; the limit is {LARGEST}", code="smtp.too_large"
        )
    sender, recipients = _envelope(from_, to, cc, bcc)
    answer = await _deliver(message, sender, recipients, timeout)
    return {"message_id": message_id(ctx.key), "recipients": recipients, "answer": answer}


async def _deliver(
    message: EmailMessage, sender: str, recipients: list[str], timeout: float
) -> str:
    """Hand the message over and return the server's last words."""
    server = _server()
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.tls,
        timeout=timeout,
    )
    sent = False
    try:
        await client.connect()
        international = not (sender + "".join(recipients)).isascii()
        options = ["SMTPUTF8"] if international else []
        await client.mail(sender, options=options)
        for recipient in recipients:
            await client.rcpt(recipient)
        sent = True
        response = await client.data(message.as_bytes(policy=SMTP_POLICY))
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        words = f"{server.host}:{server.port}: {error or type(error).__name__}"
        if sent:
            raise UnknownOutcome(
                f"the message was sent, and no answer came from {words}", code="smtp.no_answer"
            ) from error
        raise RetryableError(words, code="smtp.unreachable") from error
    finally:
        await _leave(client)
    return response.message


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye, whatever the server makes of it: the message's fate is decided."""
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        pass  # it has gone first
    finally:
        client.close()


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    code, message = f"smtp.{error.code}", f"the mail server answered {error.code} {error.message}"
    detail = None
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        detail = {"recipient": error.recipient}
    if 400 <= error.code < 500:
        return RetryableError(message, code=code, detail=detail)
    return PermanentError(message, code=code, detail=detail)


def _message(
    from_: str,
    to: Addresses,
    cc: Addresses,
    reply_to: str | None,
    subject: str,
    text: str,
    html: str | None,
    ctx: Context,
) -> EmailMessage:
    message = EmailMessage(policy=SMTP_POLICY)
    headers = {"From": from_, "To": _joined(to), "Cc": _joined(cc), "Reply-To": reply_to}
    headers |= {"Subject": subject, "Date": format_datetime(datetime.now(UTC))}
    headers |= {"Message-ID": message_id(ctx.key)}
    try:
        for name, value in headers.items():
            if value:
                message[name] = value
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    except (ValueError, UnicodeError) as error:
        message_text = f"no message can be made of it: {error}"
        raise PermanentError(message_text, code="smtp.invalid") from error
    return message


def message_id(key: str) -> str:
    """Return the Message-ID of the task with this idempotency key, the same in every attempt."""
    return f"<{re.sub(r'[^A-Za-z0-9._-]', '.', key)}@onceflow>"


def _attach(message: EmailMessage, path: str) -> int:
    """Add a file and return its size."""
    file = require_allowed(path, "smtp.attachment")
    content = file.read_bytes()
    kind, encoding = mimetypes.guess_type(file.name)
    if kind is None or encoding is not None:
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=file.name)
    return len(content)


def _envelope(from_: str, to: Addresses, cc: Addresses, bcc: Addresses) -> tuple[str, list[str]]:
    """Return the bare addresses of sender and recipients, each recipient once."""
    (sender, *more) = _bare(from_)
    if more:
        raise PermanentError(f"{from_!r} is more than one sender", code="smtp.invalid_address")
    recipients = list(dict.fromkeys([*_bare(to), *_bare(cc), *_bare(bcc)]))
    if not recipients:
        raise PermanentError("the message has no recipient", code="smtp.invalid_address")
    return sender, recipients


def _bare(given: Addresses) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    found = [address for _, address in getaddresses(texts)]
    for address in found or [""] * bool(texts):
        if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
            raise PermanentError(f"{texts!r} has no valid address", code="smtp.invalid_address")
    return found


def _joined(given: Addresses) -> str:
    return given if isinstance(given, str) else ", ".join(given)


def _server() -> Server:
    """Return the server of ONCEFLOW_SMTP. Raises RetryableError: an operator has to set it."""
    given = os.environ.get(SERVER, "")
    parts = urlsplit(given if "://" in given else f"smtp://{given}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not parts.hostname or parts.scheme not in ("smtp", "smtps") or port == 0:
        raise RetryableError(
            f"{SERVER} is {given!r}: give host:port, or smtp[s]://user:password@host:port",
            code="smtp.unset",
        )
    tls = parts.scheme == "smtps"
    return Server(
        parts.hostname,
        port or (465 if tls else 25),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        tls,
    )
