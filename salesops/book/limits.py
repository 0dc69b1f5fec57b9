"""How large a table may be: what is beyond is refused at once, with the true reason, and not tried for minutes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from salesops.errors import BookError

LONGEST = 1 << 21  # bytes of a line
WIDEST = 10_000  # columns
_SEPARATORS = (b",", b";", b"\t", b"|")


def refuse_endless(path: Path) -> None:
    """Raise BookError for a file with a line so long that it is no table: without line ends, or of another kind."""
    with path.open("rb") as file:
        number, begun, read = 1, 0, 0
        for chunk in iter(partial(file.read, LONGEST // 2), b""):
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            read += len(chunk)
            if end >= 0:
                number, begun = number + chunk.count(b"\n"), read - len(chunk) + end + 1
            elif read - begun > LONGEST:
                cells = max(map(chunk.count, _SEPARATORS))
                wide = f" and has over {cells:,} cells" if cells > WIDEST else ""
                raise BookError(
                    f"{path.name}: line {number:,} is longer than {LONGEST >> 20} MB{wide}, so this is no table of "
                    f"rows. Export it as CSV, a row a line, with {WIDEST:,} columns at most."
                )


def refuse_wide(name: str, columns: int) -> None:
    """Raise BookError for a table with more columns than can be read."""
    if columns > WIDEST:
        raise BookError(
            f"{name} has {columns:,} columns, more than {WIDEST:,}. Export it with the columns that are "
            "needed, and a row for each record."
        )
