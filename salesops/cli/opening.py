"""Opening a book for as long as a command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salesops.book.replacement import settle_replacement
from salesops.book.source import Book, open_book


@contextmanager
def opened(where: str) -> Iterator[Book]:
    """Give a book; Ctrl-C in the middle of a query ends it at once, as KeyboardInterrupt.

    What a killed import has left beside it is put in order first.

    Raises
    ------
    BookError
        If the book cannot be opened.
    """
    settle_replacement(Path(where))
    book = open_book(where)
    try:
        yield book
    except (KeyboardInterrupt, RuntimeError) as stop:
        if isinstance(stop, RuntimeError) and str(stop) != "Query interrupted":  # so DuckDB reports Ctrl-C
            raise
        book.con.con.interrupt()  # else the query is worked through before the connection closes
        raise KeyboardInterrupt from None
