"""Moving the database from one version of the tables to the next, on either database."""

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
    with engine.begin() as connection:
        command.upgrade(config(connection), to)


def downgrade(engine: Engine, to: str) -> None:
    """Take the database back to a revision, `base` for before the first."""
    with engine.begin() as connection:
        command.downgrade(config(connection), to)


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
