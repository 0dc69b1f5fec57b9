"""One list of dependencies: pyproject.toml. The conda environment and the pins follow it."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {
    "duckdb": "python-duckdb",  # conda's "duckdb" is the command line program
    "ibis-framework": "ibis-duckdb",  # conda has a package for each backend instead of extras
}


def project() -> dict[str, Any]:
    """Return the [project] table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def conda_packages() -> list[Any]:
    """Return the dependencies of environment.yml; the last may be the section for pip."""
    listed: list[Any] = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return listed


def pins() -> dict[str, Version]:
    """Return the pinned version of each package, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(line.split("==")[0]): Version(line.split("==")[1]) for line in lines}


def installed_with(requirements: list[str]) -> dict[str, str]:
    """Return name and installed version of all that these requirements bring in, directly or not."""
    waiting = [(requirement, "") for requirement in map(Requirement, requirements)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in metadata.requires(name) or ()]
    return {name: metadata.version(name) for name, _ in seen}


def test_conda_environment_equals_the_project() -> None:
    """environment.yml holds every dependency of pyproject.toml with the same specifier, and no other."""
    wanted = {}
    for requirement in map(Requirement, project()["dependencies"]):
        wanted[CONDA_NAMES.get(requirement.name, requirement.name)] = requirement.specifier
    packages = [Requirement(line) for line in conda_packages() if isinstance(line, str)]
    found = {package.name: package.specifier for package in packages if package.name not in ("python", "pip")}
    assert found == wanted


def test_conda_environment_installs_only_the_project_by_pip() -> None:
    """Nothing but the checkout itself is left to pip."""
    assert [line for line in conda_packages() if not isinstance(line, str)] == [{"pip": ["-e ."]}]


def test_conda_python_is_what_the_project_names() -> None:
    """environment.yml allows exactly the Python versions that pyproject.toml names."""
    python = next(Requirement(line) for line in conda_packages() if line.startswith("python>"))
    named = re.findall(r":: (3\.\d+)", "\n".join(project()["classifiers"]))
    last = named[-1].split(".")
    assert python.specifier == SpecifierSet(f">={named[0]},<{last[0]}.{int(last[1]) + 1}")
    assert project()["requires-python"] == f">={named[0]}"


def test_constraints_are_names_and_versions_only() -> None:
    """constraints.txt holds sorted lines of name==version and nothing else: no address, no option."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []
    names = [canonicalize_name(line.split("==")[0]) for line in lines]
    assert names == sorted(set(names))


def test_constraints_satisfy_the_project() -> None:
    """Every direct dependency is pinned to a version that its specifier allows."""
    pinned = pins()
    requirements = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    wrong = [
        requirement.name
        for requirement in map(Requirement, requirements)
        if pinned.get(canonicalize_name(requirement.name), Version("0")) not in requirement.specifier
    ]
    assert wrong == []


def test_constraints_pin_all_that_is_installed() -> None:
    """Every package that the project brings in is pinned, at the version that runs here."""
    requirements = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    pinned = {name: str(version) for name, version in pins().items()}
    installed = installed_with(requirements)
    assert {name: version for name, version in installed.items() if pinned.get(name) != version} == {}


@pytest.mark.parametrize("name", sorted(CONDA_NAMES))
def test_conda_names_are_of_dependencies(name: str) -> None:
    """The table of conda's names holds only what the project depends on."""
    assert name in {Requirement(line).name for line in project()["dependencies"]}
