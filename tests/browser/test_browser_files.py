"""A practice educator takes the declarations out as a file, changes a figure and brings the file back."""

import csv
import io
from pathlib import Path

import pytest

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.regions import EDUCATOR, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_downloaded_file_is_edited_and_uploaded(
    installation: Installation, visit: Visit, tmp_path: Path
) -> None:
    with filling(installation.var):
        region = small_round(places=(3, 2))
        name, trust_id = region.round.name, region.trusts[0].id
        PersonFactory(
            email=EDUCATOR, name="Eddy Educator", role=Role.PRACTICE_EDUCATOR.value, trust_id=trust_id
        )
        saved()
    with installation.serving():
        educator = visit()
        educator.sign_in(EDUCATOR)
        educator.follow(name)
        educator.follow("Capacity")
        educator.follow("Declarations as a spreadsheet")
        educator.is_at("Declarations as a spreadsheet")
        with educator.page.expect_download() as download:
            educator.page.get_by_role("link", name="CSV of what is declared now").click()
        rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
        (most,) = [row for row in rows if "Most" in row]
        assert most[-4:] == ["3"] * 4
        most[-1] = "two"
        educator.page.locator("input[type=file]").set_input_files(written(tmp_path / "wrong.csv", rows))
        educator.press("Upload and check")
        educator.is_at("Check your file before it is saved")
        educator.sees("two")
        most[-1] = "2"
        educator.page.go_back()
        educator.page.locator("input[type=file]").set_input_files(written(tmp_path / "right.csv", rows))
        educator.press("Upload and check")
        educator.is_at("Check your file before it is saved")
        educator.press("Save these changes")
        educator.is_at("Capacity")
        educator.sees("2 to 3")


def written(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
