"""The names that a notebook imports first."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import salesops


@pytest.mark.parametrize("name", salesops.__all__)
def test_each_name_is_there(name: str) -> None:
    """Every public name is found, documented, listed by dir(), and is the one of its module."""
    thing = getattr(salesops, name)
    assert inspect.getdoc(thing)
    assert name in dir(salesops)
    assert getattr(importlib.import_module(thing.__module__), name) is thing


def test_unknown_name_is_refused() -> None:
    """A name that the package does not have is an ordinary AttributeError, so that hasattr works."""
    with pytest.raises(AttributeError, match="module 'salesops' has no attribute 'open_boook'"):
        getattr(salesops, "open_boook")  # noqa: B009  # mypy would refuse the attribute
    assert not hasattr(salesops, "open_boook")


def test_import_is_light() -> None:
    """Importing the package, its periods and its errors loads no library, so that the command line stays quick."""
    code = (
        "import sys, salesops, salesops.periods, salesops.errors; "
        "print(*{name.partition('.')[0] for name in sys.modules} & {'ibis', 'duckdb', 'pandas', 'pyarrow', 'numpy'})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
