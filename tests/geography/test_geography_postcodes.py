"""Where postcodes are, and the tables that know it."""

import csv
import logging
import multiprocessing
import random
import threading
from pathlib import Path

import numpy as np
import pytest

from placements.geography import postcode_tables
from placements.geography.postcode_tables import INWARD_CODES, PostcodeTables, build_table, postcode_key
from placements.geography.postcodes import Point, locate, locate_many, locate_outward
from placements.geography.travel import great_circle_km

Build = postcode_tables.PostcodeTable


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache directory for the tests that only read."""
    return tmp_path_factory.mktemp("geography")


@pytest.fixture(scope="module")
def known_places() -> dict[str, Point]:
    """Postcodes of the network's sites and universities with their coordinates, and some far corners."""
    with Path(__file__).with_name("known_places.csv").open(encoding="utf-8", newline="") as file:
        places = {
            row["postcode"]: Point(float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(file)
        }
    assert len(places) > 40
    return places


def metres_between(one: Point, other: Point) -> float:
    return float(great_circle_km([one], [other])[0, 0]) * 1000


def test_every_site_and_university_is_found_where_it_is(kept: Path, known_places: dict[str, Point]) -> None:
    found = locate_many(known_places, kept)
    assert set(found) == set(known_places)
    far = {code: metres_between(found[code], point) for code, point in known_places.items()}
    assert max(far.values()) < 200, far


def test_one_and_many_agree_in_any_spelling(kept: Path) -> None:
    written = ["b15 2gw", "B152GW", "WV1O OQP", "nowhere", "", "ZZ99 9ZZ", "B15 9ZZ", "b15 2gw"]
    found = locate_many(written, kept)
    assert set(found) == {"b15 2gw", "B152GW", "WV1O OQP"}
    assert found["b15 2gw"] == found["B152GW"] == locate("B15 2GW", kept)
    assert found["WV1O OQP"] == locate("WV10 0QP", kept)


@pytest.mark.parametrize(
    "written",
    ["", "nowhere", "B15", "B15 9ZZ", "ZE9 9ZZ", "Z", "JE2 3AB", "IM1 1AA", "GY1 1AA", "BX1 1LT", "GIR 0AA"],
)
def test_an_unknown_postcode_has_no_place(kept: Path, written: str) -> None:
    assert locate(written, kept) is None


def test_an_outward_code_has_its_middle(kept: Path) -> None:
    middle = locate_outward("b15", kept)
    home = locate("B15 2GW", kept)
    assert middle is not None
    assert home is not None
    assert 100 < metres_between(middle, home) < 3000
    assert locate_outward("B 15", kept) == middle
    # The middle of B1 takes nothing from B10 to B19, whose names begin alike.
    centre = locate_outward("B1", kept)
    assert centre is not None
    assert metres_between(centre, Point(52.479, -1.908)) < 800


@pytest.mark.parametrize("written", ["", "B15 2GW", "ZZ1", "JE2", "B0", "B98765"])
def test_no_outward_code_has_no_middle(kept: Path, written: str) -> None:
    assert locate_outward(written, kept) is None


def test_tables_are_kept_under_the_folder_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACEMENTS_VAR", str(tmp_path / "var"))
    assert locate("ZE1 0AA") is not None
    assert [path.name for path in (tmp_path / "var" / "geography").glob("*/*")] == ["Z.npy"]
    monkeypatch.setenv("PLACEMENTS_VAR", "")
    monkeypatch.chdir(tmp_path)
    assert locate("ZE1 0AA") is not None
    assert len(list((tmp_path / "var" / "geography").glob("*/Z.npy"))) == 1


def test_keys_follow_the_postcodes_order_and_are_all_different() -> None:
    table = build_table("Y")
    assert (np.diff(table[0]) > 0).all()
    assert postcode_key("YO1") + INWARD_CODES <= postcode_key("YO10")
    assert postcode_key("WV99", "9ZZ") < 2**31
    assert postcode_key("B15", "2GW") in build_table("B")[0]


def test_a_table_that_is_there_is_mapped_and_not_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = PostcodeTables(tmp_path).table("Z")
    monkeypatch.setattr(postcode_tables, "build_table", _must_not_build)
    again = PostcodeTables(tmp_path).table("Z")
    assert isinstance(again, np.memmap)
    assert np.array_equal(first, again)


def _must_not_build(letter: str) -> Build:
    raise AssertionError(f"{letter} was built again")


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"not a table" * 50])
def test_a_damaged_table_is_built_again(tmp_path: Path, damage: bytes) -> None:
    whole = np.array(PostcodeTables(tmp_path).table("Z"))
    (path,) = tmp_path.glob("*/Z.npy")
    path.write_bytes(damage or path.read_bytes()[:200])
    assert np.array_equal(PostcodeTables(tmp_path).table("Z"), whole)
    assert path.stat().st_size > 1000


def test_a_table_of_another_kind_is_built_again(tmp_path: Path) -> None:
    whole = np.array(PostcodeTables(tmp_path).table("Z"))
    (path,) = tmp_path.glob("*/Z.npy")
    np.save(path, np.zeros((3, 4)))
    assert np.array_equal(PostcodeTables(tmp_path).table("Z"), whole)


def test_without_a_place_to_keep_it_a_table_stays_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "geography"
    in_the_way.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert locate("ZE1 0AA", in_the_way) is not None
        assert locate("ZE1 0AB", in_the_way) is not None
    assert len(caplog.records) == 1
    assert "stays in memory" in caplog.text


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(file: object, table: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "save", disk_full)
    assert PostcodeTables(tmp_path).table("Z").shape[1] > 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_letter_without_postcodes_has_an_empty_table(tmp_path: Path) -> None:
    assert PostcodeTables(tmp_path).table("Q").shape == (4, 0)


def test_threads_share_one_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def counted(letter: str) -> Build:
        built.append(letter)
        return build_table(letter)

    monkeypatch.setattr(postcode_tables, "build_table", counted)
    tables = PostcodeTables(tmp_path)
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(tables.table("Z").shape[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == ["Z"]
    assert len(sizes) == 8
    assert len(set(sizes)) == 1


def _locate_again_and_again(cache_directory: Path, postcodes: list[str]) -> list[Point | None]:
    """In its own process: build what is missing while others do the same, and answer."""
    order = random.Random(len(postcodes)).sample(postcodes, len(postcodes))
    located = {postcode: locate(postcode, cache_directory) for postcode in order}
    return [located[postcode] for postcode in postcodes]


def test_processes_may_build_the_same_tables_at_once(tmp_path: Path) -> None:
    postcodes = ["ZE1 0AA", "UB1 1AA", "YO1 7HH", "FK1 1AA", "IP1 1AA", "KA1 1AA"]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.starmap(_locate_again_and_again, [(tmp_path, postcodes)] * 4, chunksize=1)
    alone = [locate(postcode, tmp_path / "apart") for postcode in postcodes]
    assert alone[0] is not None
    assert sum(point is not None for point in alone) >= 3
    assert answers == [alone] * 4
    kept = sorted(path.name for path in (tmp_path).glob("postcodes-*/*"))
    assert kept == ["F.npy", "I.npy", "K.npy", "U.npy", "Y.npy", "Z.npy"]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(91.0, 0.0), (-91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0), (0.0, float("inf"))],
)
def test_a_point_lies_on_the_earth(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="degrees"):
        Point(latitude, longitude)
