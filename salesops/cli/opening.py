"""Opening a book for as long as a command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from salesops.book.source import Book, open_book


@contextmanager
def opened(where: str) -> Iterator[Book]:
    """Give a book; Ctrl-C in the middle of a query ends it at once, as KeyboardInterrupt.

    Raises
    ------
    BookError
        If the book cannot be opened.
    """
    book = open_book(where)
    try:
        yield book
    except (KeyboardInterrupt, RuntimeError) as stop:
        if isinstance(stop, RuntimeError) and str(stop) != "Query interrupted":  # so DuckDB reports Ctrl-C
            raise
        book.con.con.interrupt()  # else the query is worked through before the connection closes
        raise KeyboardInterrupt from None
