"""Moving the database from one version of the tables to the next, on either database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from placements.tables import Base

HERE = Path(__file__).parent


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, in code: there is no alembic.ini."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the database to a revision; nothing is half done if a step fails."""
    with _moving(engine) as connection:
        command.upgrade(config(connection), to)


def downgrade(engine: Engine, to: str) -> None:
    """Take the database back to a revision, `base` for before the first."""
    with _moving(engine) as connection:
        command.downgrade(config(connection), to)


@contextmanager
def _moving(engine: Engine) -> Iterator[Connection]:
    """One transaction. SQLite changes a table by making it anew, which its foreign keys would forbid while it
    is away, so they are looked at once, before the commit."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.rollback()
        try:
            # The driver begins no transaction of its own before a change of tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                raise RuntimeError(f"the migration leaves rows that point nowhere: {broken[:5]}")
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.rollback()


def write_revision(engine: Engine, subject: str) -> None:
    """Write a new migration from what the models have and the database lacks."""
    with engine.begin() as connection:
        command.revision(config(connection), subject, autogenerate=True)


def current(engine: Engine) -> str | None:
    """The revision that the database is at."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def heads() -> list[str]:
    """The newest revisions in the code; more than one is a mistake."""
    return list(ScriptDirectory.from_config(config()).get_heads())


def is_known(revision: str) -> bool:
    """Whether the code has this revision; it lacks one that a newer version of the code made."""
    return any(found.revision == revision for found in ScriptDirectory.from_config(config()).walk_revisions())


def differences(engine: Engine) -> list[object]:
    """What the models say and the database does not have, or the reverse."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, parents: kind != "table" or name in Base.metadata.tables,
            },
        )
        return list(compare_metadata(context, Base.metadata))
