"""Pages sent to their readers, over a real SMTP server that refuses, breaks off and kills."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from mail_server import BREAK, Inbox, serving
from written_notebooks import planned, quiet_environment, write_notebook

from salesops.press.deliver import How, deliver
from salesops.press.ledger import Ledger
from salesops.press.mailing import Mailing
from salesops.press.plan import Report
from salesops.press.post import Smtp
from salesops.press.send import Posted, send_pages
from salesops.press.site import write_index

pytestmark = pytest.mark.usefixtures("one_parent")

EVA, BO, OWNER = "eva@example.com", "bo@example.com", "sales@example.com"
NOTICE = "Reports that were not sent"
PARAMETERS = ("name: str = 'Ana'", "parameters")
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A report that declares what it reads, nothing, and so is not made again; Eva gets it."""
    path = write_notebook(tmp_path / "a.ipynb", "# Who wins?", PARAMETERS, "print(name)")
    return dataclasses.replace(planned(path), to=(EVA,), reads="nothing", wanted="a")


@pytest.fixture
def other(tmp_path: Path) -> Report:
    """Another report, for Bo."""
    path = write_notebook(tmp_path / "b.ipynb", "# Who loses?", "print('nobody')")
    return dataclasses.replace(planned(path), to=(BO,), reads="nothing", wanted="b")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def sent(out: Path, server: Smtp | None, *reports: Report, force: bool = False) -> Posted:
    """Make reports and send them."""
    return deliver(reports, out, How(smtp=server, force=force)).posted


def posted(
    out: Path, server: Smtp, *reports: Report, now: datetime = MONDAY, force: bool = False
) -> tuple[Posted, list[str]]:
    """Send pages that are made, at some time; return what came of it, and what was told."""
    told: list[str] = []
    with closing(Ledger(out)) as ledger:
        found = send_pages(reports, out, ledger, server, tell=told.append, now=now, force=force)
        write_index(out, ledger.entries())
    return found, told


def undelivered(out: Path, report: Report) -> list[dict[str, str]]:
    """Return what index.json says of the readers of a report who do not have it."""
    listed = json.loads((out / "index.json").read_text(encoding="utf-8"))["reports"]
    (entry,) = [entry for entry in listed if entry["id"] == report.id]
    found: list[dict[str, str]] = entry.get("undelivered", [])
    return found


def pages(inbox: Inbox) -> list[tuple[str, ...]]:
    """Return the readers of each mail that is a page, and not a word to an owner."""
    return [whom for whom, mail in inbox.mails if mail["Subject"] != NOTICE]


def notices(inbox: Inbox, owner: str = OWNER) -> list[str]:
    """Return what an owner was told, mail by mail."""
    told = [mail for whom, mail in inbox.mails if whom == (owner,) and mail["Subject"] == NOTICE]
    return [mail.get_content().strip() for mail in told]


def refuses(subject: str, answer: str) -> Callable[[EmailMessage], str]:
    """Return a judge who refuses the mails of one subject."""
    return lambda mail: answer if mail["Subject"] == subject else "250 OK"


# each page once to each reader


def test_a_page_is_sent_once_to_each_reader(report: Report, out: Path) -> None:
    """An unchanged page is not sent again; who reads it from now on gets it alone; a new page goes to all.

    What counts is the page: one that is made again and comes out the same is no new page.
    """
    inbox = Inbox()
    with serving(inbox) as server:
        assert sent(out, server, report) == Posted(sent=1)
        (_, mail) = inbox.mails[0]
        assert (mail["Subject"], mail["To"]) == ("Who wins?", EVA)
        assert "Ana" in mail.get_body(("html",)).get_content()
        assert sent(out, server, report) == Posted()
        both = dataclasses.replace(report, to=(EVA, BO))
        assert sent(out, server, both).sent == 1
        assert sent(out, server, dataclasses.replace(both, reads="something")) == Posted()
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "print('Bea')")
        assert sent(out, server, both).sent == 2
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "print(name)")
        assert sent(out, server, both).sent == 2
    assert inbox.readers == [(EVA,), (BO,), (EVA,), (BO,), (EVA,), (BO,)]
    assert [mail["To"] for _, mail in inbox.mails] == [whom for (whom,) in inbox.readers]


def test_a_page_of_a_notebook_that_declares_nothing_is_sent_when_it_changes(tmp_path: Path, out: Path) -> None:
    """It is made each time, and nothing but its page tells whether it is new."""
    path = write_notebook(tmp_path / "a.ipynb", "print(open('value').read())")
    report, inbox = dataclasses.replace(planned(path), to=(EVA,)), Inbox()
    with serving(inbox) as server:
        for value in ("value-a", "value-a", "value-b"):
            (tmp_path / "value").write_text(value)
            sent(out, server, report)
    assert ["value-a" in mail.get_body(("html",)).get_content() for _, mail in inbox.mails] == [True, False]


def test_nothing_is_sent_without_a_server(report: Report, out: Path) -> None:
    """A run that is not asked to send makes pages; the next that is sends them, without making them again."""
    inbox = Inbox()
    sent(out, None, report)
    with serving(inbox) as server:
        delivery = deliver([report], out, How(smtp=server))
    assert (delivery.made, delivery.skipped, delivery.posted.sent) == (0, 1, 1)
    assert inbox.readers == [(EVA,)]


def test_what_cannot_be_sent_waits_for_the_next_time(
    report: Report, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the server away the page is made and the mail counted as unsent; later it goes out."""
    inbox = Inbox()
    with serving(inbox) as server:
        pass
    assert sent(out, server, report) == Posted(unsent=1)
    assert f"not sent: The mail server 127.0.0.1:{server.port} cannot be used" in capsys.readouterr().err
    with serving(inbox) as server:
        assert sent(out, server, report) == Posted(sent=1)
    assert inbox.readers == [(EVA,)]


def test_a_failed_report_is_not_sent(report: Report, out: Path) -> None:
    """Neither what had run so far nor the last good page goes out as if it were the new one."""
    inbox = Inbox()
    with serving(inbox) as server:
        sent(out, None, report)
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "1 / 0")
        assert sent(out, server, report) == Posted()
    assert inbox.mails == []


def test_no_address_is_kept(report: Report, other: Report, out: Path) -> None:
    """The press knows to whom a page was sent or not, and no file of the folder holds the address."""
    with serving(Inbox(refusing={BO: f"550 <{BO}> is unknown"})) as server:
        sent(out, server, report, other)
    assert undelivered(out, other) == [{"state": "refused", "why": "550 <…> is unknown"}]
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if EVA.encode() in path.read_bytes() or BO.encode() in path.read_bytes()] == []


# readers who are refused


def test_a_single_bad_address_is_noted_and_shown(report: Report, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others have their mail; it is told at each run, stands in the index, and the owner is told once."""
    inbox = Inbox(refusing={BO: "550 No such user"})
    both = dataclasses.replace(report, to=(BO, EVA))
    with serving(inbox) as server:
        for number in range(2):
            assert sent(out, server, both) == Posted(sent=1 - number)
            assert f"not sent: Who wins?: {BO} is refused: 550 No such user" in capsys.readouterr().err
        assert undelivered(out, report) == [{"state": "refused", "why": "550 No such user"}]
        index = (out / "index.html").read_text(encoding="utf-8")
        assert '<li class="alert">A reader’s address is refused: 550 No such user</li>' in index
        assert notices(inbox) == [f"Who wins? was not sent: {BO} is refused: 550 No such user."]
        assert pages(inbox) == [(EVA,)]
        corrected = dataclasses.replace(report, to=("bob@example.com", EVA))
        assert sent(out, server, corrected) == Posted(sent=1)
        assert undelivered(out, report) == []


def test_a_server_that_refuses_every_reader_is_at_fault_itself(
    report: Report, other: Report, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No address is called bad: all stay due, the owner is told once, and when it is mended all get their mail."""
    inbox = Inbox(refusing=dict.fromkeys((EVA, BO), "550 Relaying denied"))
    with serving(inbox) as server:
        for _ in range(2):
            assert sent(out, server, report, other) == Posted(unsent=2)
            assert capsys.readouterr().err.count("the mail server refuses every reader: 550 Relaying denied.") == 2
        assert undelivered(out, report) == []
        (told,) = notices(inbox)
        assert told.count("the mail server refuses every reader: 550 Relaying denied.") == 2
        inbox.refusing = {}
        assert sent(out, server, report, other) == Posted(sent=2)
    assert pages(inbox) == [(EVA,), (BO,)]


def test_each_owner_is_told_of_the_own_reports(report: Report, other: Report, out: Path) -> None:
    """Who is named as owner is told, and the sender where nobody is; one who is refused is told later."""
    owned = dataclasses.replace(report, mailing=Mailing(owner="ops@example.com"))
    inbox = Inbox(refusing=dict.fromkeys((EVA, BO, OWNER), "550 Relaying denied"))
    with serving(inbox) as server:
        assert sent(out, server, owned, other) == Posted(unsent=3)  # two readers and an owner
        assert [text.partition("?")[0] for text in notices(inbox, "ops@example.com")] == ["Who wins"]
        del inbox.refusing[OWNER]  # type: ignore[attr-defined]  # it is a dict
        assert sent(out, server, owned, other) == Posted(unsent=2)
        assert [text.partition("?")[0] for text in notices(inbox)] == ["Who loses"]
        assert len(notices(inbox, "ops@example.com")) == 1


# mails that are set aside


def test_a_page_that_is_refused_is_set_aside_and_the_others_go(report: Report, other: Report, out: Path) -> None:
    """It is tried again after 15 minutes, 1, 6 and 24 hours, not before, and then listed as undeliverable."""
    inbox = Inbox(judge=refuses("Who wins?", "554 Looks like spam"))
    sent(out, None, report, other)
    now = MONDAY
    with serving(inbox) as server:
        for wait in (QUARTER, timedelta(hours=1), timedelta(hours=6), timedelta(hours=24)):
            found, told = posted(out, server, report, other, now=now)
            assert found == Posted(sent=now == MONDAY, aside=1, next=now + wait)
            again = f"It is tried again at {now + wait:%Y-%m-%d %H:%M} UTC."
            assert told == [f"not sent: Who wins?: {EVA}: 554 Looks like spam. {again}"]
            assert undelivered(out, report) == [{"state": "aside", "why": "554 Looks like spam"}]
            early, told = posted(out, server, report, other, now=now + wait - timedelta(seconds=1))
            assert (early, told) == (Posted(aside=1, next=now + wait), [])
            now += wait
        assert notices(inbox) == []
        for _ in range(2):
            found, told = posted(out, server, report, other, now=now)
            assert found == Posted(undeliverable=1)
            what = f"{EVA} is undeliverable: 554 Looks like spam. Correct it, or try again with --force."
            assert told == [f"not sent: Who wins?: {what}"]
        assert undelivered(out, report) == [{"state": "undeliverable", "why": "554 Looks like spam"}]
        assert "Undeliverable to a reader: 554 Looks like spam" in (out / "index.html").read_text(encoding="utf-8")
        assert notices(inbox) == [f"Who wins? was not sent: {EVA} is undeliverable: 554 Looks like spam."]
        inbox.judge = lambda mail: "250 OK"
        assert posted(out, server, report, other, now=now + timedelta(days=9))[0] == Posted(undeliverable=1)
        assert posted(out, server, report, other, now=now, force=True)[0] == Posted(sent=1)
        assert undelivered(out, report) == []
    assert pages(inbox) == [(BO,), (EVA,)]


def test_what_was_set_aside_goes_out_when_the_server_takes_it(report: Report, out: Path) -> None:
    """A mailbox that was full for an hour costs an hour; a new page begins anew."""
    inbox = Inbox(refusing={EVA: "452 Mailbox full"})
    sent(out, None, report)
    with serving(inbox) as server:
        assert posted(out, server, report)[0].next == MONDAY + QUARTER
        assert posted(out, server, report, now=MONDAY + QUARTER)[0].next == MONDAY + 5 * QUARTER
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "print('Bea')")
        sent(out, None, report)
        assert posted(out, server, report, now=MONDAY + QUARTER)[0].next == MONDAY + 2 * QUARTER
        inbox.refusing = {}
        assert posted(out, server, report, now=MONDAY + 2 * QUARTER)[0] == Posted(sent=1)
    assert inbox.readers == [(EVA,)]


def test_what_is_tried_again_says_which_entry_of_the_schedule_it_is_of(report: Report, out: Path) -> None:
    """The schedule asks for it when its time has come, and no more once it is sent, or no longer wanted."""
    inbox = Inbox(judge=lambda mail: "552 Too large")
    sent(out, None, report)

    def due(now: datetime) -> set[str]:
        with closing(Ledger(out)) as ledger:
            return ledger.mails_due(now)

    with serving(inbox) as server:
        posted(out, server, report)
        assert (due(MONDAY), due(MONDAY + QUARTER)) == (set(), {"a"})
        later = MONDAY + QUARTER
        sent(out, None, dataclasses.replace(report, id="another", to=()))
        posted(out, server, dataclasses.replace(report, id="another", to=()), now=later)
        assert due(later) == set()
    assert undelivered(out, report) == [{"state": "undeliverable", "why": "552 Too large"}]


def test_a_connection_that_breaks_at_a_mail_costs_that_mail_alone(report: Report, other: Report, out: Path) -> None:
    """The others go over a new connection; where that breaks too, the rest waits, and the server is named."""
    third = dataclasses.replace(report, to=(EVA, "cy@example.com", "di@example.com"))
    inbox = Inbox(judge=refuses("Who loses?", BREAK))
    with serving(inbox) as server:
        found = sent(out, server, other, report)
        assert (found.sent, found.aside, found.unsent) == (1, 1, 0)
        assert inbox.readers == [(EVA,)]
        inbox.judge = lambda mail: BREAK
        write_notebook(report.notebook, "# Who wins?", PARAMETERS, "print('Bea')")
        found = sent(out, server, third)
        assert (found.sent, found.aside, found.unsent) == (0, 2, 1)


# a kill between sending and noting


def test_the_mail_that_a_kill_repeats_is_known_by_its_id(tmp_path: Path, out: Path) -> None:
    """A server that takes a mail and kills the press before it can note that gets this one mail twice, with one id.

    The other mails come once.
    """
    program = tmp_path / "program.py"
    program.write_text(
        "import dataclasses, sys\nfrom pathlib import Path\n"
        "from salesops.press.deliver import How, deliver\nfrom salesops.press.post import Smtp\n"
        "from written_notebooks import planned\n"
        "if __name__ == '__main__':\n"
        "    here, server = Path(sys.argv[1]), Smtp(host='127.0.0.1', port=int(sys.argv[2]), "
        "sender='sales@example.com', security='none')\n"
        "    to = tuple(f'{name}@example.com' for name in ('ada', 'bo', 'cy'))\n"
        "    report = dataclasses.replace(planned(here / 'a.ipynb'), to=to, reads='nothing')\n"
        "    deliver([report], here / 'site', How(smtp=server))\n"
    )
    write_notebook(tmp_path / "a.ipynb", "print('page')")
    inbox = Inbox()
    environment = quiet_environment() | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    }

    def kill(mail: EmailMessage) -> str:
        if mail["To"] == "bo@example.com" and len(inbox.mails) == 1:
            process.send_signal(signal.SIGKILL)
            process.wait()
        return "250 OK"

    inbox.judge = kill
    with serving(inbox) as server:
        command = [sys.executable, str(program), str(tmp_path), str(server.port)]
        with subprocess.Popen(command, env=environment) as process:
            pass
        assert process.returncode == -signal.SIGKILL
        subprocess.run(command, env=environment, check=True)
    assert [whom for (whom,) in inbox.readers] == [f"{name}@example.com" for name in ("ada", "bo", "bo", "cy")]
    ids = [mail["Message-ID"] for _, mail in inbox.mails]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 3


# only if something changed


def with_value(report: Report, value: int, alerts: Any = ()) -> Report:
    write_notebook(report.notebook, "# Who wins?", PARAMETERS, (f"{{'value': {value}}}", "results"))
    return dataclasses.replace(report, mailing=Mailing(only_changed=True), alerts=alerts)


@pytest.mark.long
def test_a_page_on_which_nothing_changed_is_not_sent_if_so_asked(report: Report, out: Path) -> None:
    """With send = "changed" it goes out if a number moved since the last one, or an alert is raised."""
    inbox = Inbox()
    with serving(inbox) as server:
        assert sent(out, server, with_value(report, 1)) == Posted()
        assert sent(out, server, dataclasses.replace(with_value(report, 1), reads="more")) == Posted()
        assert sent(out, server, with_value(report, 2)) == Posted(sent=1)
        assert sent(out, server, with_value(report, 2)) == Posted()
        alerts = planned(report.notebook, alerts=["value > 1"]).alerts
        assert sent(out, server, dataclasses.replace(with_value(report, 2, alerts), reads="most")) == Posted(sent=1)
        always = dataclasses.replace(with_value(report, 2), reads="nothing more", mailing=Mailing())
        assert sent(out, server, always) == Posted(sent=1)


def test_a_page_that_is_too_old_is_told_to_its_owner_in_place_of_its_readers(report: Report, out: Path) -> None:
    """From the last fact to the sending; the owner is told once for each page; a fresh page is sent."""
    mailing = Mailing(stale_after=10, owner="ops@example.com")
    old = dataclasses.replace(report, mailing=mailing, last_fact=date(2026, 11, 12))
    sent(out, None, old)
    inbox = Inbox()
    with serving(inbox) as server:
        for _ in range(2):
            found, told = posted(out, server, old)
            assert found == Posted(withheld=1)
            why = "the last that it tells of happened on 2026-11-12, more than 10 days ago"
            assert told == [f"not sent: Who wins?: {why}"]
        assert notices(inbox, "ops@example.com") == [f"Who wins? was not sent: {why}."]
        assert pages(inbox) == []
        fresh = dataclasses.replace(old, last_fact=date(2026, 11, 13))
        assert posted(out, server, fresh)[0] == Posted(sent=1)


def test_an_owner_who_cannot_be_told_is_told_the_next_time(report: Report, out: Path) -> None:
    """A page that is too old stays due until its owner knows."""
    old = dataclasses.replace(report, mailing=Mailing(stale_after=10), last_fact=date(2026, 11, 1))
    sent(out, None, old)
    inbox = Inbox()
    with serving(inbox) as server:
        pass
    assert posted(out, server, old)[0] == Posted(withheld=1, unsent=1)
    with serving(inbox) as server:
        assert posted(out, server, old)[0] == Posted(withheld=1)
    assert len(notices(inbox)) == 1
