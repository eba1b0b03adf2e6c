"""What page tests share: signing in by the real form, and an answer's page read as a strict browser would."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from placements.accounts.models import Person
from tests.factories import PASSWORD, saved


def sign_in(client: FlaskClient, person: Person, password: str = PASSWORD) -> TestResponse:
    """Sign in as this person through /sign-in; the person is saved first."""
    saved()
    response = client.post("/sign-in", data={"email": person.email, "password": password})
    assert response.status_code == 302, f"{person.email} could not sign in: {response.status}"
    return response


@dataclass(frozen=True)
class Page:
    """A parsed page. `text` and the rest are what a person reads, with white space as a browser shows it."""

    root: Element

    @property
    def text(self) -> str:
        """All words in the page's body."""
        return text_of(self.one("body"))

    @property
    def title(self) -> str:
        return text_of(self.one("title"))

    @property
    def h1(self) -> str:
        """The words of the only h1."""
        return text_of(self.one("h1"))

    @property
    def main(self) -> str:
        """The words between header and footer."""
        return text_of(self.one("main"))

    def all(self, tag: str, /, class_: str | None = None, **attributes: str) -> list[Element]:
        """Every element of this tag with these attributes (`class_` is one of its classes), in order."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.root.iter(tag)
            if all(element.get(name) == value for name, value in wanted.items())
            and (class_ is None or class_ in element.get("class", "").split())
        ]

    def one(self, tag: str, /, class_: str | None = None, **attributes: str) -> Element:
        """The only such element; an AssertionError says how many there are."""
        found = self.all(tag, class_, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag}> {class_ or ''} {attributes or ''}"
        return found[0]

    @property
    def errors(self) -> dict[str, str]:
        """The error summary: the linked field's id (or "" for a line without a link) to the words."""
        summaries = self.all("div", "nhsuk-error-summary")
        assert len(summaries) < 2, "more than one error summary"
        found: dict[str, str] = {}
        for line in summaries[0].iter("li") if summaries else ():
            link = line.find("a")
            found[(link.get("href", "").lstrip("#") if link is not None else "")] = text_of(line)
        return found

    def value(self, name: str) -> str:
        """What stands in the field of this name: typed, chosen, ticked ("" where nothing is)."""
        fields = [e for e in self.root.iter() if e.get("name") == name and e.tag in FIELDS]
        assert fields, f"no field is called {name}"
        for field in fields:
            if field.tag == "select":
                return next((o.get("value", "") for o in field.iter("option") if "selected" in o.attrib), "")
            if field.tag == "textarea":
                return field.text or ""
            if field.get("type") not in ("radio", "checkbox"):
                return field.get("value", "")
            if "checked" in field.attrib:
                return field.get("value", "on")
        return ""

    def rows(self) -> list[list[str]]:
        """The body rows of every table, cell by cell, as words."""
        return [
            [text_of(cell) for cell in row if cell.tag in ("td", "th")]
            for body in self.root.iter("tbody")
            for row in body.iter("tr")
        ]

    def links(self) -> dict[str, str]:
        """Each link's words to its address."""
        return {text_of(link): link.get("href", "") for link in self.root.iter("a")}


FIELDS = ("input", "select", "textarea")


def page(response: TestResponse) -> Page:
    """The page, parsed strictly; holds what every page must: one h1, a language, labels, ids used once."""
    assert response.mimetype == "text/html", response.mimetype
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found = Page(parser.parse(response.get_data(as_text=True)))
    assert found.root.get("lang") == "en"
    assert found.h1
    assert found.title.endswith("– Placements")
    assert found.title.startswith("Error: ") == bool(found.errors), found.title
    ids = [element.get("id") for element in found.root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), f"ids used twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    labelled = {label.get("for") for label in found.root.iter("label")}
    for field in (element for element in found.root.iter() if element.tag in FIELDS):
        if field.get("type") not in ("hidden", "submit", "button"):
            assert field.get("id") in labelled or field.get("aria-label") or field.get("aria-labelledby"), (
                f"the field {field.get('name')} has no label"
            )
    for target in found.errors:
        assert not target or target in ids, f"the error summary links to #{target}, which is not there"
    return found


def text_of(element: Element) -> str:
    """The words in an element, single-spaced, without scripts, styles and what is hidden from readers."""
    return " ".join("".join(_words(element)).split())


def _words(element: Element) -> list[str]:
    if element.tag in ("script", "style", "template") or element.get("aria-hidden") == "true":
        return []
    found = [element.text or ""]
    for child in element:
        found += _words(child)
        found.append(child.tail or "")
    if element.tag not in INLINE:
        found = [" ", *found, " "]
    return found


INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "time"}
