"""The mail catcher, as a process of its own, over SMTP."""

import smtplib
import socket
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.examples.invoice.mail_catcher import read_deliveries

from ..support import wait_until

REFUSED = "gone@northwind.example"
SLOW = "slow@northwind.example"


def listens(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=5).quit()
    except OSError:
        return False
    return True


@contextmanager
def running_catcher(folder: Path) -> Generator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "onceflow.examples.invoice.mail_catcher", "--port", str(port)]
    argv += ["--mailbox", str(folder), "--reject", REFUSED, "--withhold", SLOW]
    process = Process("mail catcher", argv)
    try:
        wait_until(lambda: listens(port), "the mail catcher")
        yield port
    finally:
        assert process.stop() == 0


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def port(mailbox: Path) -> Iterator[int]:
    with running_catcher(mailbox) as port:
        yield port


def a_message(to: str, message_id: str | None, text: str = "Zażółć gęślą jaźń") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "invoices@northwind.example"
    message["To"] = to
    message["Subject"] = "Your invoice"
    if message_id is not None:
        message["Message-ID"] = message_id
    message.set_content(text)
    message.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf")
    return message


def send(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.send_message(message)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".jsonl")


def test_a_message_is_kept_whole(port: int, mailbox: Path) -> None:
    send(port, a_message("a@northwind.example", "<1/send@onceflow>"))
    (name,) = kept(mailbox)
    assert name == "1_send@onceflow.eml"
    read = message_from_bytes((mailbox / name).read_bytes(), policy=policy.default)
    assert read["To"] == "a@northwind.example"
    body = read.get_body()
    assert body is not None
    assert body.get_content().strip() == "Zażółć gęślą jaźń"
    (attachment,) = read.iter_attachments()
    assert attachment.get_content() == b"%PDF-1.7 \x00\xff"


def test_a_known_message_id_is_dropped_and_counted(port: int, mailbox: Path) -> None:
    send(port, a_message("a@northwind.example", "<1@onceflow>", "first"))
    send(port, a_message("a@northwind.example", "<1@onceflow>", "second"))
    send(port, a_message("a@northwind.example", "<2@onceflow>", "other"))
    assert kept(mailbox) == ["1@onceflow.eml", "2@onceflow.eml"]
    assert b"first" in (mailbox / "1@onceflow.eml").read_bytes()
    assert [d["outcome"] for d in read_deliveries(mailbox)] == ["kept", "duplicate", "kept"]


def test_one_address_is_refused_for_good(port: int, mailbox: Path) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(port, a_message(REFUSED, "<1@onceflow>"))
    assert refused.value.recipients[REFUSED][0] == 550
    assert kept(mailbox) == []
    assert [d["outcome"] for d in read_deliveries(mailbox)] == ["rejected"]


def test_a_message_without_an_id_is_refused(port: int, mailbox: Path) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="550"):
        send(port, a_message("a@northwind.example", None))
    assert kept(mailbox) == []


def test_one_answer_is_withheld_and_the_second_delivery_dropped(port: int, mailbox: Path) -> None:
    content = a_message(SLOW, "<1@onceflow>").as_bytes(policy=policy.SMTP)
    client = smtplib.SMTP("127.0.0.1", port, timeout=20)
    client.ehlo()
    client.mail("invoices@northwind.example")
    client.rcpt(SLOW)
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send(content + b".\r\n")
    # The message is kept while its sender waits, and others are served meanwhile.
    wait_until(lambda: read_deliveries(mailbox), "the message to be kept")
    assert kept(mailbox) == ["1@onceflow.eml"]
    send(port, a_message("a@northwind.example", "<2@onceflow>"))
    assert isinstance(client.sock, socket.socket)
    client.sock.settimeout(0.1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.getreply()  # no answer came in this time
    client.close()
    send(port, a_message(SLOW, "<1@onceflow>"))
    outcomes = [(d["outcome"], d["recipient"]) for d in read_deliveries(mailbox)]
    assert outcomes == [
        ("withheld", SLOW),
        ("kept", "a@northwind.example"),
        ("duplicate", SLOW),
    ]


def test_the_catcher_remembers_across_a_restart(mailbox: Path) -> None:
    with running_catcher(mailbox) as port:
        send(port, a_message("a@northwind.example", "<1@onceflow>"))
    with running_catcher(mailbox) as port:
        send(port, a_message("a@northwind.example", "<1@onceflow>"))
    assert kept(mailbox) == ["1@onceflow.eml"]
    assert [d["outcome"] for d in read_deliveries(mailbox)] == ["kept", "duplicate"]
