"""What this project is made of: every package with its reason, its licence and its pin, and the oldest ones tried."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support.lowest import lower_bounds
from support.paths import ROOT

REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))


def required() -> dict[str, Requirement]:
    lines = [line for path in REQUIREMENTS for line in path.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    assert len(found) > 30
    return {canonicalize_name(each.name): each for each in found}


def first_cells(page: Path, heading: str) -> Iterator[str]:
    """The names in the first column of the table below a heading."""
    section = page.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    for row in re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[1:]:
        yield from map(canonicalize_name, row.split(", "))


@pytest.mark.parametrize(
    ("page", "heading"), [("CONTRIBUTING.md", "Why each dependency is here"), ("docs/licences.md", "Packages")]
)
def test_the_table_names_every_package_and_none_else(page, heading):
    named = list(first_cells(ROOT / page, heading))
    assert len(named) == len(set(named))
    assert set(named) == set(required())


def test_every_package_has_one_lower_bound_and_a_pin_that_keeps_to_it():
    lines = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    pins = {canonicalize_name(line.split("==")[0]): Version(line.split("==")[1]) for line in lines}
    for name, requirement in required().items():
        [bound] = requirement.specifier
        assert bound.operator == ">=", name
        assert pins[name] in requirement.specifier, name


def test_the_lowest_versions_are_those_that_the_requirements_name():
    bounds = lower_bounds()
    assert bounds["torch"].startswith("torch==2.8.")
    assert set(bounds) == set(required())
    assert all("==" in line for line in bounds.values())


def test_an_audit_fails_where_nothing_could_be_asked_about_a_package():
    [audit] = re.findall(r"/pip-audit (.+)", (ROOT / "Makefile").read_text())
    assert "--strict" in audit.split()


def test_every_bundled_checkpoint_has_a_row_with_its_licence():
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    for card in (ROOT / "checkpoints").glob("*-96/README.md"):
        row = next(line for line in page.splitlines() if f"`checkpoints/{card.parent.name}`" in line)
        credit = card.read_text(encoding="utf-8").split("## Data and licence\n")[1].strip().splitlines()[0]
        creator = re.search(r" by ([\w ]+),", credit)[1]
        assert creator in row
        assert "CC BY 4.0" in row
        assert "CC BY 4.0" in credit
