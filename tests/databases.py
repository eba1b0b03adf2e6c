"""Databases for tests, migrated and empty: SQLite files, and those of PostgreSQL, a test's own while it
lasts."""

import tempfile
import uuid
from functools import cache
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from placements import migrations

TEMPLATE = "template"
# What a test may not have changed, where its database is to serve another: tables, columns, constraints,
# triggers and the migration that they are at.
_SHAPE = """
SELECT md5(concat(
    (SELECT string_agg(concat(oid, relname), ',' ORDER BY oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat(attrelid, attname, atttypid, attnotnull), ',' ORDER BY attrelid, attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat(oid, conname), ',' ORDER BY oid) FROM pg_constraint),
    (SELECT string_agg(concat(oid, tgname, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
    (SELECT string_agg(concat(oid, proname, md5(prosrc)), ',' ORDER BY oid)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
    (SELECT string_agg(version_num, ',') FROM alembic_version)))
"""
_END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_USED_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    AND pg_relation_size(oid) > 0
"""
_NUMBERS_AGAIN = """
SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


@cache
def migrated_sqlite() -> bytes:
    """A migrated, empty SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite"
        engine = sa.create_engine(f"sqlite:///{path}")
        migrations.upgrade(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


class Databases:
    """Databases on a server, each lent to one test at a time and as good as new for the next.

    To make one takes a fifth of a second, longer than most tests; to empty one, a tenth of that.
    """

    def __init__(self, server: sa.URL) -> None:
        self._server = server
        self._free: list[str] = []
        with self._connected(TEMPLATE) as connection:
            self._as_made = self._shape(connection)

    def lend(self) -> sa.URL:
        """A migrated database with nothing in it."""
        if self._free:
            name = self._free.pop()
        else:
            name = f"test_{uuid.uuid4().hex}"
            with self._connected(self._server.database) as connection:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(TEMPLATE)
                    )
                )
        return self._server.set(database=name)

    def take_back(self, url: sa.URL) -> None:
        """Empty it for the next test; one whose tables were changed is given up."""
        assert url.database is not None
        with self._connected(url.database) as connection:
            connection.execute(_END_OTHERS)
            kept = self._shape(connection) == self._as_made
            if kept:
                self._empty(connection)
        if kept:
            self._free.append(url.database)
            return
        with self._connected(self._server.database) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(url.database)))

    def _connected(self, database: str | None) -> psycopg.Connection:
        url = self._server.set(drivername="postgresql", database=database)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    @staticmethod
    def _shape(connection: psycopg.Connection) -> object:
        return connection.execute(_SHAPE).fetchone()

    @staticmethod
    def _empty(connection: psycopg.Connection) -> None:
        used = [sql.Identifier(name) for (name,) in connection.execute(_USED_TABLES)]
        if used:
            with connection.transaction():
                # Keys between tables are not asked about, nor is anything told of what goes.
                connection.execute("SET LOCAL session_replication_role = replica")
                for table in used:
                    connection.execute(sql.SQL("DELETE FROM {}").format(table))
            # So that what is written next lies in the order of its writing, as in a new table.
            connection.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(used)))
        connection.execute(_NUMBERS_AGAIN)
