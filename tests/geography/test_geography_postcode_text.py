"""Postcodes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placements.geography.postcode_text import normalise_outward, normalise_postcode, outward_code


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("B15 2GW", "B15 2GW"),
        ("b152gw", "B15 2GW"),
        ("  b15   2gw ", "B15 2GW"),
        ("B15\u00a02GW", "B15 2GW"),
        ("B1 52GW", "B15 2GW"),
        ("\ufeffB15\u200b2GW\r\n", "B15 2GW"),
        ("“B15 2GW”", "B15 2GW"),
        ("B15-2GW.", "B15 2GW"),
        ("Ｂ１５ ２ＧＷ", "B15 2GW"),
        # I and O where only a digit can stand, 0 and 1 where only a letter can.
        ("BI5 2GW", "B15 2GW"),
        ("B1O OQP", "B10 0QP"),
        ("WV1O OQP", "WV10 0QP"),
        ("S014 3AA", "SO14 3AA"),
        ("S01 4AA", "SO1 4AA"),
        ("0X1 2AB", "OX1 2AB"),
        ("1P1 1AA", "IP1 1AA"),
        ("LI 4AB", "L1 4AB"),
        ("EIW 1AA", "E1W 1AA"),
        ("WIA 1AA", "W1A 1AA"),
        ("CRO 1AA", "CR0 1AA"),
        ("M1 IAE", "M1 1AE"),
        # Every shape there is.
        ("M1 1AE", "M1 1AE"),
        ("B33 8TH", "B33 8TH"),
        ("CR2 6XH", "CR2 6XH"),
        ("DN55 1PT", "DN55 1PT"),
        ("W1A 0AX", "W1A 0AX"),
        ("EC1A 1BB", "EC1A 1BB"),
        ("BT1 5GS", "BT1 5GS"),
    ],
)
def test_is_read(written: str, canonical: str) -> None:
    assert normalise_postcode(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "B15",
        "B15 2G",
        "B15 2GWX",
        "Q1 1AA",
        "BO1 1AA",  # neither area BO nor district B01 exists
        "B15 2CK",  # C and K never stand in an inward code
        "B15 2G0",  # nor does O, so 0 is not it
        "B15_2GW",
        "B15 2ГW",
        "unknown",
        "=B15 2GW",
        "B15 2GW" * 100,
        "٣B15 2GW",
    ],
)
def test_is_refused(written: str) -> None:
    assert normalise_postcode(written) is None


def test_a_postcode_in_much_blank_space_is_read() -> None:
    assert normalise_postcode(" " * 500 + "B15 2GW" + " " * 500) == "B15 2GW"


@pytest.mark.parametrize(
    ("written", "outward"),
    [("b15", "B15"), (" wv 10", "WV10"), ("BI5", "B15"), ("ec1a", "EC1A"), ("SO1", "SO1")],
)
def test_an_outward_code_is_read(written: str, outward: str) -> None:
    assert normalise_outward(written) == outward


@pytest.mark.parametrize("written", ["", "B", "B15 2GW", "B152", "15", "Birmingham", "BO1"])
def test_no_outward_code(written: str) -> None:
    assert normalise_outward(written) is None


def test_outward_code_of_a_postcode() -> None:
    assert outward_code("wv100qp") == "WV10"
    assert outward_code("WV10") is None


near_postcodes = st.text(alphabet="ABEGILMOQSWX0123589 \u00a0-.", max_size=10)


@given(st.text() | near_postcodes)
def test_no_text_is_too_odd_and_reading_again_changes_nothing(text: str) -> None:
    for read in (normalise_postcode, normalise_outward):
        canonical = read(text)
        if canonical is not None:
            assert read(canonical) == canonical
            assert canonical.isascii()
            assert canonical == canonical.upper().strip()


@given(st.from_regex(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}", fullmatch=True), st.data())
def test_case_and_spaces_never_matter(postcode: str, data: st.DataObject) -> None:
    spaced = "".join(
        (sign.lower() if data.draw(st.booleans()) else sign)
        + data.draw(st.sampled_from(["", " ", "\u00a0", "\t"]))
        for sign in postcode
    )
    assert normalise_postcode(spaced) == normalise_postcode(postcode)
