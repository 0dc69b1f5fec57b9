"""Every public name says what it means, and every test which law it proves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def silent_names(source: str) -> Iterator[str]:
    """Return the public module, classes, functions and methods of a source that have no docstring."""
    tree = ast.parse(source)
    if not ast.get_docstring(tree):
        yield "module"
    owners = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
    for owner in owners:
        for node in owner.body:
            if isinstance(node, _DEFINITIONS) and node.name[0] != "_" and not ast.get_docstring(node):
                yield node.name


def silent_tests(source: str) -> Iterator[str]:
    """Return the test functions of a source that have no docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DEFINITIONS) and node.name.startswith("test") and not ast.get_docstring(node):
            yield node.name


def test_public_names_have_a_meaning() -> None:
    """Every public module, class, function and method of salesops has a docstring."""
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "salesops").rglob("*.py"))
        if (names := list(silent_names(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_every_test_states_its_law() -> None:
    """Every test function has a docstring that states the law it proves."""
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if (names := list(silent_tests(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "silent"),
    [
        ("x = 1", ["module"]),
        ('"""M."""\ndef shown(): pass\ndef _hidden(): pass', ["shown"]),
        ('"""M."""\nclass Shown:\n    """C."""\n    def method(self): pass\n    def _own(self): pass', ["method"]),
        ('"""M."""\nclass _Hidden:\n    def method(self): pass', []),
        ('"""M."""\nasync def shown():\n    """D."""', []),
    ],
)
def test_planted_silence_is_found(source: str, silent: list[str]) -> None:
    """A public name without docstring is found, a private one is left in peace."""
    assert list(silent_names(source)) == silent


def test_planted_lawless_test_is_found() -> None:
    """A test without docstring is found, also inside a class."""
    assert list(silent_tests('class TestX:\n    def test_a(self): pass\ndef test_b():\n    """Law."""')) == ["test_a"]
