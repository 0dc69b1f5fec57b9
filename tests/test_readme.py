"""The README: short, and true."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
EXPORT = """Id,AccountId,Name,StageName,Amount,CloseDate,CreatedDate,OwnerId
1,A,Big,Closed Won,100,2026-02-03,2026-01-05,U
"""


def test_short() -> None:
    """The README has at most 600 words and shows one real picture of a report."""
    assert len(README.split()) <= 600
    pictures = re.findall(r"!\[[^]]{20,}\]\(([^)]+)\)", README)
    assert [name for name in pictures if (ROOT / name).is_file()] == ["reports/team_accountability.png"]


def test_links_lead_somewhere() -> None:
    """Every link of the README names a file of the project."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_commands_run(tmp_path: Path) -> None:
    """Your own data in three steps: each command of the README works as it stands, in this order."""
    export = tmp_path / "path" / "to" / "export"
    export.mkdir(parents=True)
    (export / "opportunities.csv").write_text(EXPORT)
    steps = [line for line in COMMANDS if "salesops" in line]
    assert len(steps) == 4
    for line in steps:
        words = [str(BIN / "salesops") if word.endswith("bin/salesops") else word for word in shlex.split(line)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "my-reports" / "index.html").is_file()


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("make")])
def test_make_knows_the_target(command: str) -> None:
    """Every make target of the README exists, and needs nothing that is missing."""
    done = subprocess.run([*shlex.split(command), "--dry-run"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_python_example_runs() -> None:
    """The Python example prints a table."""
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "attainment" in done.stdout


def test_every_command_is_documented() -> None:
    """Every command of salesops that the help lists stands in the README or its linked pages."""
    shown = subprocess.run([str(BIN / "salesops"), "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"│ (\w+) {2,}", shown)
    assert {"check", "import", "run", "list", "sample"} <= set(commands)
    pages = README + (ROOT / "data" / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    assert [name for name in commands if f"salesops {name}" not in pages] == []
