"""Mails over SMTP, to a real server."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from mail_server import BREAK, Inbox, serving

from salesops.errors import PressError
from salesops.press.post import PASSWORD, Answer, Smtp, is_address, message_id, posting, read_smtp

GIVEN = {"host": "smtp.example.com", "from": "sales@example.com"}


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Zoë’s week"
    message.set_content("Goal met.")
    return message


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate, by an authority that this machine trusts during the test."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_mails_go_out_encrypted_with_a_login(certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mails go over one connection; each has sender, reader and date of its own."""
    monkeypatch.setenv(PASSWORD, "correct horse")
    inbox, message = Inbox(), mail()
    with serving(inbox, trust=certificate, login=True) as server, posting(server) as post:
        assert post(message, "Eva <eva@example.com>") == Answer("sent", knows_reader=True)
        assert post(message, "bo@example.com") == Answer("sent", knows_reader=True)
    assert inbox.readers == [("eva@example.com",), ("bo@example.com",)]
    (_, first), (_, second) = inbox.mails
    assert (first["From"], first["To"]) == ("Sales <sales@example.com>", "Eva <eva@example.com>")
    assert (second["From"], second["To"]) == ("Sales <sales@example.com>", "bo@example.com")
    assert first["Subject"] == second["Subject"] == "Zoë’s week"
    assert first["Date"] is not None


def test_a_message_id_is_that_of_a_page_and_a_reader() -> None:
    """The same page for the same reader has the same id whenever it is sent, however the address is written."""
    server = read_smtp({**GIVEN, "from": "Sales <sales@example.com>"}, "reports.toml")
    ids = [message_id(page, whom, server) for page in ("a", "b") for whom in ("eva@example.com", "bo@example.com")]
    assert len(set(ids)) == 4
    assert message_id("a", "Eva <Eva@example.com>", server) == ids[0]
    assert all(found.startswith("<") and found.endswith("@example.com>") for found in ids)


def test_a_server_that_nobody_vouches_for_gets_nothing(
    certificate: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate of an unknown authority neither password nor mail is sent."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv(PASSWORD, "correct horse")
    inbox = Inbox()
    refused = pytest.raises(PressError, match=r"cannot be used: .*certificate verify failed")
    with serving(inbox, trust=certificate, login=True) as server, refused, posting(server):
        pass
    assert inbox.mails == []


def test_a_wrong_or_missing_password_is_told_without_it(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the user and where the password is read from, never the password."""
    with serving(Inbox(), trust=certificate, login=True) as server:
        monkeypatch.delenv(PASSWORD, raising=False)
        missing = f"password of 'sales' at localhost is missing. Give it as {PASSWORD}"
        with pytest.raises(PressError, match=missing), posting(server):
            pass
        monkeypatch.setenv(PASSWORD, "battery staple")
        with pytest.raises(PressError, match=r"refuses the login of 'sales' [(]535 ") as told, posting(server):
            pass
    assert "battery" not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "takes"),
    [("550 No such user", "refused"), ("450 Mailbox busy", "aside"), ("552 Mailbox full", "aside")],
)
def test_how_a_reader_is_refused(answer: str, takes: str) -> None:
    """A reader who is unknown is refused, one who cannot be reached now waits; the next reader gets the mail."""
    inbox = Inbox(refusing={"gone@example.com": answer})
    with serving(inbox) as server, posting(server) as post:
        assert post(mail(), "gone@example.com") == Answer(takes, answer)  # type: ignore[arg-type]  # one of these
        assert post(mail(), "eva@example.com").takes == "sent"
    assert inbox.readers == [("eva@example.com",)]


@pytest.mark.parametrize("answer", ["552 Too large", "554 Looks like spam", "451 Try again later"])
def test_a_mail_that_is_refused_leaves_the_others_alone(answer: str) -> None:
    """The server knows the reader and does not take this mail; the next one goes over the same connection."""
    answers = iter([answer, "250 OK"])
    inbox = Inbox(judge=lambda mail: next(answers))
    with serving(inbox) as server, posting(server) as post:
        assert post(mail(), "eva@example.com") == Answer("aside", answer, knows_reader=True)
        assert post(mail(), "eva@example.com").takes == "sent"


def test_a_mail_that_is_too_large_is_set_aside_before_it_is_sent() -> None:
    """A server that says how much it takes refuses a larger mail at once, and takes a smaller one."""
    inbox, large = Inbox(), mail()
    large.add_attachment("x" * 20_000)
    with serving(inbox, most=10_000) as server, posting(server) as post:
        refused = post(large, "eva@example.com")
        assert (refused.takes, refused.words[:3]) == ("aside", "552")
        assert post(mail(), "eva@example.com").takes == "sent"


@pytest.mark.parametrize("answer", [BREAK, "421 Closing"])
def test_a_connection_that_breaks_is_an_answer(answer: str) -> None:
    """Whether it broke at this mail or by chance nobody knows: who sends decides whether to go on."""
    with serving(Inbox(judge=lambda mail: answer)) as server, posting(server) as post:
        assert post(mail(), "eva@example.com").takes == "lost"
        assert post(mail(), "eva@example.com").takes == "lost"


def test_a_server_that_is_not_there_is_told() -> None:
    """Host and port stand in the error."""
    with serving(Inbox()) as server:
        pass
    with pytest.raises(PressError, match=f"The mail server 127.0.0.1:{server.port} cannot be used"), posting(server):
        pass


def test_the_table_of_the_server() -> None:
    """Host and sender are enough: then it is STARTTLS on 587, without a login."""
    assert read_smtp(GIVEN, "reports.toml") == Smtp(
        host="smtp.example.com", sender="sales@example.com", security="starttls", port=587
    )
    full = {**GIVEN, "from": "Sales <sales@example.com>", "user": "sales", "security": "tls"}
    assert read_smtp(full, "reports.toml").port == 465


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("smtp.example.com", "smtp must be a table"),
        ({"from": "sales@example.com"}, "host must be a text. Got ''"),
        ({"host": "smtp.example.com"}, "from must be a text. Got ''"),
        ({**GIVEN, "from": "sales"}, "from must be an address like"),
        ({**GIVEN, "pasword": "x"}, "unknown key 'pasword'"),
        ({**GIVEN, "security": "ssl"}, "security must be one of starttls, tls, none. Got 'ssl'"),
        ({**GIVEN, "port": 0}, "port must be a whole number up to 65535. Got 0"),
    ],
)
def test_a_wrong_table_is_told(given: object, message: str) -> None:
    """The error names the file, the key and the value."""
    with pytest.raises(PressError, match=r"^reports\.toml") as told:
        read_smtp(given, "reports.toml")
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("eva@example.com", True),
        ("Éva Long <eva@example.com>", True),
        ("zoë@example.com", False),
        ("eva", False),
        ("", False),
        ("@example.com", False),
        ("eva@", False),
        ("eva@a@b", False),
        ("eva@example.com\nBcc: all@example.com", False),
        ("eva@example.com, bo@example.com", False),
        ("#N/A", False),
    ],
)
def test_an_address_is_one_person_s(text: str, is_one: bool) -> None:
    """What a CRM holds in place of an address, or beside one, is none."""
    assert is_address(text) is is_one
