"""Migrations: one line of them, the same tables as the models, up and down, on both databases."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from placements import migrations
from placements.tables import Base
from tests.conftest import run_on_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database without any table."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
        yield engine
        engine.dispose()
        return
    server: sa.URL = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    run_on_postgres(server, f"CREATE DATABASE {name}")
    engine = sa.create_engine(server.set(database=name))
    yield engine
    engine.dispose()
    run_on_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_there_is_one_newest_migration() -> None:
    assert len(migrations.heads()) == 1


def test_migrations_make_the_tables_of_the_models(empty: sa.Engine) -> None:
    assert len(migrations.differences(empty)) >= len(Base.metadata.tables) > 10
    migrations.upgrade(empty)
    assert migrations.differences(empty) == []
    assert migrations.current(empty) == migrations.heads()[0]


def test_migrations_keep_the_models_constraints(empty: sa.Engine) -> None:
    """Alembic's comparison does not look at CHECKs, so their names are compared here."""
    migrations.upgrade(empty)
    inspector = sa.inspect(empty)
    wanted = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    assert wanted
    found = {
        (name, check["name"])
        for name in Base.metadata.tables
        for check in inspector.get_check_constraints(name)
    }
    assert found == wanted


def test_migrations_go_down_to_nothing_and_up_again(empty: sa.Engine) -> None:
    migrations.upgrade(empty)
    migrations.downgrade(empty, "base")
    assert sa.inspect(empty).get_table_names() == ["alembic_version"]
    assert migrations.current(empty) is None
    migrations.upgrade(empty)
    assert migrations.differences(empty) == []


def test_upgrading_twice_changes_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    shutil.copy(sqlite_template, path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO network (id, name, academy_name) VALUES (1, 'N', 'A')"))
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM network")) == 1
    engine.dispose()


def test_a_revision_that_the_code_lacks_is_told_apart() -> None:
    assert migrations.is_known(migrations.heads()[0])
    assert not migrations.is_known("from_the_future")
