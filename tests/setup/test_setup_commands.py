"""The `placements` command: what it does, and every foreseeable fault in words."""

import socket
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from placements import migrations
from placements.cli import main
from placements.extensions import db
from placements.settings import read_settings
from tests.browser.regions import make_matched_region
from tests.factories import NetworkFactory, saved

NEWER = "2099_01_01_from_the_future"


class Shell:
    """A command line with an empty folder of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.environ = {"PLACEMENTS_VAR": str(var)}

    def __call__(self, *arguments: str, typed: str = "", **environ: str) -> Result:
        result = CliRunner().invoke(main, arguments, input=typed, env=self.environ | environ)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    def refuses(self, *arguments: str, typed: str = "", **environ: str) -> str:
        """The words of a refusal, which ends with status 1."""
        result = self(*arguments, typed=typed, **environ)
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "var")


def make_newer(var: Path) -> None:
    """Leave the database as a newer version of the code would."""
    engine = sa.create_engine(f"sqlite:///{var / 'placements.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{NEWER}'")
    engine.dispose()


def test_every_command_is_explained(shell: Shell) -> None:
    for name, command in main.commands.items():
        assert command.help, name
        assert shell(name, "--help").exit_code == 0


def test_the_tables_go_up_and_down(shell: Shell) -> None:
    assert "no tables yet" in shell.refuses("check")
    assert migrations.heads()[0] in shell("upgrade").output
    assert shell("check").exit_code == 0
    assert "at none" in shell("downgrade", "base").output
    assert "no tables yet" in shell.refuses("check")
    assert shell("upgrade").exit_code == 0
    assert "no_such" in shell.refuses("downgrade", "no_such")


def test_a_database_made_by_newer_code_is_left_alone(shell: Shell) -> None:
    shell("upgrade")
    make_newer(shell.var)
    for command in ("upgrade", "check", "site", "worker", "serve", "load-reference"):
        assert "newer version" in shell.refuses(command), command
    assert "newer version" in shell.refuses("serve", "--with-demo")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PLACEMENTS_PORT", "abc", "PLACEMENTS_PORT is 'abc': it must be a whole number from 1 to 65535"),
        ("PLACEMENTS_PORT", "70000", "from 1 to 65535"),
        ("PLACEMENTS_SECURE_COOKIES", "yes", "it must be on or off"),
        ("PLACEMENTS_SITE_PROCESSES", "2", "PLACEMENTS_SITE_PROCESSES"),
        ("PLACEMENTS_DATABASE_URL", "mysql://me:secret@there/data", "must begin with sqlite:///"),
        ("PLACEMENTS_DATABASE_URL", "data.sqlite", "must begin with sqlite:///"),
        ("PLACEMENTS_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite", "unable to open database file"),
        ("PLACEMENTS_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/data", "refused"),
    ],
)
def test_a_wrong_setting_is_named(shell: Shell, name: str, value: str, words: str) -> None:
    for command in ("check", "upgrade", "serve", "worker"):
        refusal = shell.refuses(command, **{name: value})
        assert words in refusal
        assert "secret" not in refusal


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refusal = Shell(tmp_path / "file" / "var").refuses("upgrade")
    assert str(tmp_path / "file" / "var") in refusal


def test_a_file_that_is_no_database_is_said_to_be_none(shell: Shell) -> None:
    shell.var.mkdir()
    (shell.var / "placements.sqlite").write_text("something else altogether" * 100)
    assert "not a database" in shell.refuses("check")
    assert "not a database" in shell.refuses("upgrade")
    assert "not a database" in shell.refuses("serve", "--with-demo")
    assert "something else" in (shell.var / "placements.sqlite").read_text()


def test_a_port_that_is_taken_is_named_before_anything_is_made(shell: Shell) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refusal = shell.refuses("serve", "--with-demo", PLACEMENTS_PORT=port)
        assert f"port {port} of 127.0.0.1" in refusal
        assert f"make run PORT={int(port) + 1}" in refusal
        assert not (shell.var / "placements.sqlite").exists()
        assert port in shell.refuses("site", PLACEMENTS_PORT=port)


def test_an_administrator_is_made_by_hand(shell: Shell) -> None:
    typed = "Ada@example.nhs.uk\nAda\n{0}\n{0}\n"
    shell("upgrade")
    assert "load-reference" in shell.refuses("create-administrator", typed=typed.format("a long password"))
    assert shell("load-reference").exit_code == 0
    assert "12 to 128" in shell.refuses("create-administrator", typed=typed.format("short"))
    made = shell("create-administrator", typed=typed.format("a long password"))
    assert "ada@example.nhs.uk can sign in" in made.output
    assert "a long password" not in made.output
    assert "already" in shell.refuses("create-administrator", typed=typed.format("a long password"))


def test_reference_data_may_be_loaded_again(shell: Shell) -> None:
    shell("upgrade")
    assert shell("load-reference").exit_code == 0
    assert shell("load-reference").exit_code == 0


def test_a_travel_matrix_is_used_whole_or_refused_line_by_line(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "matrix.csv"
    file.write_text("origin,site,mode,minutes\nB15,Good Hope Hospital,car,31\nB15,Nowhere,car,ten\n")
    shell("upgrade")
    assert "load-reference" in shell.refuses("load-travel-matrix", str(file))
    shell("load-reference")
    words = shell.refuses("load-travel-matrix", str(file))
    assert "Nothing was loaded" in words
    assert "line 3, site: 'Nowhere'" in words
    assert "line 3, minutes: 'ten'" in words
    file.write_text("origin,site,mode,minutes\nB15,Good Hope Hospital,car,31\n")
    assert "Travel times in use: 1." in shell("load-travel-matrix", str(file)).output


def test_postgresql_is_reached_by_its_usual_names(tmp_path: Path) -> None:
    for name in ("postgres", "postgresql", "postgresql+psycopg"):
        settings = read_settings(
            {"PLACEMENTS_VAR": str(tmp_path), "PLACEMENTS_DATABASE_URL": f"{name}://a@b/c"}
        )
        assert settings.database_url == "postgresql+psycopg://a@b/c"


def test_the_site_is_ready_only_over_its_own_tables(client: FlaskClient) -> None:
    NetworkFactory()
    saved()
    assert client.get("/ready").get_json() == {"status": "ready"}
    db.session.execute(sa.text(f"UPDATE alembic_version SET version_num = '{NEWER}'"))
    db.session.commit()
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "newer version" in answer.get_json()["reason"]
    assert client.get("/health").status_code == 200


def test_a_run_is_solved_again_and_told_apart(shell: Shell) -> None:
    shell.var.mkdir()
    make_matched_region(shell.var)
    same = shell("reproduce", "1")
    assert same.exit_code == 0
    assert "The same, byte by byte" in same.output
    assert "There is no such run." in shell.refuses("reproduce", "9")
    engine = sa.create_engine(f"sqlite:///{shell.var / 'placements.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """UPDATE run SET result = replace(result, '"status":"optimal"', '"status":"gap"')"""
        )
    engine.dispose()
    assert "Not the same." in shell.refuses("reproduce", "1")
