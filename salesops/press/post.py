"""Mails on their way: over SMTP to a server of the company, one connection for all mails of a run."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime, make_msgid, parseaddr

from salesops.errors import PressError, did_you_mean

PASSWORD = "SALESOPS_SECRET_SMTP"
Post = Callable[[EmailMessage, Sequence[str]], Mapping[str, str]]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_KEYS = ("host", "from", "user", "security", "port")
_PATIENCE = 60.0  # seconds for each answer of the server
_ADDRESS = re.compile(r'[^\s@,;:<>()"\[\]]+@[^\s@,;:<>()"\[\]]+')
_FOR_GOOD = range(500, 600)  # answers that would be the same next time


@dataclass(frozen=True, kw_only=True)
class Smtp:
    """The server that sends mails, and who they are from.

    Parameters
    ----------
    security : {"starttls", "tls", "none"}
        How the connection is encrypted.
    user : str
        "" logs in as nobody. Its password stands in the environment as SALESOPS_SECRET_SMTP.
    """

    host: str
    sender: str
    security: str
    port: int
    user: str = ""


def read_smtp(given: object, where: str) -> Smtp:
    """Read the table [smtp] of reports.toml: `host` and `from`, and if need be `user`, `security` and `port`.

    Raises
    ------
    PressError
        If a key or value is wrong.
    """
    if not isinstance(given, dict):
        raise PressError(f"{where}: smtp must be a table, [smtp] with host and from. Got {given!r}.")
    for key in given:
        if key not in _KEYS:
            raise PressError(f"{where}, [smtp] has an unknown key '{key}'. {did_you_mean(key, _KEYS)}")
    texts = {key: given.get(key, "") for key in ("host", "from", "user")}
    for key, value in texts.items():
        if not isinstance(value, str) or (key != "user" and not value.strip()):
            raise PressError(f"{where}, [smtp]: {key} must be a text. Got {value!r}.")
    if not is_address(texts["from"]):
        raise PressError(f"{where}, [smtp]: from must be an address like sales@example.com. Got {texts['from']!r}.")
    security = given.get("security", "starttls")
    if security not in _PORTS:
        raise PressError(f"{where}, [smtp]: security must be one of {', '.join(_PORTS)}. Got {security!r}.")
    port = given.get("port", _PORTS[security])
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65_536:
        raise PressError(f"{where}, [smtp]: port must be a whole number up to 65535. Got {port!r}.")
    return Smtp(host=texts["host"], sender=texts["from"], security=security, port=port, user=texts["user"])


def is_address(text: str) -> bool:
    """Tell whether a text is the address of one person, with or without a name before it, as every server takes it."""
    name, address = parseaddr(text)
    one = text.count("@") == 1 and text.isprintable() and address.isascii()
    whole = text.strip() == address or (bool(name) and text.strip().endswith(f"<{address}>"))
    return one and whole and _ADDRESS.fullmatch(address) is not None


@contextmanager
def posting(server: Smtp) -> Iterator[Post]:
    """Yield what sends a mail to some addresses: for each that is settled, "" or why it is refused for good.

    An address that is not among the answers may be tried again.

    Raises
    ------
    PressError
        If the server cannot be reached, refuses the login or the mail, or goes away.
    """
    where = f"{server.host}:{server.port}"
    try:
        with _connected(server) as line:
            yield lambda mail, whom: _sent(line, server, mail, whom)
    except smtplib.SMTPAuthenticationError as error:
        raise PressError(f"{where} refuses the login of '{server.user}' ({_told(error)}). See {PASSWORD}.") from None
    except smtplib.SMTPResponseException as error:
        raise PressError(f"{where} answers: {_told(error)}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise PressError(f"The mail server {where} cannot be used: {error}.") from None


@contextmanager
def _connected(server: Smtp) -> Iterator[smtplib.SMTP]:
    trust = ssl.create_default_context()
    if server.security == "tls":
        line: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE, context=trust)
    else:
        line = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE)
    try:
        if server.security == "starttls":
            line.starttls(context=trust)
        if server.user:
            line.login(server.user, _password(server))
        yield line
    finally:
        with suppress(smtplib.SMTPException, OSError):
            line.quit()


def _password(server: Smtp) -> str:
    if PASSWORD not in os.environ:
        raise PressError(f"The password of '{server.user}' at {server.host} is missing. Give it as {PASSWORD}.")
    return os.environ[PASSWORD]


def _sent(line: smtplib.SMTP, server: Smtp, mail: EmailMessage, whom: Sequence[str]) -> dict[str, str]:
    mail["From"] = server.sender
    mail["To"] = ", ".join(whom)
    mail["Date"] = localtime()
    mail["Message-ID"] = make_msgid(domain=parseaddr(server.sender)[1].partition("@")[2])
    try:
        refused = line.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    answers = {address: refused.get(parseaddr(address)[1]) for address in whom}
    return {
        address: f"{answer[0]} {answer[1].decode(errors='replace')}" if answer else ""
        for address, answer in answers.items()
        if not answer or answer[0] in _FOR_GOOD
    }


def _told(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
    return f"{error.smtp_code} {' '.join(words.split())}"
