"""The benchmarks run, count only what the checker passes, and say so when a contender fails."""

import json
import os
import signal

import pytest

from benchmarks import growth, printing, year
from benchmarks.apart import Failed, apart, at_most, peak_mb


def test_a_contender_has_its_own_process_and_memory():
    assert apart(os.getpid) != os.getpid()
    assert 1 < apart(peak_mb) < 10_000


def test_a_contender_that_fails_says_how():
    with pytest.raises(Failed, match="ValueError: invalid literal"):
        apart(int, "seven")
    with pytest.raises(Failed, match="ended with code 3"):
        apart(os._exit, 3)
    with pytest.raises(Failed, match="no answer after 1 s"):
        apart(signal.pause, most_seconds=1.0)


def never_stops() -> None:
    """A contender that does not look at its clock."""
    with at_most(-6.6):  # half as long again and ten seconds: a tenth of a second
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        while True:
            pass


def test_a_contender_that_does_not_stop_is_ended():
    with pytest.raises(Failed, match="did not stop in its time"):
        apart(never_stops, most_seconds=60.0)


def test_the_slope_is_the_power_of_the_size():
    points = [(n, 3e-5 * n**1.5) for n in (125, 250, 500, 1000)]
    assert growth.slope(points) == pytest.approx(1.5)
    assert growth.slope(points[:2]) is None


def test_what_did_not_end_counts_for_no_slope():
    rows = [
        {"what": "flow", "contender": "ours", "learners": n, "seconds": n / 1000, "ended": n < 1000}
        for n in (125, 250, 500, 1000)
    ]
    (found,) = growth.slopes(rows)
    assert (found["points"], found["to_learners"]) == (3, 500)
    assert found["slope"] == pytest.approx(1.0)


def row(*values: int, wrong: tuple[str, ...] = ()) -> dict:
    return {"wrong": list(wrong), "tiers": [{"value": value} for value in values]}


def test_ours_is_beaten_only_by_a_better_answer_in_the_order_of_the_tiers():
    assert not year.worse([row(1, 5), row(1, 6), row(2, 0)])
    assert year.worse([row(1, 5), row(1, 4)])
    assert not year.worse([row(1, 5), row(1)]), "a peer asked for the first tier alone"
    assert year.worse([row(1, 5), row(0)])
    assert not year.worse([row(1, 5), row()]), "no answer"
    assert year.worse([row(1, 5, wrong=("places",))])


def test_a_table_is_aligned_and_leaves_empty_what_there_is_not():
    lines = printing.table(("who", "n", "ended"), [("ours", 1234, True), ("its", None, False)]).splitlines()
    assert lines == ["who       n  ended", "ours  1,234    yes", "its             no"]
    assert printing.ratio(3, 2) == "1.50"
    assert printing.ratio(1.0002, 1) == "1.0002"
    assert printing.ratio(0, 0) == "1.00"


def test_a_year_is_measured_beside_a_peer_and_both_pass_the_checker(capsys):
    asked = ["--size", "tiny", "--seconds", "30", "--cores", "1", "--peers", "highs all", "--json"]
    assert year.main(asked) == 0
    ours, peer = map(json.loads, capsys.readouterr().out.splitlines())
    assert (ours["contender"], ours["status"], ours["wrong"]) == ("ours", "optimal", [])
    assert (peer["contender"], peer["wrong"]) == ("highs all", [])
    assert [tier["gap"] for tier in ours["tiers"]] == [0.0] * len(ours["tiers"])
    assert ours["first_s"] <= ours["seconds"]
    for mine, its in zip(ours["tiers"], peer["tiers"], strict=True):
        assert (mine["name"], mine["proved_s"] <= ours["seconds"]) == (its["name"], True)
        assert its["ratio"] >= 1
    assert peer["peak_mb"] > 10
