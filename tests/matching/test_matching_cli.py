"""The engine from a shell."""

import json
import subprocess
import sys

import pytest

from matching.__main__ import main


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "problem.json"
    assert main(["generate", "--size", "tiny", "--seed", "1", "-o", str(path)]) == 0
    return path


def test_generate_solve_verify(tiny, tmp_path, capsys):
    result = tmp_path / "result.json"
    assert main(["solve", str(tiny), "-o", str(result)]) == 0
    summary = capsys.readouterr().err
    assert "status    optimal" in summary
    assert "placed    37 of 48" in summary
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
    assert "places: offer" in capsys.readouterr().out


def test_a_policy_file_is_used(tiny, tmp_path, capsys):
    policy = tmp_path / "policy.json"
    policy.write_text('{"travel_limit": {"car": 0, "public_transport": 0}}')
    assert main(["solve", str(tiny), "--policy", str(policy)]) == 0
    assert "placed    0 of 48" in capsys.readouterr().err


def test_generate_writes_to_standard_output(capsys):
    assert main(["generate", "--size", "tiny"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 2


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
    assert err.count("\n") == 1


def test_bad_options_are_refused(tiny, capsys):
    assert main(["generate", "--seed", "-1"]) == 2
    assert main(["generate", "--blocks", "99"]) == 2
    assert main(["solve", str(tiny), "--seconds", "0", "-q"]) == 0
    with pytest.raises(SystemExit) as found:
        main(["generate", "--size", "enormous"])
    assert found.value.code == 2


def test_it_runs_as_a_module_from_a_pipe(tiny):
    run = [sys.executable, "-m", "matching", "solve", "-", "-q"]
    done = subprocess.run(run, input=tiny.read_text(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["status"] == "optimal"
    assert done.stderr == ""
