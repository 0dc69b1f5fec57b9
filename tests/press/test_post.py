"""Mails over SMTP, to a real server."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from mail_server import Inbox, serving

from salesops.errors import PressError
from salesops.press.post import PASSWORD, Smtp, is_address, posting, read_smtp

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
    """Two mails go over one connection; each has sender, readers, date and an id of the sender's domain."""
    monkeypatch.setenv(PASSWORD, "correct horse")
    inbox = Inbox()
    with serving(inbox, trust=certificate, login=True) as server, posting(server) as post:
        assert post(mail(), ["Eva <eva@example.com>", "bo@example.com"]) == {
            "Eva <eva@example.com>": "",
            "bo@example.com": "",
        }
        assert post(mail(), ["bo@example.com"]) == {"bo@example.com": ""}
    (readers, first), (_, second) = inbox.mails
    assert readers == ("eva@example.com", "bo@example.com")
    assert (first["From"], first["To"]) == ("Sales <sales@example.com>", "Eva <eva@example.com>, bo@example.com")
    assert first["Subject"] == "Zoë’s week"
    assert first["Date"] is not None
    assert first["Message-ID"].endswith("@example.com>")
    assert first["Message-ID"] != second["Message-ID"]


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


def test_a_refusal_for_good_is_an_answer_and_one_for_now_is_none() -> None:
    """550 settles an address, 450 leaves it for the next time; the others get their mail."""
    inbox = Inbox(refusing={"gone@example.com": "550 No such user", "full@example.com": "450 Mailbox busy"})
    with serving(inbox) as server, posting(server) as post:
        readers = ["gone@example.com", "full@example.com", "eva@example.com"]
        assert post(mail(), readers) == {"gone@example.com": "550 No such user", "eva@example.com": ""}
        assert post(mail(), ["gone@example.com"]) == {"gone@example.com": "550 No such user"}
        assert post(mail(), ["full@example.com"]) == {}
    assert [readers for readers, _ in inbox.mails] == [("eva@example.com",)]


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
