"""The encoding of a text file, and what is wrong with it: files grow from parts that were written differently."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from salesops.errors import BookError

BOTH = "utf-8 and cp1252"
WARNING = "Encoding: "  # so begin the notes that are warnings

# letters of UTF-8 that no text in cp1252 holds by chance, such as "Ã¼" and "â€™": "AMANHÃ”" ends with a quotation mark
_SURE = re.compile(
    rb"[\xc2-\xc5][\x80\x81\x83\x86-\x8a\x8c-\x90\x98-\x9a\x9c-\xaa\xac-\xba\xbc-\xbf]|\xe2[\x80-\x84][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}"
)
# the same of other scripts, where several stand together
_SCRIPT = re.compile(rb"(?:[\xc6-\xdf][\x80-\xbf]){3}|(?:[\xe1-\xef][\x80-\xbf]{2}){2}")
# those of languages in Latin letters, once a file is known to hold some; and of all
_LATIN = re.compile(rb"([\xc2-\xc5][\x80-\xbf]|\xe2[\x80-\x84][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2})")
_ANY = re.compile(
    rb"([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})"
)
_TWICE = tuple(sign.encode() for sign in "ÂÃÄÅâ")
_TWICE_PAIR = re.compile("[ÂÃÄÅ][\u0080-\u00aa\u00ac-\u00ba\u00bc-\u00bf€ƒ†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ]|â€[\u0080-\u00bf™œ˜¦“”]")


@dataclass(frozen=True)
class Encoding:
    """How a file is written: `name`, and `notes` that tell what is wrong with it, as sentences.

    `letters` finds what is UTF-8 in a file that otherwise is cp1252; None for a file that is one of them.
    """

    name: str
    notes: tuple[str, ...] = ()
    letters: re.Pattern[bytes] | None = None

    def lines(self, path: Path) -> Iterator[str]:
        """Yield the lines of a file."""
        if self.letters is None:
            with path.open(encoding=self.name, newline="") as text:
                yield from text
            return
        with path.open("rb") as file:
            yield from (_mixed(line.removeprefix(codecs.BOM_UTF8), self.letters) for line in file)


def encoding_of(path: Path, head: int) -> Encoding:
    """Return the encoding of a file, of which the first `head` bytes show UTF-16.

    That is by its mark, by its zero bytes, or UTF-8 if all of it is, else cp1252, or both of them.
    """
    decoder, twice = codecs.getincrementaldecoder("utf-8")(), False
    with path.open("rb") as file:
        first = file.read(head)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Encoding("utf-16")
        file.seek(0)
        try:
            for chunk in iter(partial(file.read, 1 << 20), b""):
                if b"\0" in chunk:
                    return Encoding(_unmarked_utf16(first, path.name))
                decoder.decode(chunk)
                twice = twice or any(sign in chunk for sign in _TWICE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _cp1252_or_both(path)
    return Encoding("utf-8", _encoded_twice(path) if twice else ())


def _unmarked_utf16(head: bytes, name: str) -> str:
    """Tell UTF-16 by the zero byte in nearly each pair of bytes; refuse what is not text."""
    first, second = head[::2].count(0), head[1::2].count(0)
    if min(first, second) == 0 and max(first, second) > len(head) / 4:
        return "utf-16-le" if second else "utf-16-be"
    raise BookError(f"{name} is not text. If it is a spreadsheet, save it as CSV UTF-8, or import it as .xlsx.")


def _cp1252_or_both(path: Path) -> Encoding:
    def is_there(letters: re.Pattern[bytes]) -> bool:
        return any(letters.search(line) for _, line in _beyond_ascii(path))

    letters = _ANY if is_there(_SCRIPT) else _LATIN if is_there(_SURE) else None
    if letters is None:
        return Encoding("cp1252")
    counts, first = Counter[str](), dict[str, str]()
    for number, line in _beyond_ascii(path):
        of = {"UTF-8": letters.search(line) is not None, "cp1252": not letters.sub(b"", line).isascii()}
        for kind in (kind for kind, holds in of.items() if holds):
            counts[kind] += 1
            first.setdefault(kind, f"line {number:,} '{_word(_mixed(line, letters))}'")
    note = (
        f"{WARNING}{counts['UTF-8']:,} line{' is' if counts['UTF-8'] == 1 else 's are'} UTF-8 and "
        f"{counts['cp1252']:,} cp1252, each letter read as what it is (first: {first['UTF-8']}, {first['cp1252']})."
    )
    return Encoding(BOTH, (note,), letters)


def _beyond_ascii(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        lines = ((number, line.removeprefix(codecs.BOM_UTF8)) for number, line in enumerate(file, start=1))
        yield from ((number, line) for number, line in lines if not line.isascii())


def _mixed(line: bytes, letters: re.Pattern[bytes]) -> str:
    # what the pattern finds stands in every second place
    return "".join(part.decode(("cp1252", "utf-8")[at % 2]) for at, part in enumerate(letters.split(line)))


def _encoded_twice(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8") as file:
        found = [(number, line) for number, line in enumerate(file, start=1) if _TWICE_PAIR.search(line)]
    if not found:
        return ()
    lines = f"{len(found):,} line{' looks' if len(found) == 1 else 's look'}"
    first = f"line {found[0][0]:,} '{_word(found[0][1], _TWICE_PAIR.pattern)}'"
    return (f"{WARNING}{lines} as if read in a wrong encoding before (first: {first}).",)


def _word(line: str, sign: str = "[^\x00-\x7f]") -> str:
    """Return the first word that holds a sign."""
    found = re.search(rf"[^\s,;|\t\"]*(?:{sign})[^\s,;|\t\"]*", line)
    return found[0][:40] if found else ""
