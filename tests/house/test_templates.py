"""Templates: each is used, each is named for its route, and none holds script or style of its own."""

import ast
import re
from collections.abc import Iterator

import pytest

from placements.settings import ROOT

TEMPLATES = ROOT / "templates"
CODE = sorted((ROOT / "placements").rglob("*.py"))
# A name as `render_template` and Jinja's own tags write it.
RENDERED = re.compile(r"""(?:render_template|form_page)\(\s*["']([\w/-]+\.html)["']""")
ASKED_FOR = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([\w/-]+\.html)["']""")
names = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def test_no_template_is_an_orphan() -> None:
    rendered = {name for path in CODE for name in RENDERED.findall(path.read_text())}
    asked_for = {name for name in names for name in ASKED_FOR.findall((TEMPLATES / name).read_text())}
    assert rendered
    assert asked_for
    # One for each rule, chosen by the rule's name: the test of rule names holds that set.
    reasons = {name for name in names if name.startswith("reasons/")}
    assert set(names) - reasons - rendered - asked_for == set(), "nothing shows these templates"
    own = {name for name in rendered | asked_for if not name.startswith("nhsuk/")}
    assert own - set(names) == set(), "these templates are asked for and are not there"


def test_a_page_has_the_name_of_a_route_of_its_part() -> None:
    """`rounds/see_round.html` is shown by the route see_round, or is a later state of such a page."""
    routes = {
        (blueprint, function)
        for path in CODE
        if path.name.startswith("routes")
        for blueprint, function in routes_of(path.read_text())
    }
    assert routes
    parts = {part for part, _ in routes}
    rendered = {name for path in CODE for name in RENDERED.findall(path.read_text())}
    pages = {name for name in rendered if name.split("/")[0] in parts}
    assert pages
    strays = {
        name
        for name in pages - set(STATES_OF_ANOTHER_PAGE)
        if tuple(name.removesuffix(".html").split("/")) not in routes
    }
    assert strays == set()
    assert set(STATES_OF_ANOTHER_PAGE) <= pages
    assert set(STATES_OF_ANOTHER_PAGE.values()) <= pages


def routes_of(source: str) -> Iterator[tuple[str, str]]:
    """Blueprint and name of each function that is decorated as a route."""
    for node in ast.walk(ast.parse(source)):
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            call = decorator.func if isinstance(decorator, ast.Call) else decorator
            is_method = isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)
            if is_method and call.attr in ("get", "post", "route"):
                yield call.value.id, node.name


# A page that is another page in a later state: the same route shows both.
STATES_OF_ANOTHER_PAGE = {
    "scenarios/see_result.html": "scenarios/see_run.html",
}


@pytest.mark.parametrize("name", names)
def test_a_template_has_no_script_or_style_of_its_own(name: str) -> None:
    text = re.sub(r"\{#.*?#\}", "", (TEMPLATES / name).read_text(), flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "a script without src"
    assert not re.search(r"<style\b", text), "a style element"
    assert not re.search(r"\sstyle\s*=", text), "an inline style"
    assert not re.search(r"""\son[a-z]+\s*=\s*["']""", text), "an inline event handler"
    assert "javascript:" not in text
    assert "| safe" not in text, "unescaped words"
    assert "|safe" not in text, "unescaped words"


def test_every_form_that_is_sent_carries_its_token() -> None:
    posts = 0
    for name in names:
        for form in re.findall(r"<form\b.*?</form>", (TEMPLATES / name).read_text(), flags=re.DOTALL):
            if re.search(r"""method=["']post["']""", form):
                posts += 1
                assert "csrf_token" in form or "components/csrf.html" in form, name
    assert posts
