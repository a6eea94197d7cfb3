"""A secret file is made once, whole, and for its owner alone."""

import os
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest

from kiwisms.adapters.secret_file import secret_file
from kiwisms.domain.errors import ValidationRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiwisms.db.key"


def test_a_secret_is_made_once_and_read_from_then_on(path: Path) -> None:
    secret = secret_file(path)
    assert len(secret) >= 32
    assert secret_file(path) == secret


def test_every_file_has_a_secret_of_its_own(tmp_path: Path) -> None:
    assert secret_file(tmp_path / "one") != secret_file(tmp_path / "two")


def test_only_the_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        secret_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_else_is_left_beside_it(path: Path) -> None:
    secret_file(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_secret_of_the_operators_own_is_read(path: Path) -> None:
    path.write_text("  a secret of my own, ähem \n", "utf-8")
    assert secret_file(path) == "a secret of my own, ähem"


@pytest.mark.parametrize("content", [b"", b"\n", b"   \n  ", b"too short\n", b"\xff" * 40])
def test_a_file_without_a_secret_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValidationRefused) as refused:
        secret_file(path)
    assert str(path) in str(refused.value)
    assert "too short" not in str(refused.value)
    assert path.read_bytes() == content


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        secret_file(tmp_path / "missing" / "key")


def test_threads_that_come_at_once_get_the_same_secret(tmp_path: Path) -> None:
    for round_ in range(20):
        path, start = tmp_path / str(round_), Barrier(8)

        def come(path: Path = path, start: Barrier = start) -> str:
            start.wait()
            return secret_file(path)

        with ThreadPoolExecutor(8) as pool:
            secrets = [each.result() for each in [pool.submit(come) for _ in range(8)]]
        assert set(secrets) == {path.read_text().strip()}


def test_processes_that_come_at_once_get_the_same_secret(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)] * 4
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        secrets = list(pool.map(secret_file, paths))
    assert secrets == [path.read_text().strip() for path in paths]
    assert len(set(secrets)) == 20


def test_a_loser_of_the_race_reads_the_winners_secret(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def lose(*names: str) -> None:
        path.write_text("the winner's own secret")
        link(*names)

    monkeypatch.setattr(os, "link", lose)
    assert secret_file(path) == "the winner's own secret"


def test_it_is_on_the_disk_before_it_is_seen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, link = os.fsync, os.link

    def note_fsync(descriptor: int) -> None:
        order.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_link(*names: str) -> None:
        order.append("link")
        link(*names)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "link", note_link)
    secret_file(path)
    assert order == ["file", "link", "directory"]
