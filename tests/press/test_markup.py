"""What markup may stay on a page."""

from __future__ import annotations

import re

import pytest
from hostile_markup import HOST, HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from salesops.press.markup import cleaned

TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:._-]*(?:\s[^<>]*)?\s?/?>")

WORDS = """<p> </p> <svg> </svg> <math> <mtext> <style> </style> <title> </title> <script> </script> <textarea>
    <noscript> <!-- --> --!> <![CDATA[ ]]> <? ?> <! < > </ " ' = / & ; ` onclick=ran() onerror=ran() src=x
    href=javascript:ran() style=url(//x) title=' title=" <img <a <b/ &lt; &#60; &#x3c a b \\ @import url( ( )"""
PARTS = st.sampled_from(WORDS.split())


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_does_harm_is_taken_out(kind: str) -> None:
    """What would run, load or open something is named and gone, in whichever writing."""
    safe, _ = cleaned(HOSTILE[kind])
    tags = " ".join(TAG.findall(safe))
    outside_of_values = re.sub(r"(?:title|alt)=(?:\"[^\"]*\"|'[^']*')", "", tags)
    for word in ("ran()", HOST.removeprefix("http:"), "javascript", "<script", "<iframe", "<form"):
        assert word not in outside_of_values.lower()
    assert cleaned(safe) == (safe, [])


@given(st.lists(st.one_of(PARTS, st.text(max_size=3)), max_size=25).map("".join))
def test_each_bracket_that_is_left_begins_a_tag_that_was_judged(markup: str) -> None:
    """Whatever a browser takes for text, style or comment, a `<` in it begins a tag without harm."""
    safe, _ = cleaned(markup)
    outside = re.sub(r"(<style\b[^<>]*>)[^<]*", r"\1", safe)
    assert TAG.sub("", outside).count("<") == 0
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", re.sub(r"\"[^\"]*\"|'[^']*'", "", safe))
    assert cleaned(safe)[1] == []


@pytest.mark.parametrize(
    "markup",
    [
        "<p>1 &lt; 2 &amp; <b title='a b'>x</b>&nbsp;&#8364;</p>",
        '<svg viewBox="0 0 9 9"><defs><clipPath id="c"><rect/></clipPath></defs><g clip-path="url(#c)"/></svg>',
        '<svg><linearGradient id="g"/><use href="#g"/><title>tip</title><style>.a { fill: url(#g) }</style></svg>',
        "<style>@media (width &lt; 9px) { a::after { content: '\\2014' } }</style>",
        "<style>@media (400px <= width) { p { color: red } }</style>",
        '<a href="https://example.org/?a=1&amp;b=2">x</a><a href="other.html#part">x</a><a href="mailto:a@b.c">x</a>',
        '<a download="a.csv" href="data:text/csv;base64,QQ==">x</a>',
        '<img alt="http://x" src="data:image/png;base64,AAAA"><image href="data:image/png;base64,AAAA" />',
        '<input type="checkbox" hidden id="a"><label for="a">x</label>',
        "<p title='src=http://x onclick=y' data-x='javascript:z'>only words</p>",
        "<details open><summary>x</summary></details><math><mi>x</mi></math><table><tr><th scope=row>x</table>",
    ],
)
def test_what_does_no_harm_stays_as_it_is(markup: str) -> None:
    """Tables, charts, links and styles of a page keep every letter."""
    assert cleaned(markup) == (markup, [])


def test_what_was_taken_out_is_named() -> None:
    """Each thing is told in the words of the markup, long ones in part."""
    _, harm = cleaned(f"<p ONCLICK=x><script></script><img src='{HOST}/{'x' * 99}'><p style='a:url(//b)'>")
    assert harm == ["onclick", "<script>", f"src={HOST}/{'x' * 99}"[:80], "url(//b"]


def test_documents_lose_their_frame() -> None:
    """Of a whole document, as some libraries show it, the content is left; that is no harm."""
    before = '<?xml version="1.0"?><!DOCTYPE html><html lang="en"><head><meta charset="utf-8"></head><body>'
    assert cleaned(f"{before}<p>x</p></body></html>") == ("<p>x</p>", [])
