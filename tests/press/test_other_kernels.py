"""Notebooks whose kernel is not this Python: they run with a kernel of their own under either engine."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from written_notebooks import outcomes, planned, write_notebook

from salesops.press.run import Engine


def install(folder: Path, name: str, *command: str, language: str = "python") -> None:
    spec = folder / "kernels" / name
    spec.mkdir(parents=True)
    content = {"argv": [*command, "-f", "{connection_file}"], "display_name": name, "language": language}
    (spec / "kernel.json").write_text(json.dumps(content))


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_another_kernel_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    """Its own interpreter runs the cells; the page and the results are made as for any other."""
    other = tmp_path / "other_python"
    other.write_text(f'#!/bin/sh\nOTHER=yes exec {sys.executable} -m ipykernel_launcher "$@"\n')
    other.chmod(0o755)
    install(tmp_path, "other", str(other))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    shows = ("import os\n{'other': os.environ.get('OTHER')}", "results")
    path = write_notebook(tmp_path / "a.ipynb", shows, kernel="other")
    here = write_notebook(tmp_path / "b.ipynb", shows)
    made = outcomes([planned(path), planned(here)], tmp_path / "site", engine=engine)
    assert {name: outcome.results for name, outcome in made.items()} == {"a": {"other": "yes"}, "b": {"other": None}}


def test_a_kernel_that_does_not_start_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two starts that fail are followed by one that works; the notebook runs once."""
    shaky, starts = tmp_path / "shaky", shlex.quote(str(tmp_path / "starts"))
    shaky.write_text(
        f"#!/bin/sh\necho x >> {starts}\n[ $(wc -l < {starts}) -lt 3 ] && exit 1\n"
        f'exec {shlex.quote(sys.executable)} -m ipykernel_launcher "$@"\n'
    )
    shaky.chmod(0o755)
    install(tmp_path, "shaky", str(shaky))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    path = write_notebook(tmp_path / "a.ipynb", "open('runs', 'a').write('x')", kernel="shaky")
    assert outcomes([planned(path)], tmp_path / "site", engine="stock")["a"].status == "ok"
    assert (tmp_path / "starts").read_text().split() == ["x"] * 3
    assert (tmp_path / "runs").read_text() == "x"


def test_a_kernel_that_never_starts_fails_its_report_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three tries the report has failed; others are made."""
    install(tmp_path, "never", "/bin/false")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    never = write_notebook(tmp_path / "never.ipynb", "1", kernel="never")
    fine = write_notebook(tmp_path / "fine.ipynb", "1")
    made = outcomes([planned(never), planned(fine)], tmp_path / "site", engine="stock")
    assert (made["never"].status, made["fine"].status) == ("failed", "ok")
    assert made["never"].error.startswith("The kernel 'never' does not start (Kernel died before replying")
