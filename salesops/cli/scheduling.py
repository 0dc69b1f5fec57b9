"""`salesops schedule`: what is due is made once, or whenever it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from salesops.cli.making import make
from salesops.cli.outside import tell
from salesops.press.deliver import Delivery, How
from salesops.press.schedule import due_reports, keep_schedule, note_made
from salesops.press.settings import Settings, read_settings


def make_due(home: Path, out: Path | None, jobs: int) -> Delivery | None:
    """Make what is due, note it as made, and return what became of it; None if nothing is due."""
    settings = _settings(home, out)
    due = due_reports(settings, datetime.now(UTC))
    if not due:
        return None
    how = How(
        jobs=jobs,
        limits=settings.limits,
        pdf=settings.pdf,
        mail=settings.mail,
        keep_periods=settings.keep_periods,
        smtp=settings.smtp,
    )
    delivery, unable = make([one.want for one in due], settings.out, how, home)
    if not delivery.posted.unsent:
        note_made(settings, [one for one in due if one.want not in unable])
    return delivery


def keep(home: Path, out: Path | None, jobs: int) -> None:
    """Stay, and make what is due whenever it is."""
    command = ["-c", "import sys; from salesops.cli import main; sys.exit(main(sys.argv[1:]))", "schedule", "--once"]
    given = ["--jobs", str(jobs), *(["--out", str(out.absolute())] if out else [])]
    keep_schedule(lambda: _settings(home, out), [*command, *given], tell)


def _settings(home: Path, out: Path | None) -> Settings:
    settings = read_settings(home / "reports" / "reports.toml")
    return replace(settings, out=out) if out else settings
