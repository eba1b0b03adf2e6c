"""Modules: short enough to hold one story, named for it, and imported one way."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from placements.settings import ROOT

MOST_LINES = 400
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "core"}
modules = sorted(
    path
    for folder in ("placements", "matching")
    for path in (ROOT / folder).rglob("*.py")
    if "versions" not in path.parts
)
PARTS = sorted(path.parent.name for path in (ROOT / "placements").glob("*/routes.py"))


def test_there_are_modules() -> None:
    assert len(modules) > 30
    assert len(PARTS) >= 3


def test_a_module_holds_one_story() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_a_module_is_named_for_what_it_holds() -> None:
    named = {str(path.relative_to(ROOT)): {path.stem, path.parent.name} for path in modules}
    assert {name for name, words in named.items() if words & EMPTY_NAMES} == set()


@pytest.mark.parametrize("part", PARTS)
def test_routes_use_no_other_parts_routes_or_forms(part: str) -> None:
    """What the import contracts miss: a later part's routes may know an earlier part, but not its forms."""
    strangers = {
        imported
        for imported in imports(ROOT / "placements" / part / "routes.py")
        if re.fullmatch(r"placements\.(?!web\b)\w+\.(routes|forms)(\..*)?", imported)
        and not imported.startswith(f"placements.{part}.")
    }
    assert strangers == set()


def test_services_queries_and_models_know_no_flask() -> None:
    kinds = {"service", "queries", "models", "uploads"}
    found = [path for path in modules if path.stem in kinds]
    assert len(found) > 10
    for path in found:
        known = {name.split(".")[0] for name in imports(path)}
        assert known.isdisjoint({"flask", "flask_login", "flask_wtf", "wtforms", "werkzeug"}), path


def test_the_reader_of_imports_sees_every_form() -> None:
    assert imports_of("import a.b\nfrom c import d\nfrom e.f import g as h\ndef x():\n    import i") == {
        "a.b",
        "c",
        "c.d",
        "e.f",
        "e.f.g",
        "i",
    }


def test_imports_go_one_way() -> None:
    """The contracts of pyproject.toml hold; the linter says which line breaks one."""
    words = lint(ROOT)
    assert re.search(r"Contracts: (\d+) kept, 0 broken", words), words


def test_every_contract_would_notice_a_breach(tmp_path: Path) -> None:
    """Each is broken once, in a copy, so that none is an empty promise."""
    for folder in ("placements", "matching"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, breach in BREACHES.items():
        with (tmp_path / module).open("a") as file:
            file.write(f"\n{breach}\n")
    words = lint(tmp_path)
    contracts = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")
    assert contracts >= 5
    assert f"Contracts: 0 kept, {contracts} broken" in words, words


BREACHES = {
    "matching/solve.py": "import flask",
    "matching/recount.py": "import matching.flow",
    "placements/accounts/models.py": "import placements.rounds.models",
    "placements/web/formats.py": "import placements.accounts.models",
    "placements/rounds/queries.py": "import placements.rounds.service",
    "placements/rounds/service.py": "import wtforms",
    "placements/capacity/routes.py": "import placements.cohorts.routes",
    "placements/cohorts/queries.py": "import matching",
    "placements/organisations/queries.py": "import matching.flow",
}


def lint(folder: Path) -> str:
    """What the import linter says of the packages in a folder."""
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def imports(path: Path) -> set[str]:
    """Every module, and every name from a module, that a file imports, wherever in it."""
    return imports_of(path.read_text())


def imports_of(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found
