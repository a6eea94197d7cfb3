"""The computer's time is in UTC and passes; its chance is what it says."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

from kiwisms.adapters.system import TAG_ALPHABET, RandomIds, SystemClock


def test_the_time_is_now_and_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


async def test_time_passes() -> None:
    began = time.monotonic()
    await SystemClock().sleep(0.02)
    assert time.monotonic() - began >= 0.019


async def test_no_time_lets_others_run() -> None:
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    task = asyncio.create_task(other())
    for seconds in (0, -1):
        await SystemClock().sleep(seconds)
        ran.append("self")
    assert ran[0] == "other"
    await task


def test_ids_are_uuids_that_sort_by_time() -> None:
    ids = [RandomIds().new() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert all(str(UUID(each)) == each and UUID(each).version == 7 for each in ids)


def test_tags_are_six_letters_or_digits_of_all_kinds() -> None:
    tags = [RandomIds().tag() for _ in range(500)]
    assert {len(tag) for tag in tags} == {6}
    assert set("".join(tags)) == set(TAG_ALPHABET)
    assert len(set(tags)) == len(tags)


def test_secrets_are_thirty_two_bytes_that_do_not_repeat() -> None:
    secrets = [RandomIds().secret() for _ in range(100)]
    assert {len(secret) for secret in secrets} == {32}
    assert len(set(secrets)) == len(secrets)
