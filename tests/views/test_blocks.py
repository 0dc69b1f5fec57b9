"""Blocks of a page: every word is data."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.views.blocks import Block, cards, definitions, headline, kpis, note, sentence

WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]))


class Reader(HTMLParser):
    """Reads tags and text of markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def everything(text: str) -> list[Block]:
    return [
        headline(text, eyebrow=text, meta=text),
        kpis([(text, text, text)]),
        cards([(text, text, text)]),
        sentence(text),
        note(text),
        note(text, text),
        definitions([(text, text)], summary=text),
    ]


@given(WORDS.filter(bool))
def test_words_are_shown_exactly_and_never_obeyed(text: str) -> None:
    """Whatever a name holds, the page shows these letters and gains no tag by them."""
    for plain, block in zip(everything("x"), everything(text), strict=True):
        read = Reader(block._repr_html_())
        assert read.tags == Reader(plain._repr_html_()).tags
        assert text in read.words
        assert text in repr(block)


def test_the_headline_is_the_heading_of_the_page() -> None:
    """A headline has one <h1>, and no empty line where eyebrow and meta are left out."""
    assert headline("Made it.")._repr_html_() == '<header class="headline"><h1>Made it.</h1></header>'


@pytest.mark.parametrize(("sentences", "tag"), [(("One.",), "p"), (("One.", "Two."), "li")])
def test_several_notes_become_a_list(sentences: tuple[str, ...], tag: str) -> None:
    """One note is a paragraph; several are a list, one item each."""
    assert Reader(note(*sentences)._repr_html_()).tags.count(tag) == len(sentences)


def test_plain_text_says_the_same() -> None:
    """Where no HTML is shown, a block still reads."""
    assert repr(kpis([("Gap", "948", "16 reps"), ("Goal", "8,051", "")])) == "Gap: 948 (16 reps)\nGoal: 8,051"
