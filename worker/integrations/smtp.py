"""``smtp.send``: one e-mail, whose Message-ID is made of the idempotency key."""

import logging
import os
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from ...engine.redact import keep_url, masked_url
from .. import Context, PermanentError, RetryableError, TaskError, UnknownOutcome, task
from .mail import Addresses, Mail, addresses, body, require_line
from .outputs import plain

log = logging.getLogger("onceflow.worker")

SERVER = "ONCEFLOW_SMTP"
"""Names the server: ``host:port``, ``smtp://user:password@host:port``, or ``smtps://…``."""
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


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
    timeout: Seconds = 120.0,
) -> dict[str, object]:
    """Send a message and return ``{"message_id", "recipients", "answer"}``.

    ``attach`` names files that an operator allows tasks to read (ONCEFLOW_FILES, else what
    ``pdf.render`` writes). Each attempt bears the same Message-ID, by which a receiver drops a
    second delivery. ``timeout`` (seconds) is for each answer of the server.

    An answer of 4xx is tried again, one of 5xx is permanent (``smtp.<code>``); all recipients are
    accepted or none gets it. A server that cannot be reached is tried again (``smtp.unreachable``),
    and so is one whose answer to the message never came: its outcome is unknown
    (``smtp.no_answer``).
    """
    (sender, *more) = addresses(from_)
    if more:
        raise PermanentError(f"{from_!r} is more than one sender", code="smtp.invalid_address")
    mail = Mail(
        sender=sender,
        to=addresses(to),
        cc=addresses(cc),
        bcc=addresses(bcc),
        reply_to=addresses(reply_to) if reply_to else [],
        subject=require_line("subject", subject),
        message_id=message_id(ctx.key),
        content=body(text, html, [attach] if isinstance(attach, str) else attach),
    )
    if not mail.recipients:
        raise PermanentError("the message has no recipient", code="smtp.invalid_address")
    answer = await _deliver(mail, timeout)
    return {"message_id": mail.message_id, "recipients": mail.recipients, "answer": answer}


async def _deliver(mail: Mail, timeout: float) -> str:
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
    content = mail.as_bytes()
    sent = False
    try:
        await client.connect()
        await _name_envelope(client, mail)
        sent = True
        return plain((await client.data(content)).message)
    except TaskError:
        raise
    except aiosmtplib.SMTPResponseException as error:
        if sent and 200 <= error.code < 300:
            return plain(error.message)  # accepted, though not by the usual 250
        raise _refusal(error, server, sent) from error
    except Exception as error:  # of any kind: what the network and strangers' words lead to
        raise _unanswered(server, plain(str(error)) or type(error).__name__, sent) from error
    finally:
        await _leave(client)


async def _name_envelope(client: aiosmtplib.SMTP, mail: Mail) -> None:
    """Name sender and recipients: up to here nothing is sent."""
    options: list[str] = []
    if mail.international:
        await client.ehlo()
        if not client.supports_extension("smtputf8"):
            raise PermanentError(
                "an address is outside of ASCII, and the mail server does not offer SMTPUTF8, "
                "which that takes",
                code="smtp.smtputf8",
            )
        options = ["SMTPUTF8", *(["BODY=8BITMIME"] * client.supports_extension("8bitmime"))]
    await client.mail(mail.sender.bare, options=options, encoding="utf-8")
    for recipient in mail.recipients:
        await client.rcpt(recipient, encoding="utf-8")


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye, whatever the server makes of it: the message's fate is decided."""
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except Exception:
        log.debug("the mail server did not take its leave", exc_info=True)
    finally:
        client.close()


def _refusal(error: aiosmtplib.SMTPResponseException, server: Server, sent: bool) -> TaskError:
    """Return the failure that an answer means."""
    code, message = f"smtp.{error.code}", f"the mail server answered {error.code} {error.message}"
    detail = None
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        detail = {"recipient": error.recipient}
    if 400 <= error.code < 500:
        return RetryableError(plain(message), code=code, detail=detail)
    if 500 <= error.code < 600:
        return PermanentError(plain(message), code=code, detail=detail)
    return _unanswered(server, plain(message), sent)


def _unanswered(server: Server, reason: str, sent: bool) -> TaskError:
    """Return the failure that the lack of an answer means, or one that says nothing."""
    words = f"{server.host}:{server.port}: {reason}"
    if sent:
        return UnknownOutcome(
            f"the message was sent, and no answer came from {words}", code="smtp.no_answer"
        )
    return RetryableError(words, code="smtp.unreachable")


def message_id(key: str) -> str:
    """Return the Message-ID of the task with this idempotency key, the same in every attempt."""
    return f"<{re.sub(r'[^A-Za-z0-9._-]', '.', key)}@onceflow>"


def _server() -> Server:
    """Return the server of ONCEFLOW_SMTP. Raises RetryableError: an operator has to set it."""
    given = os.environ.get(SERVER, "")
    keep_url(given)
    try:
        parts = urlsplit(given if "://" in given else f"smtp://{given}")
        port, host = parts.port, parts.hostname
    except ValueError:
        raise _unset(given) from None
    if not host or parts.scheme not in ("smtp", "smtps") or port == 0:
        raise _unset(given)
    tls = parts.scheme == "smtps"
    return Server(
        host,
        port or (465 if tls else 25),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        tls,
    )


def _unset(given: str) -> RetryableError:
    told = repr(masked_url(given)) if given else "not set"
    return RetryableError(
        f"{SERVER} is {told}: give host:port, or smtp[s]://user:password@host:port",
        code="smtp.unset",
    )
