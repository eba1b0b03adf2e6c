"""Faults once found in the engine, each held by the case that showed it."""

import json
import subprocess
import sys

from matching import Result
from matching.generate_year import generate_year


def test_standard_output_is_the_result_alone_where_a_part_is_an_integer_program(tmp_path):
    problem = tmp_path / "problem.json"
    problem.write_text(generate_year("tiny", seed=3).to_json())
    run = [sys.executable, "-m", "matching", "solve", str(problem), "-q"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["paths"]["integer"]
    assert Result.from_json(done.stdout).to_json() == done.stdout.strip()
    assert done.stderr == ""
