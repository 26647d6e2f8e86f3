"""Opening a database: SQLite as safe as it can be, PostgreSQL as it is, and the schema of today in it."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from negspace.errors import OutputError

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """The database at a URL, brought up to date.

    Args:
        url: such as "sqlite:///store.db" or "postgresql+psycopg://user@host/name".

    Raises:
        OutputError: it cannot be opened or brought up to date.
    """
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"timeout": 30} if sqlite else {}
        if sqlite and parsed.database and parsed.database != ":memory:":
            Path(parsed.database).touch(mode=0o600)  # prompts are in it; its side files take its mode
        engine = create_engine(parsed, connect_args=options, pool_pre_ping=not sqlite)
        if sqlite:
            event.listen(engine, "connect", _set_up_sqlite)
        migrate(engine)
    except (ArgumentError, SQLAlchemyError, ImportError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise OutputError(f"the database {_without_password(url)} cannot be opened: {reason}") from None
    return engine


def check_database(engine: Engine) -> None:
    """Ask a database whether it is there and whole; for SQLite, page by page until the first damage.

    Raises:
        SQLAlchemyError: it is not.
    """
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        answer = connection.scalar(text("PRAGMA quick_check(1)" if sqlite else "SELECT 'ok'"))
    if answer != "ok":
        raise DatabaseError(str(answer), None, Exception("damaged"))


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to a revision."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _set_up_sqlite(connection: Any, _: object) -> None:
    """Write ahead, so that readers never wait; a transaction is on the disk before it is reported done."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _without_password(url: str) -> str:
    """A URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "that was given"
