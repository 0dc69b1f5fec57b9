"""playbook.toml: ordered plays that a sales manager can read and edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from salesops.book.finding import Finding
from salesops.book.playbook.columns import CLIENT_COLUMNS
from salesops.book.playbook.conditions import Condition, ConditionError, parse_condition
from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean
from salesops.files import read_toml

FILE = "playbook.toml"
CHANNELS = ("meeting", "call", "email", "self-service", "none")
OWNERS = ("account owner", "manager", "inside sales", "service")
TEMPLATES = ("why", "offer", "stop")


@dataclass(frozen=True)
class Play:
    """One rule: for whom, what to do, and why.

    Attributes
    ----------
    id, name : str
        Its key, which never changes once clients are held out by it, and its title.
    when : tuple of Condition
        All must hold; none means every client.
    channel, offer, owner : str
        How, what and by whom (one of CHANNELS and OWNERS).
    cadence : float
        Days from contact to contact as a multiple of the client's own median gap.
    floor_days, ceiling_days : float
        Least and most days from contact to contact; the most where the client has no rhythm yet.
    stop, stop_after : str, int
        When to stop, in words, and after how many actions without an outcome.
    why : str
        The reason, with {columns} of the client.
    hold_out : float
        Share of its clients that is left alone, so that the play can be judged.
    """

    id: str
    name: str
    when: tuple[Condition, ...]
    channel: str
    cadence: float
    floor_days: float
    ceiling_days: float
    offer: str
    owner: str
    stop: str
    stop_after: int
    why: str
    hold_out: float


@dataclass(frozen=True)
class Playbook:
    """Plays in their order: the first whose conditions a client meets is the client's. The last takes everyone."""

    version: str
    plays: tuple[Play, ...]

    def play(self, play_id: str) -> Play:
        """Return a play by its id. Raises BookError with the nearest id if there is none."""
        for play in self.plays:
            if play.id == play_id:
                return play
        known = [play.id for play in self.plays]
        raise BookError(f"There is no play '{play_id}' in the playbook. {did_you_mean(play_id, known)}")


def find_playbook(book: Book) -> Path | None:
    """Return the playbook that lies beside a book's tables; None if there is none."""
    path = beside(book, FILE)
    return path if path.is_file() else None


def beside(book: Book, name: str) -> Path:
    """Return the path of a file that lies beside a book's tables or database."""
    where = Path(book.location)
    return (where.parent if where.is_file() else where) / name


def read_playbook(path: Path) -> Playbook:
    """Read a playbook. Raises BookError with its errors if it cannot be followed."""
    playbook, findings = load_playbook(path)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if playbook is None:
        more = f" And {len(errors) - 3} more errors; salesops check lists them." if len(errors) > 3 else ""
        raise BookError(" ".join(errors[:3]) + more)
    return playbook


def load_playbook(path: Path) -> tuple[Playbook | None, tuple[Finding, ...]]:
    """Read a playbook and what is wrong in it; None if there is an error. Bad content never raises."""
    try:
        return parse_playbook(read_toml(path, error=BookError))
    except BookError as error:
        return None, (_finding("readable", f"cannot be read: {error}", "Correct the file."),)


def parse_playbook(values: Mapping[str, Any]) -> tuple[Playbook | None, tuple[Finding, ...]]:
    """Turn the content of a playbook.toml into plays.

    Returns
    -------
    tuple
        The playbook, None if anything in it is an error; and the findings.
    """
    findings = [*_keys(values, _TOP, "the playbook"), *_required(values, ("version", "plays"), "the playbook")]
    findings += _typed(values, _TOP, "the playbook")
    items = values.get("plays")
    if findings or not isinstance(items, list):
        return None, tuple(findings)
    usual = values.get("hold_out", 0.0)
    for place, item in enumerate(items, start=1):
        findings += _play_findings(item, f"play '{item['id']}'" if isinstance(item.get("id"), str) else f"play {place}")
    if not findings:
        findings += _order(items)
    if findings:
        return None, tuple(findings)
    return Playbook(values["version"], tuple(_play(item, usual) for item in items)), ()


def placeholders(template: str) -> list[str]:
    """Return the columns in braces in a sentence. Raises ValueError where a brace is not a plain {column}."""
    found = []
    for _, name, form, conversion in Formatter().parse(template):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(f"'{{{name}{'!' if conversion else ':' if form else ''}…}}' is not a plain {{column}}")
        found.append(name)
    return found


def _play(item: Mapping[str, Any], usual: float) -> Play:
    when = tuple(parse_condition(name, value) for name, value in item.get("when", {}).items())
    rest = {key: value for key, value in item.items() if key != "when"}
    return Play(**{"hold_out": usual, **rest, "when": when})


def _play_findings(item: Mapping[str, Any], where: str) -> Iterator[Finding]:
    yield from _keys(item, _PLAY, where)
    yield from _required(item, tuple(key for key in _PLAY if key not in ("when", "hold_out")), where)
    wrong = list(_typed(item, _PLAY, where))
    yield from wrong
    for name, value in item["when"].items() if isinstance(item.get("when"), dict) else ():
        try:
            parse_condition(name, value)
        except ConditionError as error:
            yield _finding("condition", f"{where} {error}", "")
    for key in TEMPLATES:
        if isinstance(item.get(key), str):
            yield from _template(item[key], key, where)
    if not wrong and {"floor_days", "ceiling_days"} <= set(item) and item["floor_days"] > item["ceiling_days"]:
        yield _finding("cadence", f"{where} has a floor_days above its ceiling_days", "Exchange the two.")


def _template(template: str, key: str, where: str) -> Iterator[Finding]:
    try:
        names = placeholders(template)
    except ValueError as error:
        yield _finding(
            "sentence", f"{where} has braces in its {key} that cannot be filled: {error}", "Write {days_since}."
        )
        return
    for name in names:
        if name not in CLIENT_COLUMNS:
            hint = did_you_mean(name, CLIENT_COLUMNS)
            yield _finding("sentence", f"{where} names {{{name}}} in its {key}, which no client has. {hint}", "")


def _order(items: list[Mapping[str, Any]]) -> Iterator[Finding]:
    ids = [item["id"] for item in items]
    for play_id in dict.fromkeys(play_id for play_id in ids if ids.count(play_id) > 1):
        yield _finding("id unique", f"{ids.count(play_id)} plays have the id '{play_id}'", "Give each its own.")
    if not items or items[-1].get("when"):
        yield _finding(
            "last play", "the last play does not take every client, so some would have none",
            "Add a last play without conditions.",
        )  # fmt: skip  # one finding reads as one row


def _keys(item: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Iterator[Finding]:
    for key in item:
        if key not in known:
            hint = did_you_mean(key, known)
            if key in CLIENT_COLUMNS:
                hint = f"A condition is written when.{key} = …"
            yield _finding("key known", f"{where} has an unknown key '{key}'. {hint}", "")


def _required(item: Mapping[str, Any], keys: tuple[str, ...], where: str) -> Iterator[Finding]:
    missing = [key for key in keys if key not in item]
    if missing:
        yield _finding("key required", f"{where} lacks {', '.join(missing)}", "Add it, as in the template.")


def _typed(item: Mapping[str, Any], checks: Mapping[str, Any], where: str) -> Iterator[Finding]:
    for key, value in item.items():
        wanted, holds = checks.get(key, ("", lambda _: True))
        if not holds(value):
            hint = did_you_mean(value, wanted) if isinstance(wanted, tuple) and isinstance(value, str) else ""
            words = f"one of {', '.join(wanted)}" if isinstance(wanted, tuple) else wanted
            yield _finding("value", f"{where} needs {words} as {key}. Got {value!r}", hint)


def _finding(rule: str, found: str, repair: str) -> Finding:
    return Finding(FILE, rule, "error", found, repair)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_Check = tuple[str | tuple[str, ...], Callable[[Any], bool]]

_SHARE: _Check = ("a share from 0 to .9", lambda v: _is_number(v) and 0 <= v <= 0.9)
_TEXT: _Check = ("a text", _is_text)
_DAYS: _Check = ("a number of days above 0", lambda v: _is_number(v) and 0 < v < 100_000)

_TOP: dict[str, _Check] = {
    "version": _TEXT,
    "hold_out": _SHARE,
    "plays": (
        "at least one [[plays]]",
        lambda v: isinstance(v, list) and bool(v) and all(isinstance(play, dict) for play in v),
    ),
}
_PLAY: dict[str, _Check] = {
    "id": ("an id of letters, digits, - and _", lambda v: _is_text(v) and v.replace("-", "_").isidentifier()),
    "name": _TEXT,
    "when": ("a table of conditions", lambda v: isinstance(v, dict)),
    "channel": (CHANNELS, lambda v: v in CHANNELS),
    "cadence": ("a multiple above 0", lambda v: _is_number(v) and 0 < v < 1000),
    "floor_days": _DAYS,
    "ceiling_days": _DAYS,
    "offer": _TEXT,
    "owner": (OWNERS, lambda v: v in OWNERS),
    "stop": _TEXT,
    "stop_after": ("a number of actions, 1 or more", lambda v: type(v) is int and v >= 1),
    "why": _TEXT,
    "hold_out": _SHARE,
}
