"""The schedule of reports.toml: what is due, and a process that makes it when it is.

What was made for which time is in the ledger. So a time at which no process ran is made up for as soon as one
does, once, however many were missed; and what could not be made stays due.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from salesops.errors import PressError, SalesopsError
from salesops.files import make_writable
from salesops.press.ledger import Ledger
from salesops.press.settings import Settings, Wanted
from salesops.press.store import FOLDER, own_folder

_LOOK = 60.0  # seconds until reports.toml and the clock are looked at again: both may be set, and machines sleep
_AGAIN = (600.0, 1200.0, 2400.0, 3600.0)  # seconds until what could not be made or sent is tried again


@dataclass(frozen=True)
class Due:
    """Something of reports.toml, and the last time for which it is to be made."""

    want: Wanted
    at: datetime


def due_reports(settings: Settings, now: datetime) -> list[Due]:
    """Return what is due and was not made for its last time yet, or of which a mail is to be tried again.

    What was never made is due.

    Raises
    ------
    PressError
        If nothing in reports.toml says when it is due.
    """
    timed = [want for want in settings.wanted if want.every]
    if not timed:
        raise PressError(
            'No report in reports.toml says when it is due. Add a line like every = "monday 06:00" to a [[report]].'
        )
    found = (Due(want, want.every.last(now, settings.zone)) for want in timed if want.every)
    if not (settings.out / FOLDER).is_dir():
        return list(found)
    with closing(Ledger(settings.out)) as ledger:
        again = ledger.mails_due(now)
        return [due for due in found if due.want.key in again or _is_due(due, ledger.scheduled(due.want.key), now)]


def note_made(settings: Settings, made: Sequence[Due]) -> None:
    """Note that these are made for their time, whatever became of each report: the next time is another try."""
    with closing(Ledger(settings.out)) as ledger:
        for due in made:
            ledger.schedule(due.want.key, due.at)


def keep_schedule(read: Callable[[], Settings], command: Sequence[str], tell: Callable[[str], None]) -> None:
    """Make what is due whenever it is, until SIGINT, SIGTERM or SIGHUP asks for an end.

    Parameters
    ----------
    read : callable
        Reads reports.toml; it is read again each minute.
    command : sequence of str
        What makes all that is due, as arguments to Python. It runs in a process of its own, so that nothing that
        happens there ends the schedule, and a new version of the package counts from the next time on.
    tell : callable
        Gets a line at a time.

    Raises
    ------
    PressError
        At the start, if reports.toml is wrong, or another process keeps the schedule of the same folder.
    """
    settings = read()
    due_reports(settings, _now())
    with _alone(settings.out), _Ending() as ending:
        for line in told_schedule(settings, _now()):
            tell(line)
        trouble, again = "", iter(_AGAIN)
        while not ending.asked:
            pause = _LOOK
            try:
                settings = read()
                if due_reports(settings, _now()):
                    ending.run(command)
                if ending.asked:
                    break
                if due_reports(settings, _now()):
                    pause = next(again, _AGAIN[-1])
                    tell(f"What could not be made or sent is tried again in {pause / 60:.0f} minutes.")
                else:
                    again = iter(_AGAIN)
                trouble = ""
            except SalesopsError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    tell(f"Error: {trouble}")
            ending.wait(pause if trouble else min(pause, _until_next(settings, pause)))
    tell("The schedule has ended.")


def told_schedule(settings: Settings, now: datetime) -> Iterator[str]:
    """Yield a line for all and one for each report in the schedule: when it is due, what, and the next time."""
    yield f"The schedule goes by the clock of {settings.zone.key if settings.zone else 'this machine'}."
    for want in settings.wanted:
        if want.every:
            at = want.every.next(now, settings.zone).astimezone(settings.zone)
            each = f", for each {want.for_each}" if want.for_each else ""
            yield f"  {want.every.text}: {Path(want.notebook).stem}{each}. Next: {at:%a %Y-%m-%d %H:%M}"


def _is_due(due: Due, made: datetime | None, now: datetime) -> bool:
    # what was made for a time to come was made by a wrong clock
    return made is None or made < due.at or made > now


def _until_next(settings: Settings, most: float) -> float:
    now = _now()
    coming = [want.every.next(now, settings.zone) for want in settings.wanted if want.every]
    return min([most, *((at - now).total_seconds() for at in coming)])


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    make_writable(out)
    lock = FileLock(own_folder(out) / "schedule.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PressError(f"Another process keeps the schedule of '{out}'. End that one first.") from None
    try:
        yield
    finally:
        lock.release()


class _Ending:
    """Signals that ask for an end, handed on to the process that makes reports, so that it ends as after Ctrl-C."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> _Ending:
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # as under nohup
        self._before = {number: signal.signal(number, lambda *_: self._end()) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        self._asked.wait(max(seconds, 0.0))

    def run(self, command: Sequence[str]) -> None:
        # in a session of its own: a Ctrl-C in the terminal must reach it once, from here
        self._child = subprocess.Popen([sys.executable, *command], start_new_session=True)
        if self.asked:
            self._end()
        self._child.wait()
        self._child = None

    def _end(self) -> None:
        self._asked.set()
        if self._child and self._child.poll() is None:
            self._child.terminate()  # which ends it as Ctrl-C does
