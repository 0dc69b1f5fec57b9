"""Mails on their way: over SMTP to a server of the company, one connection for all mails of a run."""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from typing import Literal

from salesops.errors import PressError, did_you_mean

PASSWORD = "SALESOPS_SECRET_SMTP"

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_KEYS = ("host", "from", "user", "security", "port")
_PATIENCE = 60.0  # seconds for each answer of the server
_ADDRESS = re.compile(r'[^\s@,;:<>()"\[\]]+@[^\s@,;:<>()"\[\]]+')
_FOR_GOOD = range(500, 600)  # answers that would be the same next time
_CLOSING, _TOO_MUCH = 421, 552  # the server goes away; more than a mail, or a mailbox, may hold


@dataclass(frozen=True)
class Answer:
    """How a server takes a mail.

    Parameters
    ----------
    takes : {"sent", "refused", "aside", "lost"}
        refused: it knows no such reader, or wants none; aside: it does not take this mail, or not now; lost: the
        connection broke.
    words : str
        What it said.
    knows_reader : bool
        Whether it took the reader's address, whatever became of the mail.
    """

    takes: Literal["sent", "refused", "aside", "lost"]
    words: str = ""
    knows_reader: bool = False


Post = Callable[[EmailMessage, str], Answer]


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
    """Yield what sends a mail to an address and says how the server takes it.

    Raises
    ------
    PressError
        If the server cannot be reached, or refuses the login or the sender.
    """
    where = f"{server.host}:{server.port}"
    try:
        with _connected(server) as line:
            yield lambda mail, address: _posted(line, server, mail, address)
    except smtplib.SMTPAuthenticationError as error:
        why = _words(error.smtp_code, error.smtp_error)
        raise PressError(f"{where} refuses the login of '{server.user}' ({why}). See {PASSWORD}.") from None
    except smtplib.SMTPResponseException as error:
        raise PressError(f"{where} answers: {_words(error.smtp_code, error.smtp_error)}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise PressError(f"The mail server {where} cannot be used: {error}.") from None


def message_id(page: str, address: str, server: Smtp) -> str:
    """Return the Message-ID of a page, given by its digest, for a reader: the same whenever it is sent.

    A mail that a kill between sending and noting repeats is known by it.
    """
    text = f"{page} {parseaddr(address)[1].casefold()}"
    domain = parseaddr(server.sender)[1].partition("@")[2]
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@{domain}>"


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


def _posted(line: smtplib.SMTP, server: Smtp, mail: EmailMessage, address: str) -> Answer:
    for name, value in (("From", server.sender), ("To", address), ("Date", localtime())):
        del mail[name]
        mail[name] = value
    try:
        line.send_message(mail, to_addrs=[parseaddr(address)[1]])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, words),) = error.recipients.values()
        refused = code in _FOR_GOOD and code != _TOO_MUCH
        return Answer("lost" if code == _CLOSING else "refused" if refused else "aside", _words(code, words))
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code != _TOO_MUCH:  # else it is the size of the mail, which is told before the mail
            raise
        return Answer("aside", _words(error.smtp_code, error.smtp_error))
    except smtplib.SMTPDataError as error:
        takes: Literal["lost", "aside"] = "lost" if error.smtp_code == _CLOSING else "aside"
        return Answer(takes, _words(error.smtp_code, error.smtp_error), knows_reader=True)
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        return Answer("lost", str(error))
    return Answer("sent", knows_reader=True)


def _words(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}"
