"""The mail catcher: an SMTP server that keeps every message as a file and never sends one on.

A message becomes ``<mailbox>/<Message-ID>.eml``, whole or not at all, on disk before the answer
leaves. A second message with the same Message-ID is dropped and answered like the first: a receiver
that knows the Message-ID is what makes an e-mail, sent at least once, arrive exactly once. What
happened is one JSON object a line in ``<mailbox>/deliveries.jsonl``.

Two faults of the world can be had: ``--reject ADDRESS`` answers 550 for that address, and
``--withhold ADDRESS`` keeps each message to it and does not answer its first delivery, until the
client is gone.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

DELIVERIES = "deliveries.jsonl"

_UNSAFE = re.compile(r"[^A-Za-z0-9@._-]")


class MailBox:
    """A folder of messages, one per Message-ID, and the record of what was delivered.

    Use it as a context manager, or close it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._deliveries = (folder / DELIVERIES).open("a")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the record; what it holds is on disk already."""
        self._deliveries.close()

    def keep(self, message_id: str, content: bytes) -> bool:
        """Put the message on disk, atomically; False where it is there already."""
        target = self._folder / (_UNSAFE.sub("_", message_id.strip("<> ")) + ".eml")
        if target.exists():
            return False
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        return True

    def record(
        self, outcome: str, sender: str, recipient: str, message_id: str | None = None
    ) -> None:
        """Note what was done with one delivery."""
        entry = {
            "outcome": outcome,
            "sender": sender,
            "recipient": recipient,
            "message_id": message_id,
        }
        self._deliveries.write(json.dumps(entry) + "\n")
        self._deliveries.flush()


class Handler:
    """What aiosmtpd calls, by these names, at each turn of an SMTP conversation."""

    def __init__(
        self, box: MailBox, reject: str | None = None, withhold: str | None = None
    ) -> None:
        self._box = box
        self._reject = reject
        self._withhold = withhold

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Take or refuse one recipient."""
        if address == self._reject:
            self._box.record("rejected", str(envelope.mail_from), address)
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message, or drop it where it is known."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "451 4.3.0 the message came as no bytes"
        sender, recipient = str(envelope.mail_from), ", ".join(envelope.rcpt_tos)
        message_id: Any = message_from_bytes(content, policy=policy.default)["message-id"]
        if message_id is None:
            self._box.record("rejected", sender, recipient)
            return "550 5.6.0 the message has no Message-ID"
        if not self._box.keep(str(message_id), content):
            self._box.record("duplicate", sender, recipient, str(message_id))
            return "250 2.0.0 known already"
        if recipient == self._withhold:
            self._box.record("withheld", sender, recipient, str(message_id))
            # aiosmtpd cancels this wait when the client's connection is lost.
            await asyncio.Event().wait()
        self._box.record("kept", sender, recipient, str(message_id))
        return "250 2.0.0 kept"


def read_deliveries(folder: Path) -> list[dict[str, str | None]]:
    """Return the record of a mailbox, oldest first; a line still being written is left out."""
    path = folder / DELIVERIES
    if not path.exists():
        return []
    complete = path.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in complete.splitlines()]


async def serve(handler: Handler, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="mail.northwind.example", timeout=300), host, port
    )
    await stop.wait()
    server.close()


def main(argv: list[str] | None = None) -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m onceflow.examples.invoice.mail_catcher",
        description="An SMTP server that keeps every message as a file.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--mailbox", type=Path, default=Path("mail"), help="folder of the messages")
    parser.add_argument("--reject", metavar="ADDRESS", help="answer 550 for this recipient")
    parser.add_argument(
        "--withhold",
        metavar="ADDRESS",
        help="never answer the first delivery of a message to this recipient",
    )
    args = parser.parse_args(argv)
    with MailBox(args.mailbox) as box:
        asyncio.run(serve(Handler(box, args.reject, args.withhold), args.host, args.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
