"""Print every page of a book as plain text, one sentence or table row a line, for a reader to judge.

    python tests/sentences.py BOOK [BOOK ...] [--notebook NAME ...] [--period PERIOD] [--as-of DATE]

Each notebook that the book can feed is run; a page for one rep or client is that of the first. What fails is said.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SALESOPS = str(Path(sys.executable).parent / "salesops")
# what ends no sentence: "e.g.", "No. 3", a decimal point
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Þ“\d])")
BLOCKS = ("p", "li", "h1", "h2", "h3", "h4", "caption", "dt", "dd", "figcaption", "summary")


def main(arguments: list[str]) -> int:
    """Run the notebooks on each book and print their pages; return how many could not be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("books", nargs="+")
    parser.add_argument("--notebook", nargs="*", default=[])
    parser.add_argument("--period")
    parser.add_argument("--as-of")
    asked = parser.parse_args(arguments)
    names = asked.notebook or sorted(path.stem for path in NOTEBOOKS.glob("[!_]*.ipynb"))
    more = [part for name, value in (("--period", asked.period), ("--as-of", asked.as_of)) if value
            for part in (name, value)]  # fmt: skip  # one list
    return sum(_print_book(book, names, more) for book in asked.books)


def _print_book(book: str, names: list[str], more: list[str]) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            command = [SALESOPS, "run", name, "--book", book, "--out", f"{folder}/{name}", *more]
            ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
            print(f"\n======== {Path(book).name}: {name}")  # noqa: T201  a script that prints
            index = Path(folder, name, "index.json")
            for report in json.loads(index.read_text())["reports"] if index.is_file() else []:
                if report["path"]:
                    print("\n".join(page_lines(Path(folder, name, report["path"]))))  # noqa: T201  as above
            if ran.returncode not in (0, 3):
                failed += 1
                print(f"!! exit {ran.returncode}: {ran.stdout.strip()[-2000:]} {ran.stderr.strip()[-2000:]}")  # noqa: T201  as above
    return failed


def page_lines(page: Path) -> Iterator[str]:
    """Return the sentences of a page, and the rows of its tables with | between the cells, in the order of the page."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for hidden in soup(["style", "script", "template", "head"]):
        hidden.decompose()
    for drawing in soup("svg"):
        label = drawing.get("aria-label") or ""
        drawing.replace_with(NavigableString(f"[chart] {label}"))
    yield from _lines(soup)


def _lines(node: Tag) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, NavigableString):
            if node.name not in BLOCKS and str(child).strip():
                yield from _sentences(str(child))
        elif isinstance(child, Tag):
            if child.name == "tr":
                yield " | ".join(_text(cell) for cell in child.find_all(["th", "td"]))
            elif child.name in BLOCKS and not child.find(BLOCKS):
                heading = "## " if child.name[0] == "h" else ""
                yield from (heading + line for line in _sentences(_text(child)))
            else:
                yield from _lines(child)


def _text(node: Tag) -> str:
    return " ".join(node.get_text(" ").split())


def _sentences(text: str) -> list[str]:
    return [part for part in SENTENCE.split(" ".join(text.split())) if part]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
