"""Pages sent to their readers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from mail_server import Inbox, serving
from written_notebooks import planned, write_notebook

from salesops.press.deliver import Delivery, How, deliver
from salesops.press.plan import Report
from salesops.press.post import Smtp

EVA, BO = "eva@example.com", "bo@example.com"
PARAMETERS = ("name: str = 'Ana'", "parameters")


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A report that declares what it reads, nothing, and so is not made again; Eva gets it."""
    path = write_notebook(tmp_path / "a.ipynb", "# Who wins?", PARAMETERS, "print(name)")
    return dataclasses.replace(planned(path), to=(EVA,), reads="nothing")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def sent(out: Path, server: Smtp | None, *reports: Report) -> Delivery:
    return deliver(reports, out, How(smtp=server))


def readers(inbox: Inbox) -> list[tuple[str, ...]]:
    return [whom for whom, _ in inbox.mails]


def test_a_page_is_sent_once_to_each_reader(report: Report, out: Path) -> None:
    """An unchanged page is not sent again; who reads it from now on gets it alone; a new page goes to all."""
    inbox = Inbox()
    with serving(inbox) as server:
        assert dataclasses.asdict(sent(out, server, report)).items() >= {"made": 1, "sent": 1, "unsent": 0}.items()
        (_, mail) = inbox.mails[0]
        assert (mail["Subject"], mail["To"]) == ("Who wins?", EVA)
        assert "Ana" in mail.get_body(("html",)).get_content()
        assert sent(out, server, report).sent == 0
        both = dataclasses.replace(report, to=(EVA, BO))
        assert sent(out, server, both).sent == 1
        assert sent(out, server, dataclasses.replace(both, reads="something")).sent == 1
    assert readers(inbox) == [(EVA,), (BO,), (EVA, BO)]


def test_nothing_is_sent_without_a_server(report: Report, out: Path) -> None:
    """A run that is not asked to send makes pages; the next that is sends them, without making them again."""
    inbox = Inbox()
    sent(out, None, report)
    with serving(inbox) as server:
        delivery = sent(out, server, report)
    assert (delivery.made, delivery.skipped, delivery.sent) == (0, 1, 1)
    assert readers(inbox) == [(EVA,)]


def test_what_cannot_be_sent_waits_for_the_next_time(
    report: Report, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the server away the page is made and the mail counted as unsent; later it goes out."""
    inbox = Inbox()
    with serving(inbox) as server:
        pass
    delivery = sent(out, server, report)
    assert (delivery.made, delivery.sent, delivery.unsent) == (1, 0, 1)
    assert f"not sent: The mail server 127.0.0.1:{server.port} cannot be used" in capsys.readouterr().err
    with serving(inbox) as server:
        assert sent(out, server, report).sent == 1
    assert readers(inbox) == [(EVA,)]


def test_a_reader_who_is_refused_stops_nobody(report: Report, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One refused for good is told once and not tried again; one refused for now waits."""
    inbox = Inbox(refusing={BO: "550 No such user"})
    both = dataclasses.replace(report, to=(EVA, BO))
    with serving(inbox) as server:
        delivery = sent(out, server, both)
        assert (delivery.sent, delivery.unsent) == (1, 0)
        assert f"not sent: Who wins?: {BO} is refused: 550 No such user" in capsys.readouterr().err
        inbox.refusing = {BO: "450 Mailbox busy"}
        assert sent(out, server, both).unsent == 0
        waiting = dataclasses.replace(both, reads="something")
        assert (sent(out, server, waiting).unsent, sent(out, server, waiting).unsent) == (1, 1)
        inbox.refusing = {}
        assert sent(out, server, waiting).unsent == 0
    assert readers(inbox) == [(EVA,), (EVA,), (BO,)]


def test_a_failed_report_is_not_sent(report: Report, out: Path) -> None:
    """Neither what had run so far nor the last good page goes out as if it were the new one."""
    inbox = Inbox()
    with serving(inbox) as server:
        sent(out, None, report)
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "1 / 0")
        delivery = sent(out, server, report)
    assert (delivery.failed, delivery.sent, delivery.unsent) == (1, 0, 0)
    assert inbox.mails == []


def test_no_address_is_kept(report: Report, out: Path) -> None:
    """The ledger knows to whom a page was sent, and no file of the folder holds the address."""
    with serving(Inbox()) as server:
        sent(out, server, report)
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if EVA.encode() in path.read_bytes()] == []
