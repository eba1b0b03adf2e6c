"""A matrix of travel times that overrides the estimate: what is read, what is refused, what it changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placements.geography import uploads
from placements.geography.matrix import (
    MatrixReading,
    TravelOrigin,
    TravelSite,
    TravelTimes,
    parse_matrix,
)
from placements.geography.postcodes import Point
from placements.geography.travel import estimate_matrix
from placements.geography.uploads import MatrixOverride, MatrixRefusal, site_key

SITES = {
    "New Cross Hospital": "WV10 0QP",
    "The County Hospital, Hereford": "HR1 2ER",
    "County Hospital, Stafford": "ST16 3SA",
    "Midlands Imaging Training Academy, County Hospital, Stafford": "ST16 3SA",
}
HEADER = "origin,site,mode,minutes\n"


def read(text: str, sites: dict[str, str] | None = None) -> MatrixReading:
    return parse_matrix(text.encode(), sites)


def only_refusal(reading: MatrixReading) -> MatrixRefusal:
    (refusal,) = reading.refusals
    assert refusal.why
    assert refusal.right
    return refusal


def test_a_plain_matrix_is_read() -> None:
    reading = read(HEADER + "b152gw,New Cross Hospital,car,42\nB15,wv10 0qp,Public Transport,75\n", SITES)
    assert reading.refusals == ()
    assert reading.overrides == (
        MatrixOverride("B15 2GW", "new cross hospital", "car", 42, 2),
        MatrixOverride("B15", "WV10 0QP", "public_transport", 75, 3),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_delimiters_and_line_ends_of_spreadsheets(
    encoding: str, delimiter: str, line_end: str
) -> None:
    name = "King’s Café"
    lines = [
        ["Minutes", "MODE", "Site name", "Home postcode", "Note"],
        ["35", "Driving", name, "B15\u00a02GW", ""],
    ]
    text = line_end.join(delimiter.join(cells) for cells in lines) + line_end * 2
    reading = parse_matrix(text.encode(encoding))
    assert reading == MatrixReading((MatrixOverride("B15 2GW", site_key(name), "car", 35, 2),), ())


def test_the_line_by_which_excel_names_its_delimiter_is_obeyed() -> None:
    reading = read("sep=;\r\norigin;site;mode;minutes\r\nB15;WV10 0QP;car;12\r\nB15;WV10 0QP;car;x\r\n")
    assert [override.line for override in reading.overrides] == [3]
    assert only_refusal(reading).line == 4


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("0", 0),
        ("600", 600),
        (" 35 ", 35),
        ("35.0", 35),
        ('"35,00"', 35),
        ("35 min", 35),
        ("35 minutes", 35),
        ("007", 7),
    ],
)
def test_minutes_as_written(written: str, minutes: int) -> None:
    (override,) = read(HEADER + f"B15,WV10 0QP,car,{written}\n").overrides
    assert override.minutes == minutes


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("-1", "less than no time"),
        ("601", "more than 600"),
        ("1000000000", "more than 600"),
        ("9" * 400, "more than 600"),
        ("two", "no number"),
        ("35.5", "not a whole number"),
        ("1:05", "time of day"),
        ("", "empty"),
        ("=2+3", "no number"),
        ("1e2", "no number"),
        ("NaN", "no number"),
    ],
)
def test_minutes_that_are_none(written: str, why: str) -> None:
    reading = read(HEADER + f"B15,WV10 0QP,car,{written}\n")
    assert reading.overrides == ()
    refusal = only_refusal(reading)
    assert (refusal.line, refusal.column) == (2, "minutes")
    assert refusal.value in (written, written[:60] + "…")
    assert why in refusal.why
    assert "0 to 600" in refusal.right


def test_every_wrong_cell_of_a_line_is_named_and_good_lines_are_kept() -> None:
    reading = read(
        HEADER + "nowhere,Newcross Hospital,rocket,soon\n\nB15,New Cross Hospital,car,30\n=cmd,,,\n", SITES
    )
    assert [override.minutes for override in reading.overrides] == [30]
    assert [(refusal.line, refusal.column) for refusal in reading.refusals] == [
        (line, column) for line in (2, 5) for column in ("origin", "site", "mode", "minutes")
    ]
    by_column = {refusal.column: refusal for refusal in reading.refusals if refusal.line == 2}
    assert by_column["origin"].value == "nowhere"
    assert "B15 2GW" in by_column["origin"].right
    assert "New Cross Hospital" in by_column["site"].right
    assert "public transport" in by_column["mode"].right


def test_a_postcode_that_is_no_sites_is_refused_where_the_sites_are_known() -> None:
    assert read(HEADER + "B15,B15 2GW,car,30\n").refusals == ()
    assert "No site has this postcode" in only_refusal(read(HEADER + "B15,B15 2GW,car,30\n", SITES)).why


def test_the_same_journey_twice_is_refused_the_second_time() -> None:
    reading = read(
        HEADER + "B15 2GW,New Cross Hospital,car,30\nb152gw,NEW CROSS  hospital,driving,31\n"
        "B15 2GW,New Cross Hospital,bus,60\nB15,New Cross Hospital,car,33\n"
    )
    assert [override.line for override in reading.overrides] == [2, 4, 5]
    refusal = only_refusal(reading)
    assert refusal.line == 3
    assert "Line 2 already" in refusal.why


def test_a_name_with_a_comma_needs_quotation_marks() -> None:
    reading = read(
        HEADER + 'HR1,"The County Hospital, Hereford",car,9\nHR2,The County Hospital, Hereford,car,9\n', SITES
    )
    assert [override.site for override in reading.overrides] == ["the county hospital hereford"]
    refusal = only_refusal(reading)
    assert refusal.line == 3
    assert "quotation marks" in refusal.right


def test_a_cell_over_two_lines_does_not_shift_the_numbers() -> None:
    reading = read(HEADER + 'B15,"New Cross\nHospital",car,9\nB15,WV10 0QP,car,none\n', SITES)
    assert [override.site for override in reading.overrides] == ["new cross hospital"]
    assert only_refusal(reading).line == 4


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n \n\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (HEADER.encode(), "no line below"),
        (b"PK\x03\x04 and so on", "workbook"),
        (b"origin\x00site", "not text"),
        (HEADER.encode() + b'B15,"WV10 0QP,car,30\nB16,WV10 0QP,car,30\n', "cannot be read from this line"),
        (HEADER.encode() + b"B15,WV10 0QP,car," + b"9" * 200_000, "cannot be read from this line"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(content: bytes, why: str) -> None:
    reading = parse_matrix(content)
    assert reading.overrides == ()
    assert why in only_refusal(reading).why


def test_an_open_quotation_mark_is_named_by_its_line() -> None:
    reading = read(HEADER + 'B15,WV10 0QP,car,30\nB16,"WV10 0QP,car,30\nB17,WV10 0QP,car,30\n')
    assert reading.overrides == ()
    assert only_refusal(reading).line == 3


def test_a_file_too_big_is_refused_unread() -> None:
    refusal = only_refusal(parse_matrix(HEADER.encode() + b"x" * 50_000_000))
    assert "50 MB" in refusal.why
    assert "10 MB" in refusal.right


def test_missing_and_doubled_columns_are_named() -> None:
    reading = read("Postcode,from,site\nB15,B15,WV10 0QP\n")
    assert reading.overrides == ()
    assert [refusal.column for refusal in reading.refusals] == ["origin", "mode", "minutes"]
    assert "both name the origin" in reading.refusals[0].why
    assert "origin, site, mode, minutes" in reading.refusals[1].right


def test_reading_stops_after_very_many_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_REFUSALS", 10)
    reading = read(HEADER + "x,WV10 0QP,car,1\n" * 50)
    assert len(reading.refusals) == 11
    assert "stopped" in reading.refusals[-1].why


@given(
    st.binary(max_size=400)
    | st.text(alphabet='origin,site;mode\tminutes"\n\rB15 2GWcar3 ', max_size=300).map(str.encode)
)
def test_no_file_is_too_odd(content: bytes) -> None:
    reading = parse_matrix(content)
    assert reading.overrides or reading.refusals
    with_header = parse_matrix(HEADER.encode() + content)
    assert with_header.overrides or with_header.refusals


ORIGINS = [
    TravelOrigin("B15 2GW", Point(52.4518, -1.9426)),
    TravelOrigin("b15 3tn", Point(52.4682, -1.9260)),
    TravelOrigin("HR1 2ER", Point(52.0585, -2.7078)),
]
STAFFORD = Point(52.8113, -2.0978)
PLACES = [
    TravelSite("New Cross Hospital", "WV10 0QP", Point(52.5997, -2.0956)),
    TravelSite("County Hospital, Stafford", "ST163SA", STAFFORD),
    TravelSite("Midlands Imaging Training Academy, County Hospital, Stafford", "ST16 3SA", STAFFORD),
]


def test_without_a_matrix_every_figure_is_an_estimate() -> None:
    table = TravelTimes().table(ORIGINS, PLACES, "car")
    estimated = estimate_matrix([origin.point for origin in ORIGINS], [site.point for site in PLACES], "car")
    assert table.mode == "car"
    assert table.minutes.tolist() == estimated.tolist()
    assert not table.uploaded.any()
    assert table.source(0, 0) == "estimated"


def test_uploaded_figures_replace_estimates_and_say_so() -> None:
    reading = read(
        HEADER
        # In an order that would go wrong if the last line simply won.
        + 'B15 2GW,"County Hospital, Stafford",car,51\n'
        + "B15 2GW,ST16 3SA,car,52\n"
        + "B15,ST16 3SA,car,53\n"
        + 'B15,"County Hospital, Stafford",car,54\n'
        + "B15,New Cross Hospital,public transport,99\n"
        + "M1,New Cross Hospital,car,77\n"
        + "HR1,Nowhere Hospital,car,1\n"
    )
    assert reading.refusals == ()
    times = TravelTimes(reading.overrides)

    car = times.table(ORIGINS, PLACES, "car")
    estimated = TravelTimes().table(ORIGINS, PLACES, "car").minutes
    assert car.minutes[0].tolist() == [estimated[0, 0], 51, 52]
    assert car.minutes[1].tolist() == [estimated[1, 0], 54, 53]
    assert car.minutes[2].tolist() == estimated[2].tolist()
    assert car.uploaded.tolist() == [[False, True, True], [False, True, True], [False, False, False]]
    assert [car.source(0, 0), car.source(0, 1)] == ["estimated", "uploaded"]

    by_train = times.table(ORIGINS, PLACES, "public_transport")
    assert by_train.minutes[:2, 0].tolist() == [99, 99]
    assert by_train.uploaded.sum() == 2


def test_an_uploaded_figure_may_be_nought_and_the_longest() -> None:
    times = TravelTimes(read(HEADER + "B15,WV10 0QP,car,0\nHR1 2ER,WV10 0QP,car,600\n").overrides)
    assert times.table(ORIGINS, PLACES, "car").minutes[:, 0].tolist() == [0, 0, 600]


def test_no_origins_or_sites() -> None:
    times = TravelTimes(read(HEADER + "B15,WV10 0QP,car,0\n").overrides)
    assert times.table([], PLACES, "car").minutes.shape == (0, 3)
    assert times.table(ORIGINS, [], "car").uploaded.shape == (3, 0)
