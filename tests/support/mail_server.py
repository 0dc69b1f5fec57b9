"""An SMTP server for tests: it listens on this machine and keeps what it is given."""

from __future__ import annotations

import email
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from salesops.press.post import Smtp

BREAK = "break"
LOGIN = LoginPassword(b"sales", b"correct horse")


@dataclass
class Inbox:
    """What came in: each mail with its readers.

    `refusing` holds the answers to readers who are refused; `judge` answers to a mail, and may do what a server must
    not, as break the connection.
    """

    mails: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    refusing: Mapping[str, str] = field(default_factory=dict)
    judge: Callable[[EmailMessage], str] = lambda mail: "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail: Any = email.message_from_bytes(envelope.content, policy=default)
        answer = self.judge(mail)
        if answer == BREAK:
            server.transport.abort()
        elif answer.startswith("250"):
            self.mails.append((tuple(envelope.rcpt_tos), mail))
        return answer

    @property
    def readers(self) -> list[tuple[str, ...]]:
        """Who got each mail."""
        return [whom for whom, _ in self.mails]


class _Anywhere(Controller):
    """A controller that may be given port 0: it asks which one it got."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(
    inbox: Inbox, *, trust: ssl.SSLContext | None = None, login: bool = False, most: int = 33_554_432
) -> Iterator[Smtp]:
    """Serve on a free port, with STARTTLS if there is a certificate, and say how to reach it.

    `most` is how many bytes a mail may have, which the server says before the mail comes.
    """

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data == LOGIN, handled=False)

    controller = _Anywhere(
        inbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=trust,
        authenticator=check if login else None,
        auth_required=login,
        auth_require_tls=trust is not None,
        data_size_limit=most,
    )
    controller.start()
    try:
        yield Smtp(
            host="localhost" if trust else "127.0.0.1",
            port=controller.port,
            sender="Sales <sales@example.com>",
            security="starttls" if trust else "none",
            user="sales" if login else "",
        )
    finally:
        controller.stop()
