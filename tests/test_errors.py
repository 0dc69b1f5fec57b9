"""What errors say."""

from __future__ import annotations

import errno

import pytest

from salesops import errors
from salesops.errors import SalesopsError, did_you_mean, first_few, system_repair

KINDS = (
    "PeriodError",
    "BookError",
    "MapError",
    "IntakeError",
    "PressError",
    "HistoryError",
    "ScenarioError",
    "ChurnError",
    "LeakError",
)


@pytest.mark.parametrize("name", KINDS)
def test_every_error_is_one_of_ours(name: str) -> None:
    """The command line catches SalesopsError alone, so every kind is one, and the tree in the docstring has it."""
    assert issubclass(getattr(errors, name), SalesopsError)
    assert f"── {name} " in (errors.__doc__ or "")


def test_tree_shows_every_kind() -> None:
    """No kind of error is left out of the tree."""
    own = [kind for kind in SalesopsError.__subclasses__() if kind.__module__ == errors.__name__]
    assert {kind.__name__ for kind in own} == set(KINDS)


@pytest.mark.parametrize(
    ("word", "known", "sentence"),
    [
        ("curency", ["company", "currency"], "Did you mean 'currency'?"),
        ("CURRENCY", ["company", "currency"], "Did you mean 'currency'?"),
        ("stage", ["Stage", "stag"], "Did you mean 'Stage'?"),
        ("xyz", ["b", "a", "a"], "Known: a, b."),
        ("xyz", [], ""),
        ("", ["a"], "Known: a."),
    ],
)
def test_nearest_word_is_named(word: str, known: list[str], sentence: str) -> None:
    """The nearest known word is offered whatever its case; without one, the known words in order."""
    assert did_you_mean(word, known) == sentence


@pytest.mark.parametrize(
    ("number", "repair"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EACCES, "Change its permissions"),
        (errno.EROFS, "Choose a folder that can be written"),
        (errno.EEXIST, "Move what stands there away"),
        (errno.ENOENT, "See that it is there"),
        (errno.EMFILE, "raise the limit of open files"),
        (errno.ENOMEM, "Free memory"),
        (errno.ECONNREFUSED, ""),
    ],
)
def test_an_error_of_the_system_has_its_own_repair(number: int, repair: str) -> None:
    """Nobody is told to free space for what has nothing to do with it; where nobody knows, nothing is advised."""
    found = system_repair(OSError(number, "x"))
    assert repair in found
    assert bool(found) == bool(repair)
    assert ("Free space" in found) == (number == errno.ENOSPC)


def test_many_known_words_are_cut() -> None:
    """Twelve known words are shown and the rest is counted."""
    known = [f"{letter}{letter}{letter}" for letter in "abcdefghijklmnop"]
    sentence = did_you_mean("1234567", known)
    assert sentence.startswith("Known: aaa, bbb,")
    assert sentence.endswith(", lll and 4 more.")


@pytest.mark.parametrize(
    ("keys", "total", "text"),
    [
        ([], None, ""),
        (["A"], None, "A"),
        ([1, 2, 3], None, "1, 2, 3"),
        (["A", "B", "C", "D"], None, "A, B, C, …"),
        (["A", "B", "C"], 14, "A, B, C, …"),
        (["A", "B", "C"], 3, "A, B, C"),
    ],
)
def test_first_keys_are_shown(keys: list[object], total: int | None, text: str) -> None:
    """At most three keys are shown, and "…" says that there are more."""
    assert first_few(keys, total) == text
