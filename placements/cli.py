"""The `placements` command: what an operator does. Faults are said in words, with exit status 1."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click
import psycopg
import sqlalchemy as sa
from alembic.util import CommandError
from flask import Flask
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from placements import create_app, migrations, serving
from placements.access import SYSTEM, Role, Viewer
from placements.errors import PlacementsError, Refused
from placements.extensions import db
from placements.readiness import database_fault, findings, first_line
from placements.settings import Settings, read_settings


class InWords(click.Group):
    """A group of commands whose foreseeable faults end in a sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refusal:
            lines = [refusal.message, *(f"  {field}: {words}" for field, words in refusal.fields.items())]
            raise click.ClickException("\n".join(lines)) from None
        except PlacementsError as refusal:
            raise click.ClickException(refusal.message) from None
        except (DBAPIError, psycopg.Error) as error:
            raise click.ClickException(f"The database could not be used: {first_line(error)}.") from None
        except CommandError as error:
            raise click.ClickException(f"The tables could not be moved: {error}.") from None
        except OSError as error:
            what = f"{error.filename} could not be used" if error.filename else "The system refused"
            raise click.ClickException(f"{what}: {(error.strerror or str(error)).lower()}.") from None


@click.group(cls=InWords)
def main() -> None:
    """Placements: serve it and look after it. Settings come from the environment (PLACEMENTS_...)."""
    if serving.UNDER_SERVE in os.environ:
        serving.end_with_parent(signal.SIGTERM)


class SignIn(NamedTuple):
    """An account that the demo loader made."""

    role: str
    name: str
    email: str
    password: str


def _settings() -> Settings:
    try:
        return read_settings()
    except ValueError as error:
        raise click.ClickException(f"{error}.") from None


@contextmanager
def _engine(settings: Settings) -> Iterator[sa.Engine]:
    """The database alone, for what must work before there are any tables."""
    engine = sa.create_engine(settings.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _application(settings: Settings) -> Iterator[Flask]:
    """The application's context, over a database that is fit to use."""
    app = create_app(settings)
    with app.app_context():
        try:
            if fault := database_fault(db.engine):
                raise click.ClickException(f"The database cannot be used. {fault}")
            yield app
        finally:
            db.session.close()
            for engine in db.engines.values():
                engine.dispose()


@main.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database's tables to REVISION, by default the newest."""
    with _engine(_settings()) as engine:
        before = migrations.current(engine)
        if before is not None and not migrations.is_known(before):
            raise click.ClickException(f"The database was not touched. {database_fault(engine)}")
        migrations.upgrade(engine, revision)
        click.echo(f"The tables are at {migrations.current(engine)} (before: {before or 'none'}).")


@main.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database's tables back to REVISION; `base` is before the first."""
    with _engine(_settings()) as engine:
        migrations.downgrade(engine, revision)
        click.echo(f"The tables are at {migrations.current(engine) or 'none'}.")


@main.command()
@click.argument("subject")
def revision(subject: str) -> None:
    """Write a migration about SUBJECT from what the models have and the database lacks."""
    with _engine(_settings()) as engine:
        migrations.write_revision(engine, subject)


@main.command("load-reference")
def load_reference() -> None:
    """Load trusts, ICBs, sites, HEIs and the rest from seeds/; safe to run again."""
    with _application(_settings()):
        _load_reference()


@main.command("load-demo")
def load_demo() -> None:
    """Load a demo round and one account a role; the reference data has to be there."""
    settings = _settings()
    with _application(settings):
        _load_demo(settings)
    click.echo(_sign_ins(settings))


@main.command()
@click.argument("run", type=int)
def reproduce(run: int) -> None:
    """Solve the finished RUN again from what it kept; exit status 1 unless the same comes of it."""
    from placements.scenarios.reproducing import reproduce as solve_again

    with _application(_settings()):
        found = solve_again(db.session, run)
    click.echo(f"{found.words}\nthen {found.before}\nnow  {found.again}")
    if not found.is_same:
        sys.exit(1)


@main.command()
@click.option("--with-demo", is_flag=True, help="Prepare the database first; an empty one gets a demo round.")
def serve(with_demo: bool) -> None:
    """Run the site and the worker together until Ctrl-C."""
    settings = _settings()
    if fault := serving.port_fault(settings):
        raise click.ClickException(fault)
    announcement = f"Placements is at {serving.address_of(settings)}"
    if with_demo:
        _prepare(settings)
        announcement += f"\n\n{_sign_ins(settings)}\n\nCtrl-C stops it."
    _require_ready(settings)
    sys.exit(serving.run_both(announcement))


@main.command()
def site() -> None:
    """Run the site alone."""
    settings = _settings()
    if fault := serving.port_fault(settings):
        raise click.ClickException(fault)
    _require_ready(settings)
    serving.Site(settings, lambda: create_app(settings)).run()


@main.command()
def worker() -> None:
    """Run a worker alone: it does the queue's jobs, one at a time."""
    settings = _settings()
    with _application(settings):
        pass
    serving.run_worker(create_app(settings))


@main.command()
def check() -> None:
    """Say whether the settings, the folder, the database and the front-end files are right."""
    settings = _settings()
    click.echo("right  settings")
    wrong = False
    with _engine(settings) as engine:
        for finding in findings(settings, engine):
            click.echo(f"{'wrong' if finding.fault else 'right'}  {finding.what}")
            if finding.fault:
                wrong = True
                click.echo(f"       {finding.fault}")
    if wrong:
        sys.exit(1)


@main.command("create-administrator")
@click.option("--email", prompt="E-mail address")
@click.option("--name", prompt="Name")
@click.password_option("--password", help="Asked for where it is not given, which is safer.")
def create_administrator(email: str, name: str, password: str) -> None:
    """Make an administrator's account, who can make the others in the site."""
    from placements.accounts import service

    with _application(_settings()):
        network_id = _network_id()
        shell = Viewer(None, "placements create-administrator", Role.ADMINISTRATOR, network_id=network_id)
        new = service.NewPerson(email, name, Role.ADMINISTRATOR, password, network_id=network_id)
        click.echo(f"{service.create_person(shell, new).email} can sign in as administrator.")


@main.command("load-travel-matrix")
@click.argument("file", type=click.File("rb"))
def load_travel_matrix(file: BinaryIO) -> None:
    """Use the travel minutes of FILE, a CSV, instead of estimates: origin, site, mode, minutes.

    An origin is a postcode or an outward code, a site a name or a postcode, a mode car or public transport.
    The file replaces the one before it; where a line cannot be used nothing changes.
    """
    from placements.organisations import service

    with _application(_settings()):
        loaded = service.load_travel_matrix(SYSTEM, _network_id(), file.read())
        click.echo(f"Travel times in use: {loaded:,}. Every other journey is estimated.")


def _network_id() -> int:
    from placements.organisations.models import Network

    network_id = db.session.scalar(sa.select(Network.id).order_by(Network.id))
    if network_id is None:
        raise click.ClickException("There is no network yet: run `placements load-reference` first.")
    return network_id


def _require_ready(settings: Settings) -> None:
    with _engine(settings) as engine:
        faults = [
            f"{finding.what}: {finding.fault}" for finding in findings(settings, engine) if finding.fault
        ]
    if faults:
        raise click.ClickException("\n".join(["Placements cannot start.", *faults]))


def _prepare(settings: Settings) -> None:
    """Migrate, and fill an empty database with the reference data and the demo round.

    On SQLite the demo is made beside the database and put in its place when it is whole, so that an
    interrupted start leaves nothing half made.
    """
    url = sa.make_url(settings.database_url)
    with _engine(settings) as engine:
        before = migrations.current(engine)
        if before is not None and not migrations.is_known(before):
            raise click.ClickException(f"The database was not touched. {database_fault(engine)}")
        if before is not None and not _is_empty(engine):
            migrations.upgrade(engine)
            return
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        _fill(settings)
        return
    final, beside = Path(str(url.database)), Path(f"{url.database}.new")
    _remove_database(beside)
    _fill(replace(settings, database_url=url.set(database=str(beside)).render_as_string(hide_password=False)))
    _remove_database(final)
    os.replace(beside, final)


def _fill(settings: Settings) -> None:
    with _engine(settings) as engine:
        migrations.upgrade(engine)
    with _application(settings):
        click.echo("Loading the trusts, sites and HEIs.")
        _load_reference()
        click.echo("Making a demo round; this happens once and takes about half a minute.")
        _load_demo(settings)


def _load_reference() -> None:
    from placements.seeding.reference import load_reference

    load_reference()


def _load_demo(settings: Settings) -> None:
    from placements.seeding.demo import load_demo

    path = settings.var / "demo-sign-ins.json"
    made = json.dumps([list(sign_in) for sign_in in load_demo(settings.var / "demo")], indent=2)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(made)


def _sign_ins(settings: Settings) -> str:
    """The demo's accounts in columns; nothing where this installation has no demo."""
    path = settings.var / "demo-sign-ins.json"
    if not path.exists():
        return "This installation has no demo accounts."
    rows = [SignIn(*row) for row in json.loads(path.read_text())]
    titles = SignIn("role", "name", "e-mail address", "password")
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [titles, *rows]
    )


def _is_empty(engine: sa.Engine) -> bool:
    from placements.organisations.models import Network

    try:
        with engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(Network)) == 0
    except SQLAlchemyError:
        return False


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
