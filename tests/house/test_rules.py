"""A rule of the match has one name in five places, so that no refusal is without its words."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from itertools import chain

import pytest

import matching
from placements.settings import ROOT

# What a policy holds besides its rules: prices, the order of the aims, and the draw that settles ties.
PRICES = {
    "travel",
    "preference_step",
    "preference_unranked",
    "above_preferred",
    "supervisor_load",
    "tiers",
    "seed",
}
# What the checker finds wrong besides a broken rule: sums and claims of the result itself.
CLAIMS = {
    "assignment",
    "blocks",
    "shares",
    "costs",
    "objective",
    "tiers",
    "status",
    "conflicts",
    "reason",
}
# What the checker may know: the data types.
DATA_TYPES = {"matching.problem", "matching.policy", "matching.result"}
# Beside the rules in their folder: what they are asked about.
NO_RULES = {"__init__", "pairs"}


def in_the_policy() -> set[str]:
    return {field.name for field in dataclasses.fields(matching.Policy)} - PRICES


def in_the_folder() -> set[str]:
    return {path.stem for path in (ROOT / "matching" / "rules").glob("*.py")} - NO_RULES


def in_the_checker() -> set[str]:
    """The names under which the checker reports a violation."""
    found = set(chain.from_iterable(map(reported, checker().values())))
    assert found >= CLAIMS
    return found - CLAIMS


def checker() -> dict[str, ast.Module]:
    """The modules of the checker, by name: those of verify and of its count."""
    folder = ROOT / "matching"
    paths = [*folder.glob("verify*.py"), *folder.glob("recount*.py")]
    return {f"matching.{path.stem}": ast.parse(path.read_text()) for path in paths}


def in_the_templates() -> set[str]:
    return {path.stem for path in (ROOT / "templates" / "reasons").glob("*.html")}


def in_the_documents() -> set[str]:
    text = (ROOT / "docs" / "rules.md").read_text()
    return set(re.findall(r"^#{2,3} `?([a-z]+(?:_[a-z]+)*)`?\b", text, flags=re.MULTILINE))


def reported(tree: ast.AST) -> Iterator[str]:
    """Each constant that is yielded, or that is the first argument of a Violation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield):
            value = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Violation":
            value = node.args[0]
        else:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


@pytest.mark.parametrize(
    "named", [in_the_policy, in_the_folder, in_the_checker, in_the_templates, in_the_documents]
)
def test_the_rules_have_the_same_names_everywhere(named: object) -> None:
    rules = set(matching.RULES)
    assert len(rules) >= 8
    assert callable(named)
    assert named() == rules


def test_the_checker_knows_only_the_data_types_and_itself() -> None:
    modules = checker()
    assert len(modules) >= 2
    for name, tree in modules.items():
        nodes = list(ast.walk(tree))
        known = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        known |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        ours = {module for module in known if module.split(".")[0] in ("matching", "placements")}
        assert ours, name
        assert ours <= DATA_TYPES | set(modules), name


def test_every_rule_has_words_of_its_own() -> None:
    words = list(matching.RULES.values())
    assert all(words)
    assert len(set(words)) == len(words)
    for name in matching.RULES:
        assert (ROOT / "templates" / "reasons" / f"{name}.html").read_text().strip()
