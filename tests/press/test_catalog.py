"""What notebooks say of themselves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from salesops.errors import PressError
from salesops.press.catalog import find_notebook, notebooks, read_notebook

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SAYS = '{"nbformat": 4, "cells": [], "metadata": {"salesops": %s}}'


def test_a_notebook_is_read_without_running_it() -> None:
    """Title, audience, parameters and tables come from the file alone."""
    person = read_notebook(NOTEBOOKS / "person.ipynb")
    assert (person.name, person.title, person.audience) == ("person", "What does one person see?", "rep")
    assert person.tables == ("users",)
    assert person.any_of == (("opportunities", "orders"),)
    assert person.reads == ("users", "opportunities", "orders", "quotas")
    assert person.for_each == "rep"
    assert [p.name for p in person.parameters] == ["book", "period", "as_of", "manager", "rep", "redact"]
    assert person.default("redact") is False
    assert person.default("nothing") is None


def test_a_notebook_that_says_nothing_still_has_a_name() -> None:
    """Without heading, parameters and metadata, the title is the file's name and the rest is empty."""
    bare = read_notebook(NOTEBOOKS / "no_parameters.ipynb")
    assert (bare.title, bare.parameters, bare.reads, bare.for_each) == ("no_parameters", (), (), "")


@pytest.mark.parametrize(
    ("tables", "missing"),
    [
        (set(), ("users", "opportunities or orders")),
        ({"users", "orders"}, ()),
        ({"users", "quotas"}, ("opportunities or orders",)),
        ({"opportunities"}, ("users",)),
    ],
)
def test_what_a_book_lacks(tables: set[str], missing: tuple[str, ...]) -> None:
    """Every table of `tables` must be there and one of each `any_of`; what is only used may be missing."""
    assert read_notebook(NOTEBOOKS / "person.ipynb").missing(tables.__contains__) == missing


@pytest.mark.parametrize("name", ["greeting", "greeting.ipynb", str(NOTEBOOKS / "greeting.ipynb")])
def test_a_notebook_is_found_by_name_or_path(name: str) -> None:
    """A name is looked up in the folder of notebooks; a path is taken as it is."""
    assert find_notebook(name, NOTEBOOKS).path == NOTEBOOKS / "greeting.ipynb"


@pytest.mark.parametrize("name", ["greetings", "greting.ipynb", "elsewhere/greeting", "elsewhere/greeting.ipynb"])
def test_an_unknown_notebook_is_refused_with_the_nearest(name: str) -> None:
    """A notebook that is not there is an error with "did you mean"; a path is never replaced by a name."""
    with pytest.raises(PressError, match=rf"There is no notebook '{name}'\. Did you mean 'greeting'\?"):
        find_notebook(name, NOTEBOOKS)


@pytest.mark.parametrize("name", ["k" * 300, "k" * 300 + ".ipynb"])
def test_a_name_that_no_system_takes_is_refused(name: str) -> None:
    """It is told as a notebook that is not there, and nobody is told to free space."""
    with pytest.raises(PressError, match=rf"There is no notebook '{name}' that can be read: File name too long\."):
        find_notebook(name, NOTEBOOKS)


def test_no_notebooks_at_all(tmp_path: Path) -> None:
    """An empty folder lists nothing, and finds nothing."""
    assert notebooks(tmp_path) == ()
    with pytest.raises(PressError, match=r"There is no notebook 'team'\. Name a notebook by its path"):
        find_notebook("team", tmp_path)


def test_notebooks_are_listed_by_name(tmp_path: Path) -> None:
    """The order does not depend on the file system."""
    for name in ("b", "c", "a"):
        shutil.copy(NOTEBOOKS / "greeting.ipynb", tmp_path / f"{name}.ipynb")
    assert [notebook.name for notebook in notebooks(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"cells": [', "x.ipynb is not a notebook: it is not valid JSON"),
        ("[]", "x.ipynb is not a notebook of format 4"),
        ('{"nbformat": 3, "worksheets": []}', "x.ipynb is not a notebook of format 4"),
        ('{"nbformat": 4, "cells": null}', "x.ipynb is not a notebook of format 4"),
        ("\xff", "x.ipynb is not a notebook: it is not valid JSON"),
        ("[" * 100_000, "x.ipynb is not a notebook: it is not valid JSON"),
        ('{"nbformat": 4, "cells": [1]}', "x.ipynb is not as JupyterLab writes a notebook"),
        ('{"nbformat": 4, "cells": [], "metadata": null}', "x.ipynb is not as JupyterLab writes a notebook"),
        ('{"nbformat": 4, "cells": [{"source": null}]}', "x.ipynb is not as JupyterLab writes a notebook"),
        ('{"nbformat": 4, "cells": [{"source": [1]}]}', "x.ipynb is not as JupyterLab writes a notebook"),
        ('{"nbformat": 4, "cells": [{"metadata": {"tags": null}}]}', "x.ipynb is not as JupyterLab writes a notebook"),
        ('{"nbformat": 4, "cells": [{"source": "\\ud800"}]}', "x.ipynb is not as JupyterLab writes a notebook"),
        (SAYS % '"x"', "x.ipynb is not as JupyterLab writes a notebook"),
        (SAYS % '{"watch": ["a"]}', "x.ipynb is not as JupyterLab writes a notebook"),
        (SAYS % '{"any_of": [5]}', "x.ipynb is not as JupyterLab writes a notebook"),
        (SAYS % '{"tables": "users"}', r"tables are listed like \['users'\], and not like 'users'"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """A broken file is an error that names it."""
    (tmp_path / "x.ipynb").write_bytes(content.encode("latin-1"))
    with pytest.raises(PressError, match=message):
        read_notebook(tmp_path / "x.ipynb")


def test_a_place_that_is_no_readable_file_is_told(tmp_path: Path) -> None:
    """A notebook that cannot be read is named with the reason, and nobody is told to free space."""
    loop = tmp_path / "x.ipynb"
    loop.symlink_to(loop)
    with pytest.raises(PressError, match=r"x\.ipynb' cannot be read: Too many levels of symbolic links\."):
        read_notebook(loop)


def test_running_for_each_needs_the_parameter(tmp_path: Path) -> None:
    """A notebook cannot claim to run for each rep without taking one."""
    content = {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"salesops": {"for_each": "rep"}}}
    (tmp_path / "x.ipynb").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PressError, match=r"x\.ipynb says that it runs for each 'rep', but has no such parameter"):
        read_notebook(tmp_path / "x.ipynb")
