"""The store over SQLite and over a real PostgreSQL: the same promises."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from negspace.errors import OutputError
from negspace.store import FeedbackRecord, Store
from negspace.store.opening import open_database
from negspace.store.tables import metadata
from tests.store.postgres import postgres, programs
from tests.store.receipts import accepted, receipt

NEEDED = "NEGSPACE_TESTS_SKIP_NOTHING"
"""Set where a machine has everything that tests need, as that of CI."""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    bin = programs()
    if bin is None:
        assert NEEDED not in os.environ, "PostgreSQL is not installed, and here nothing may be skipped"
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres(bin) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    url = request.getfixturevalue("server")
    yield url
    engine = open_database(url)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, url)
    yield opened
    opened.close()


def files(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("pictures/*/*"))


def test_the_migrations_give_the_tables(url: str) -> None:
    engine = open_database(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_request_from_acceptance_to_its_pictures(store: Store, tmp_path: Path) -> None:
    asked = accepted("a")
    store.accept(asked, '{"plan": 1}')
    assert store.unfinished() == [asked] and store.finished("a") is None
    store.finish("a", receipt(2), [b"first", b"second"])
    kept = store.finished("a")
    assert kept is not None and kept.accepted == asked and kept.receipt == receipt(2)
    assert [store.picture(one.sha256) for one in kept.pictures] == [b"first", b"second"]
    assert store.unfinished() == [] and store.plan("a") == '{"plan": 1}' and store.finished("b") is None
    assert store.recent("one") == [kept] == store.recent(None) and store.recent("two") == []
    assert store.spent("one", time.time()) == 4 and store.spent("one", time.time() + 86_400) == 0
    assert len(files(tmp_path)) == 2


def test_it_ends_once(store: Store, tmp_path: Path) -> None:
    store.accept(accepted("a"), "{}")
    store.fail("a", "why")
    store.finish("a", receipt(), [b"late"])
    ended = store.state("a")
    assert ended is not None and ended.state == "failed" and ended.failure == "why"
    assert store.finished("a") is None and store.unfinished() == [] and store.spent("one", time.time()) == 0


def test_deletion_takes_what_nobody_else_has(store: Store, tmp_path: Path) -> None:
    for id in "ab":
        store.accept(accepted(id), "{}")
        store.finish(id, receipt(2), [b"shared", id.encode()])
    assert len(files(tmp_path)) == 3
    assert store.delete("a") and not store.delete("a")
    assert len(files(tmp_path)) == 2 and store.finished("a") is None
    kept = store.finished("b")
    assert kept is not None and store.picture(kept.pictures[0].sha256) == b"shared"
    store.accept(accepted("c"), "{}")
    assert store.expire(time.time() + 1) == 1 and files(tmp_path) == []
    assert [one.id for one in store.unfinished()] == ["c"] and not store.delete("c")
    assert store.spent("one", time.time()) == 8


def test_a_file_without_a_row_is_swept_at_the_next_start(store: Store, url: str, tmp_path: Path) -> None:
    store.accept(accepted("a"), "{}")
    store.finish("a", receipt(), [b"kept"])
    store._pictures.put(b"written as the power went")  # noqa: SLF001
    store.close()
    again = Store(tmp_path, url)
    kept = again.finished("a")
    assert kept is not None and [file.stem for file in files(tmp_path)] == [kept.pictures[0].sha256]
    again.close()


def test_one_server_has_a_folder(store: Store, tmp_path: Path, url: str) -> None:
    with pytest.raises(OutputError, match="another server has"):
        Store(tmp_path, url)


def test_damage_is_noticed(store: Store, tmp_path: Path) -> None:
    store.accept(accepted("a"), "{}")
    store.finish("a", receipt(), [b"whole"])
    (file,) = files(tmp_path)
    file.write_bytes(b"broken")
    with pytest.raises(OutputError, match="damaged"):
        store.picture(file.stem)
    file.unlink()
    with pytest.raises(OutputError, match="cannot be read"):
        store.picture(file.stem)


def test_conversations_are_a_tenants_own(store: Store) -> None:
    store.accept(accepted("a", "one", "talk", 1.0), "{}")
    store.accept(accepted("b", "one", "talk", 2.0), "{}")
    store.accept(accepted("c", "two", "talk", 3.0), "{}")
    said = FeedbackRecord("a", "too blurry", -1, "[]", 4.0)
    store.add_feedback("one", "talk", said)
    assert [one.accepted.id for one in store.conversation("one", "talk")] == ["a", "b"]
    assert [one.accepted.id for one in store.conversation("two", "talk")] == ["c"]
    assert store.feedback("one", "talk") == [said] and store.feedback("two", "talk") == []
    assert store.conversations("one") == ["talk"] and store.conversations("three") == []


def test_trials_are_a_tenants_own(store: Store) -> None:
    store.put_trial("t", "one", "1")
    store.put_trial("t", "one", "2")
    assert store.trial("t", "one") == "2" and store.trial("t", "two") is None
    with pytest.raises(OutputError, match="another tenant"):
        store.put_trial("t", "two", "3")
    assert store.trials("one") == ["t"] and store.trials("two") == []
    assert not store.delete_trial("t", "two") and store.delete_trial("t", "one")
    assert store.trial("t", "one") is None


def test_what_was_made_beside_the_queue_counts_too(store: Store) -> None:
    now = time.time()
    store.spend("one", 7, now)
    store.spend("one", 5, now)
    assert (store.spent("one", now), store.spent("two", now)) == (12, 0)
    assert store.spent("one", now + 86_400) == 0


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////nowhere/at/all.db", "postgresql+psycopg://x@127.0.0.1:1/x"]
)
def test_a_database_that_cannot_be_opened_is_one_line(url: str) -> None:
    with pytest.raises(OutputError, match="cannot be opened") as told:
        open_database(url)
    assert "\n" not in str(told.value)
