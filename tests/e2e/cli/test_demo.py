"""``kiwisms demo`` as a visitor sees it: what it prints, what can be pasted, how it ends."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli.programs import LONGEST_SECONDS, Kiwi, until

LAST_WORDS = "Ctrl-C ends it"


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Process]:
    """Run the demo as a terminal does: as the leader of a group that Ctrl-C goes to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kiwisms",
        "demo",
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "KIWISMS_PORT": "0"},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def read_until(process: Process, words: str) -> str:
    """Read what is printed, up to the line that begins with *words*."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(LONGEST_SECONDS):
        while line := (await process.stdout.readline()).decode():
            text += line
            if line.startswith(words):
                return text
    raise AssertionError(text)


async def press_ctrl_c(process: Process) -> None:
    """Ctrl-C ends it within seconds, and that is no failure."""
    os.killpg(process.pid, signal.SIGINT)
    async with asyncio.timeout(LONGEST_SECONDS):
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


def files(folder: Path) -> list[Path]:
    """What was left behind."""
    return list(folder.iterdir())


async def paste(line: str) -> Any:
    """Paste a line into a shell."""
    process = await asyncio.create_subprocess_shell(f"{line} --silent --show-error", stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
async def test_what_it_prints_can_be_pasted(tmp_path: Path) -> None:
    async with demo(tmp_path) as process:
        text = await read_until(process, LAST_WORDS)
        address, key = re.findall(r"is up at (\S+) .*?\n\n  (lsms_\S+)\n", text)[0]
        rent, look, wallet = re.findall(r"^  (curl .*)$", text, re.MULTILINE)
        assert all(address in line and key in line for line in (rent, look, wallet))
        rental = (await paste(rent))["rental"]
        assert rental["status"] == "WAITING"

        async def codes() -> list[str]:
            (found,) = (await paste(look))["rentals"]
            assert found["id"] == rental["id"]
            return list(found["codes"])

        (code,) = await until(codes, bool)
        assert code.isdecimal()
        assert (await paste(wallet))["balance"] == 9.22
        await press_ctrl_c(process)
    assert files(tmp_path) == []


async def test_it_shows_the_main_job_and_may_be_stopped_within(tmp_path: Path) -> None:
    async with demo(tmp_path) as process:
        text = await read_until(process, "rent")
        assert "wallet  10.00 available" in text
        await press_ctrl_c(process)
    assert files(tmp_path) == []


async def test_json_is_one_document(kiwi: Kiwi) -> None:
    async with kiwi.up("demo", KIWISMS_PORT="0") as running:
        assert set(running.document) == {"address", "key", "curl", "control"}
        done = await running.end(signal.SIGTERM)
    assert (done.status, done.out, done.err) == (0, "", "")
