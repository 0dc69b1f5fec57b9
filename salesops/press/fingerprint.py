"""What a report is made of, as one text: when it is the same, the report would be the same."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from salesops.press.plan import Report


def fingerprint(report: Report) -> str:
    """Return a digest of notebook, code, libraries, parameters, and the state of the tables that it declares.

    Code is this package's, and what stands beside the notebook, where a cell can import it.

    Secrets are not in it. The page also shows what changed since the last run, which is not in it either.
    """
    made_of = [
        hashlib.sha256(report.notebook.read_bytes()).hexdigest(),
        code_version(),
        _code_beside(report.notebook.parent),
        dict(report.parameters),
        report.reads,
        dict(report.watch),
        [asdict(alert) for alert in report.alerts],
    ]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


@cache
def code_version() -> str:
    """Return a digest of this package's files and of the versions of what it stands on."""
    home = Path(__file__).parents[1]
    files = sorted(path for path in home.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    digest = hashlib.sha256(platform.python_version().encode())
    for path in files:
        digest.update(str(path.relative_to(home)).encode() + b"\0" + path.read_bytes())
    for name in _libraries():
        digest.update(f"{name}=={version(name)}\n".encode())
    return digest.hexdigest()[:16]


def _code_beside(folder: Path) -> str:
    packages = [path.parent for path in folder.glob("*/__init__.py")]
    files = {*folder.glob("*.py"), *(path for package in packages for path in package.rglob("*.py"))}
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _libraries() -> list[str]:
    try:
        needed = [line for line in requires("salesops") or [] if "extra ==" not in line]
    except PackageNotFoundError:  # run from a folder that is not installed
        return []
    return sorted(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needed)
