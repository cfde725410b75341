"""smtp.send against a real SMTP server on this machine."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from onceflow.engine.dev.postgres import free_port
from onceflow.worker.integrations.smtp import message_id

from .support import ID, KEY, call, failure


class Post:
    """A post office: keeps what comes, and answers RCPT and DATA as it is told."""

    def __init__(self) -> None:
        self.port = 0
        self.messages: list[tuple[Envelope, EmailMessage]] = []
        self.to_recipient: dict[str, str] = {}
        self.to_message = "250 kept"
        self.withholds = False
        self.hangs_up = False
        self.international = False
        self.logins: list[Any] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.to_recipient.get(address, "250 fine")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append((envelope, message))
        if self.hangs_up:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        if self.withholds:
            await asyncio.Event().wait()
        return self.to_message

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> Any:
        self.logins.append(data)
        return AuthResult(success=True)


@pytest.fixture
async def post(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Post]:
    made = Post()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            made,
            hostname="test",
            authenticator=made.authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=made.international,
        ),
        "127.0.0.1",
        0,
    )
    made.port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("ONCEFLOW_SMTP", f"127.0.0.1:{made.port}")
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path))
    yield made
    server.close()


MAIL = {"from": "Shop <shop@example.com>", "to": "a@example.com", "subject": "Faktura żółta"}


async def test_a_message_arrives_as_it_was_meant(post: Post, tmp_path: Path) -> None:
    pdf = tmp_path / "pdf" / "N-1.pdf"
    pdf.parent.mkdir()
    pdf.write_bytes(b"%PDF-1.7 \0\xff")
    output = await call(
        "smtp.send",
        **MAIL
        | {"to": ["A <a@example.com>", "b@example.com"], "cc": "c@example.com"}
        | {"bcc": ["d@example.com", "a@example.com"], "reply_to": "desk@example.com"}
        | {"text": "Zażółć\n", "html": "<p>Zażółć</p>", "attach": str(pdf)},
    )
    ((envelope, message),) = post.messages
    assert envelope.mail_from == "shop@example.com"
    assert envelope.rcpt_tos == [f"{name}@example.com" for name in "abcd"]
    assert output["recipients"] == envelope.rcpt_tos
    assert output["message_id"] == message["Message-ID"] == f"<{ID}.send@onceflow>"
    assert message["Subject"] == "Faktura żółta"
    assert message["To"] == "A <a@example.com>, b@example.com"
    assert message["Reply-To"] == "desk@example.com"
    assert message["Bcc"] is None
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content() == "Zażółć\r\n"
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "N-1.pdf"
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_content() == pdf.read_bytes()


async def test_each_attempt_bears_the_same_message_id(post: Post) -> None:
    for _ in range(2):
        await call("smtp.send", **MAIL)
    assert {message["Message-ID"] for _, message in post.messages} == {message_id(KEY)}


@pytest.mark.parametrize(("code", "retryable"), [(450, True), (550, False)])
async def test_a_refused_recipient_keeps_the_message_from_all(
    post: Post, code: int, retryable: bool
) -> None:
    post.to_recipient["b@example.com"] = f"{code} not here"
    error = await failure("smtp.send", **MAIL | {"to": ["a@example.com", "b@example.com"]})
    assert (error.code, error.retryable, error.unknown) == (f"smtp.{code}", retryable, False)
    assert "not here" in str(error)
    assert error.detail == {"recipient": "b@example.com"}
    assert post.messages == []


@pytest.mark.parametrize(("code", "retryable"), [(452, True), (554, False)])
async def test_a_refused_message_is_known_not_to_be_kept(
    post: Post, code: int, retryable: bool
) -> None:
    post.to_message = f"{code} no"
    error = await failure("smtp.send", **MAIL)
    assert (error.code, error.retryable, error.unknown) == (f"smtp.{code}", retryable, False)


@pytest.mark.parametrize("how", ["withholds", "hangs_up"])
async def test_a_message_without_an_answer_is_an_unknown_outcome(post: Post, how: str) -> None:
    setattr(post, how, True)
    error = await failure("smtp.send", **MAIL, timeout=0.3)
    assert (error.code, error.retryable, error.unknown) == ("smtp.no_answer", True, True)
    assert len(post.messages) == 1


async def test_a_server_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCEFLOW_SMTP", f"127.0.0.1:{free_port()}")
    error = await failure("smtp.send", **MAIL)
    assert (error.code, error.retryable, error.unknown) == ("smtp.unreachable", True, False)
    for wrong in ("", "nonsense://x", "host:many"):
        monkeypatch.setenv("ONCEFLOW_SMTP", wrong)
        error = await failure("smtp.send", **MAIL)
        assert (error.code, error.retryable) == ("smtp.unset", True)


async def test_a_user_is_logged_in(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCEFLOW_SMTP", f"smtp://us%40er:p%2Fw@127.0.0.1:{post.port}")
    await call("smtp.send", **MAIL)
    assert post.logins == [LoginPassword(b"us@er", b"p/w")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "nobody"}, "smtp.invalid_address"),
        ({"to": []}, "smtp.invalid_address"),
        ({"to": "a@example.com, two words@x"}, "smtp.invalid_address"),
        ({"from": "a@example.com, b@example.com"}, "smtp.invalid_address"),
        ({"subject": "x\r\nBcc: all@example.com"}, "smtp.invalid"),
        ({"subject": "x\u0085y"}, "smtp.invalid"),
        ({"to": "a\nb <a@example.com>"}, "smtp.invalid"),
        ({"to": "a@"}, "smtp.invalid_address"),
        ({"to": "@example.com"}, "smtp.invalid_address"),
        ({"to": ""}, "smtp.invalid_address"),
        ({"from": ""}, "smtp.invalid_address"),
        ({"to": "a@example.com)b@example.org"}, "smtp.invalid_address"),
        ({"to": "a@exa mple.com"}, "smtp.invalid_address"),
        ({"to": "a@-x-.example"}, "smtp.invalid_address"),
        ({"to": f"{'a' * 65}@example.com"}, "smtp.invalid_address"),
        ({"to": "a@" + "x." * 130 + "com"}, "smtp.invalid_address"),
        ({"to": "a <b@example.org> <c@example.com>"}, "smtp.invalid_address"),
        ({"to": "a@xn--\u00e4.example"}, "smtp.invalid_address"),
        ({"reply_to": "nobody"}, "smtp.invalid_address"),
        ({"attach": "a\0b"}, "smtp.attachment"),
        ({"attach": "/dev/zero"}, "smtp.attachment"),
        ({"attach": "/etc/passwd"}, "smtp.attachment"),
        ({"attach": "missing.pdf"}, "smtp.attachment"),
    ],
)
async def test_what_can_never_be_sent_is_permanent(
    post: Post, given: dict[str, Any], code: str
) -> None:
    error = await failure("smtp.send", **MAIL | given)
    assert (error.code, error.retryable) == (code, False)
    assert post.messages == []


async def test_an_encoded_word_is_given_letter_by_letter_and_writes_no_header(post: Post) -> None:
    word = "=?utf-8?q?=0d=0aReply-To:_evil@example.org=0d=0a=0d=0aAnother_body?="
    await call(
        "smtp.send", **MAIL | {"subject": word, "from": f"{word.replace('@', '.')} <a@example.com>"}
    )
    ((_, message),) = post.messages
    assert message["Subject"] == word
    assert message["From"].addresses[0].display_name == word.replace("@", ".")
    assert message["Reply-To"] is None
    assert message.get_content() == "\r\n"


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "short",
        "Zażółć gęślą jaźń " * 30,
        "word " * 300,
        "x" * 5000,
        "a  b   c",
        "=? half",
        "😀" * 300,
        "日本語" * 200,
    ],
)
async def test_a_subject_arrives_as_it_was_meant_however_long(post: Post, subject: str) -> None:
    await call("smtp.send", **MAIL | {"subject": subject})
    ((envelope, message),) = post.messages
    assert (message["Subject"] or "").rstrip() == subject.rstrip()
    assert isinstance(envelope.content, bytes)
    assert max(map(len, envelope.content.split(b"\r\n"))) < 998


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('"Last, First" <a@example.com>', "Last, First"),
        ('"a \\"b\\" c" <a@example.com>', 'a "b" c'),
        ("Żółw <a@example.com>", "Żółw"),
        ("A. B. (C) <a@example.com>", "A. B. (C)"),
        ("<a@example.com>", ""),
    ],
)
async def test_a_name_before_an_address_is_kept(post: Post, given: str, name: str) -> None:
    await call("smtp.send", **MAIL | {"to": given})
    ((envelope, message),) = post.messages
    assert envelope.rcpt_tos == ["a@example.com"]
    (address,) = message["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "a@example.com")


async def test_a_domain_outside_of_ascii_is_sent_by_its_ascii_form(post: Post) -> None:
    await call("smtp.send", **MAIL | {"to": "Büro <info@straße.example>"})
    ((envelope, message),) = post.messages
    assert envelope.rcpt_tos == ["info@xn--strae-oqa.example"]
    assert message["To"].addresses[0].addr_spec == "info@xn--strae-oqa.example"


async def test_an_address_outside_of_ascii_takes_a_server_with_smtputf8(post: Post) -> None:
    error = await failure("smtp.send", **MAIL | {"to": "jörg@example.com"})
    assert (error.code, error.retryable, error.unknown) == ("smtp.smtputf8", False, False)
    assert "SMTPUTF8" in str(error)
    post.international = True
    await call("smtp.send", **MAIL | {"to": "Jörg <jörg@bücher.example>"})
    ((envelope, _),) = post.messages
    assert envelope.rcpt_tos == ["jörg@xn--bcher-kva.example"]
    assert envelope.smtp_utf8
    assert isinstance(envelope.content, bytes)
    assert "<jörg@xn--bcher-kva.example>".encode() in envelope.content


async def test_a_long_list_of_recipients_is_folded(post: Post) -> None:
    many = ", ".join(f"{n}@{'x' * 40}.example" for n in range(300))
    output = await call("smtp.send", **MAIL | {"to": many})
    assert len(output["recipients"]) == 300
    ((envelope, message),) = post.messages
    assert len(message["To"].addresses) == 300
    assert isinstance(envelope.content, bytes)
    assert max(map(len, envelope.content.split(b"\r\n"))) < 998


SCRIPTS = [
    # What the server says to each line in turn, and what that means.
    ({"END": "250 kept", "QUIT": None}, None),
    ({"END": "250 kept", "QUIT": "999 \xff"}, None),
    ({"END": "250 k\0pt \xff"}, None),
    ({"END": "252 will see"}, None),
    ({"END": "nonsense"}, ("smtp.no_answer", True, True)),
    ({"END": "150 wait"}, ("smtp.no_answer", True, True)),
    ({"END": None}, ("smtp.no_answer", True, True)),
    ({"END": "421 going down"}, ("smtp.421", True, False)),
    ({"DATA": "554 no"}, ("smtp.554", False, False)),
    ({"RCPT": "nonsense"}, ("smtp.unreachable", True, False)),
    ({"RCPT": "999 what"}, ("smtp.unreachable", True, False)),
    ({"RCPT": None}, ("smtp.unreachable", True, False)),
    ({"MAIL": "550 not you"}, ("smtp.550", False, False)),
    ({"HELLO": "554 go away"}, ("smtp.554", False, False)),
    ({"HELLO": "\xff\xfe"}, ("smtp.unreachable", True, False)),
]


@pytest.mark.parametrize(("script", "meaning"), SCRIPTS)
async def test_what_a_server_says_means_no_more_than_it_says(
    monkeypatch: pytest.MonkeyPatch,
    script: dict[str, str | None],
    meaning: tuple[str, bool, bool] | None,
) -> None:
    """None hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def answer(line: str, usual: str) -> bool:
            said = script.get(line, usual)
            if said is not None:
                writer.write(said.encode("latin-1") + b"\r\n")
            return said is not None

        going = answer("HELLO", "220 test")
        while going and (line := await reader.readline()):
            verb = line[:4].decode().upper()
            going = answer(verb, "354 go on" if verb == "DATA" else "250 fine") and verb != "QUIT"
            if verb == "DATA" and script.get("DATA") is None:
                await reader.readuntil(b"\r\n.\r\n")
                going = answer("END", "250 kept")
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    monkeypatch.setenv("ONCEFLOW_SMTP", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        if meaning is None:
            output = await call("smtp.send", **MAIL, timeout=2)
            assert "\0" not in output["answer"]
        else:
            error = await failure("smtp.send", **MAIL, timeout=2)
            assert (error.code, error.retryable, error.unknown) == meaning
    finally:
        server.close()
        await ended.wait()


@pytest.mark.parametrize("given", ["smtp://u:hush@h:x", "http://u:hush@h", "u:hush@", "smtp://["])
async def test_no_error_tells_the_password_of_the_server(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("ONCEFLOW_SMTP", given)
    error = await failure("smtp.send", **MAIL)
    assert (error.code, "hush" in str(error)) == ("smtp.unset", False)


async def test_links_out_of_the_allowed_folders_are_followed_and_refused(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link.txt").symlink_to("/etc/passwd")
    error = await failure("smtp.send", **MAIL, attach=str(tmp_path / "link.txt"))
    assert "ONCEFLOW_FILES" in str(error)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("a")
    monkeypatch.setenv("ONCEFLOW_FILES", f"/nowhere:{other}")
    await call("smtp.send", **MAIL, attach=str(other / "a.txt"))
