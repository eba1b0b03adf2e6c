"""The engine from a shell."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import matching
from matching import (
    Conflict,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Policy,
    Problem,
    Reason,
    Requirement,
    Result,
    Rotation,
    Share,
    Site,
    Tier,
    Trust,
    solve,
)
from matching import __main__ as command
from matching.__main__ import main
from matching.contents import contents
from matching.schema import SCHEMAS
from matching.summary import summary
from tests.matching.matching_problems import WEEKS, one_site

PAGE = Path(matching.__file__).with_name("README.md")
MODULE = [sys.executable, "-m", "matching"]


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "problem.json"
    assert main(["generate", "--size", "tiny", "--seed", "1", "-o", str(path)]) == 0
    return path


def test_generate_solve_verify(tiny, tmp_path, capsys):
    result = tmp_path / "result.json"
    assert main(["solve", str(tiny), "-o", str(result)]) == 0
    told = capsys.readouterr().err
    assert "status    optimal" in told
    assert "placed    37 of 48 (77.1%)" in told
    assert main(["verify", str(tiny), str(result)]) == 0
    assert "correct: 37 of 48 placed" in capsys.readouterr().out


def test_verify_tells_what_is_wrong_and_exits_1(tiny, tmp_path, capsys):
    result = tmp_path / "result.json"
    main(["solve", str(tiny), "-q", "-o", str(result)])
    whole = json.loads(result.read_text())
    keys = list(whole["assignment"])
    whole["assignment"] = dict.fromkeys(keys, whole["assignment"][keys[0]])
    result.write_text(json.dumps(whole))
    assert main(["verify", str(tiny), str(result)]) == 1
    found = capsys.readouterr().out
    assert "places: offer" in found
    key = keys[1]
    assert f"{key} (learner {key.split('-')[0]}):" in found


def test_a_policy_file_is_used(tiny, tmp_path, capsys):
    policy = tmp_path / "policy.json"
    policy.write_text('{"travel_limit": {"car": 0, "public_transport": 0}}')
    assert main(["solve", str(tiny), "--policy", str(policy)]) == 0
    assert "placed    0 of 48" in capsys.readouterr().err


def test_generate_writes_to_standard_output(capsys):
    assert main(["generate", "--size", "tiny"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"not json", "valid JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"version": 2}', "weeks"),
        (b"", "valid JSON"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_with_exit_2(tmp_path, capsys, content, words):
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["solve", str(path)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert "bad.json: " in err
    assert err.count("\n") == 1


def test_bad_options_are_refused(tiny, capsys):
    assert main(["generate", "--seed", "-1"]) == 2
    assert main(["generate", "--blocks", "99"]) == 2
    assert main(["solve", str(tiny), "--seconds", "0", "-q"]) == 0
    with pytest.raises(SystemExit) as found:
        main(["generate", "--size", "enormous"])
    assert found.value.code == 2


def test_it_runs_as_a_module_from_a_pipe(tiny):
    run = [*MODULE, "solve", "-", "-q"]
    done = subprocess.run(run, input=tiny.read_text(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["status"] == "optimal"
    assert done.stderr == ""


@pytest.mark.parametrize("what", SCHEMAS)
def test_schema_writes_a_schema(what, capsys, tmp_path):
    assert main(["schema", what]) == 0
    written = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(written)
    assert written == SCHEMAS[what]()
    assert main(["schema", what, "-o", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == written


def test_show_says_what_is_in_a_problem(tiny, capsys):
    assert main(["show", str(tiny)]) == 0
    shown = rows(capsys.readouterr().out)
    assert ["weeks", "4:", "2026-09-07", "to", "2026-09-28"] in shown
    assert ["diagnostic", "year", "1", "8", "16"] in shown
    assert ["B1", "ct", "7", "3.50"] in shown
    assert ["ct", "2026-09-07", "to", "2026-09-14", "(2)", "14", "14", "9.96"] in shown


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        (
            "requirements",
            {"weeks": [9]},
            "requirement 'R0' of learner 'L0': weeks[0] is 9; it must be a whole",
        ),
        ("requirements", {"learner": 5}, "requirement 'R0' of learner 5: learner is 5; it must be the key"),
        ("requirements", {"key": "R1"}, "requirement: key is 'R1'; it must be used by one requirement only"),
        ("learners", {"mode": "horse"}, "learner 'L0': mode is 'horse'; it must be car or public_transport"),
        ("offers", {"maximum": [1, 1, 1, -1]}, "offer 'O0': maximum[3] is -1; it must be a whole number"),
    ],
)
def test_an_error_names_file_learner_and_field(tmp_path, capsys, part, change, words):
    whole = json.loads(one_site().to_json())
    whole[part][0].update(change)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(whole))
    for asked in (["solve", str(path)], ["show", str(path)], ["verify", str(path), str(path)]):
        assert main(asked) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"python -m matching: {path}: {words}")
        assert told.err.count("\n") == 1


def test_a_result_that_cannot_be_used_is_refused_by_name(tiny, tmp_path, capsys):
    result = tmp_path / "result.json"
    for wrong in ({"status": "optimal"}, {"version": 2, "status": "optimal", "assignment": {"R": 7}}):
        result.write_text(json.dumps(wrong))
        assert main(["verify", str(tiny), str(result)]) == 2
        assert f"{result}: result: " in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["schema", "problem"], ["generate", "--size", "demo"]])
def test_a_broken_pipe_is_quiet(asked):
    """The reader of the pipe has gone before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*MODULE, *asked], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_broken_pipe_of_standard_error_is_quiet_too(tiny):
    reader, writer = os.pipe()
    os.close(reader)
    asked = [*MODULE, "solve", str(tiny), "-o", os.devnull]
    done = subprocess.run(asked, stderr=writer, stdout=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def ctrl_c_heard():
    """Ctrl-C as in a terminal: whatever a shell runs in the background ignores it, these tests perhaps."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_heard")
def test_ctrl_c_ends_a_solve_with_the_best_answer_so_far(tiny, tmp_path, monkeypatch):
    before, asked = signal.getsignal(signal.SIGINT), []

    def pressed(problem, policy, *, progress, stop):
        asked.append(stop())
        signal.raise_signal(signal.SIGINT)
        asked.append(stop())
        asked.append(stop.remaining())
        assert signal.getsignal(signal.SIGINT) == before
        return Result("cancelled")

    monkeypatch.setattr(command, "solve", pressed)
    assert main(["solve", str(tiny), "-q", "-o", str(tmp_path / "result.json")]) == 0
    assert asked == [False, True, 0.0]
    assert json.loads((tmp_path / "result.json").read_text())["status"] == "cancelled"

    def pressed_twice(problem, policy, *, progress, stop):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(command, "solve", pressed_twice)
    assert main(["solve", str(tiny), "-q"]) == 130
    assert signal.getsignal(signal.SIGINT) == before


def test_the_encoding_of_a_terminal_never_matters(tmp_path):
    path = tmp_path / "problem.json"
    odd = dataclasses.replace(
        one_site(), learners=tuple(Learner(f"L{i}", "\u0142\ud800", "1", "H") for i in "01")
    )
    path.write_text(odd.to_json())
    run = [*MODULE, "show", str(path)]
    done = subprocess.run(
        run, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"}, check=True
    )
    assert b"\\u0142" in done.stdout


def test_the_page_of_the_engine_is_true(tmp_path, monkeypatch, capsys):
    """Its Python runs, its commands run in order, its links lead somewhere."""
    page = PAGE.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.json").write_text("{}")
    for kind, text in re.findall(r"```(python)?\n(.*?)```", page, re.DOTALL):
        if kind:
            exec(compile(text, "README.md", "exec"), {})
        for line in text.splitlines():
            if line.startswith("python -m matching "):
                assert main(line.split()[3:]) == 0, line
    assert "correct: 37 of 48 placed" in capsys.readouterr().out
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 2
    assert all((PAGE.parent / link).exists() for link in links)


def test_the_engine_is_typed_for_those_who_import_it():
    assert PAGE.with_name("py.typed").is_file()


def everything() -> tuple[Problem, Policy, Result]:
    """A result with an educator, a floating block, a bed, a conflict and both kinds of reason."""
    problem = Problem(
        weeks=WEEKS,
        trusts=(Trust("T", (9,) * 4),),
        sites=(Site("S", "T", accommodation=(1,) * 4),),
        departments=(
            Department("D", "S", "ct", wte=(1.0,) * 4),
            Department("D2", "S", "mri", places=(1,) * 4),
        ),
        offers=(
            Offer("O", "D", preferred=(1,) * 4, maximum=(4, 4, 2, 2)),
            Offer("O2", "D2", preferred=(2,) * 4, maximum=(3,) * 4),
        ),
        learners=(
            Learner("near", "a", "1", "H"),
            Learner("far", "b", "2", "H2", "public_transport", accommodation=True),
        ),
        requirements=(
            Requirement("R", "near", "B1", ("ct",), (0, 1), 1.5),
            Requirement("F", "near", "", ("ct", "mri"), (), 0.5, 2, "X"),
            Requirement("G", "far", "B1", ("ct",), (0,), 0.5, 2),
            Requirement("U", "near", "B2", ("mri",), (2,), 0.5, 3),
            Requirement("V", "far", "B2", ("mri",), (2,), 0.5, 3),
        ),
        locks=(Lock("U", "D2", "pin"), Lock("V", "D2", "ban")),
        travel_minutes=np.array([[25], [200]], np.uint16),
        educators=(Educator("E", ("D", "D2"), (1.25,) * 4),),
        rotations=(Rotation("X", "near", ("P", "Q"), ((2,), (3,))),),
    )
    result = Result(
        "gap",
        assignment={"R": "O", "F": "O2", "G": "O"},
        unplaced={
            "U": Reason("shortage", {"S": "offer_weeks"}, ("D2",), ("U", "V"), (), False),
            "V": Reason("rules", {"S": "locks"}),
        },
        tiers=(Tier("unplaced_priority_3", 2, 1, 0.5), Tier("travel", 25_000, 25_000, 0.0)),
        blocks={"F": "Q"},
        shares=(
            Share("E", "D", WEEKS[0], 1.0),
            Share("E", "D2", WEEKS[0], 0.25),
            Share("E", "D2", WEEKS[3], 0.5),
        ),
        conflicts=(Conflict((Lock("U", "D2", "pin"),), ("places",), ("U",)),),
        seconds=1.5,
    )
    return problem, Policy(tiers=({"travel": 1},)), result


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_summary_counts_everything():
    told = rows(summary(*everything()))
    for row in (
        "status gap in 1.50 s",
        "placed 3 of 5 (60.0%)",
        "group a 2 3 66.7%",
        "group b 1 2 50.0%",
        "priority 1 1 1 100.0%",
        "priority 2 2 2 100.0%",
        "priority 3 0 2 0.0%",
        "unplaced_priority_3 2 1 50.000%",
        "travel 25 25 points 0.000%",
        "journeys median 25 min one way, 95th percentile 25 min, longest 25 min",
        "beds 1 placed beyond the travel limit, with a bed",
        "D 2026-09-14 1 4 1.50 1.00 150%",
        "D2 2026-09-28 1 1 0.50 0.50 100%",
        "E 2026-09-07 2 1.25 1.25",
        "floating 1 of 1 placed in a block of their rotation",
        "Q 1",
        "unplaced 2: 1 by shortage (0 proven by counting), 1 by rules",
        "locks 1 1",
        "offer_weeks 1 1",
        "conflict pin U D2: against places",
    ):
        assert row.split() in told, row


def test_the_contents_count_everything():
    told = rows(contents(everything()[0]))
    for row in (
        "weeks 4: 2026-09-07 to 2026-09-28",
        "contents 1 trust, 1 site, 2 departments, 2 offers, 2 learners, 5 requirements",
        "a 1 1 3",
        "b 2 1 2",
        "of 2 HEIs; 1 by car, 1 by public transport; 2 journeys, median 112 min",
        "(floating) ct or mri 1 0.50",
        "B1 ct 2 2.00",
        "B2 mri 2 1.00",
        "ct 2026-09-07 to 2026-09-14 (2) 1 4 1.00",
        "ct 2026-09-21 to 2026-09-28 (2) 1 2 1.00",
        "mri 2026-09-07 to 2026-09-28 (4) 1 1 0.00",
        "1 department without WTE of its own",
    ):
        assert row.split() in told, row
    for words in ("1 educator with up to 1.25 WTE for 2 departments", "1 site with beds", "1 pin; 1 ban"):
        assert words in contents(everything()[0])


def test_both_fit_a_hundred_columns_whatever_the_keys():
    problem, policy, result = everything()
    long = "a very long key " * 12
    whole, answer = problem.to_json(), result.to_json()
    for key in ("D2", "E", "S", "Q", "B1", "ct", "H2"):
        whole, answer = (text.replace(f'"{key}"', f'"{key}{long}"') for text in (whole, answer))
    problem, result = Problem.from_json(whole), Result.from_json(answer)
    for text in (summary(problem, policy, result), contents(problem)):
        assert max(map(len, text.splitlines())) <= 100
        assert "a very lo.." in text or "a very long" in text


def test_no_key_can_move_the_cursor():
    odd = Learner("L0", "a\x1b[2Jb\n", "1", "H"), Learner("L1", "a", "1", "H")
    problem = dataclasses.replace(one_site(), learners=odd)
    result = Result("optimal", {"R0": "O0"}, {"R1": Reason("rules", {"S0": "locks"})})
    for text in (summary(problem, Policy(), result), contents(problem)):
        assert "\x1b" not in text
        assert "a?[2Jb?" in text


def test_an_empty_problem_has_a_sensible_page_of_each():
    empty = Problem((), (), (), (), (), (), (), travel_minutes=np.zeros((0, 0)))
    assert contents(empty) == (
        "weeks     0\ncontents  0 trusts, 0 sites, 0 departments, 0 offers, 0 learners, 0 requirements"
    )
    told = rows(summary(empty, Policy(), solve(empty)))
    assert ["placed", "0", "of", "0"] in told
    assert ["cost", "0", "0", "points", "0.000%"] in told
    assert all("nan" not in " ".join(row).lower() for row in told)
    nobody = one_site(learners=0)
    assert "0 learners" in contents(nobody)
