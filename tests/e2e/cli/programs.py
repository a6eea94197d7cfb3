"""The command ``kiwisms`` as a process of its own, with nothing of ours in its environment."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import aiohttp
from attrs import field, frozen

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.engines import open_for_operator
from kiwisms.entrypoints.wiring.providers import open_simulator

LONGEST_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.05

T = TypeVar("T")


@frozen
class Done:
    """How a process ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """All of standard output as one JSON document."""
        return json.loads(self.out)


@frozen(kw_only=True)
class Running:
    """A process that stays up, and the first document that it printed."""

    process: Process
    document: Any

    async def end(self, *how: signal.Signals) -> Done:
        """Send signals, one after the other, and wait for the end."""
        for each in how:
            self.process.send_signal(each)
            await asyncio.sleep(PAUSE_SECONDS)
        async with asyncio.timeout(LONGEST_SECONDS):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Done(self.process.returncode, out.decode(), (err or b"").decode())


@frozen(kw_only=True)
class Kiwi:
    """
    A place where the command is run: a folder with a store, and settings.

    *log* takes what it says on standard error where that is more than a pipe holds.
    """

    folder: Path
    settings: Mapping[str, str] = field(factory=dict)
    log: BinaryIO | None = None
    program: Sequence[str] = ("-m", "kiwisms")

    @property
    def store_url(self) -> str:
        """The store of all commands that are run here."""
        usual = f"sqlite:///{self.folder}/kiwisms.db"
        return self.settings.get("KIWISMS_STORE_URL", usual)

    async def run(self, *args: str, stdin: str = "", **settings: str) -> Done:
        """Run a command to its end."""
        process = await self._begin(*args, **settings)
        async with asyncio.timeout(LONGEST_SECONDS):
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())

    async def tell(self, *args: str, **settings: str) -> Any:
        """Run a command that must do well, and read what it prints as JSON."""
        done = await self.run(*args, "--json", **settings)
        assert (done.status, done.err) == (0, ""), done
        return done.document

    async def fail(self, *args: str, **settings: str) -> str:
        """Run a command that must fail, and give the one sentence that it says."""
        done = await self.run(*args, "--json", **settings)
        assert done.err == f"Error: {done.document['error']}\n", done
        assert (done.status, done.document["code"].isupper()) == (1, True), done
        assert done.err.count("\n") == 1, done
        return str(done.document["error"])

    async def misuse(self, *args: str, **settings: str) -> str:
        """Run a command that is used wrongly, and give the one sentence that it says."""
        done = await self.run(*args, "--json", **settings)
        assert done.status == 2, done
        assert done.err.startswith("Usage: "), done
        assert done.err.endswith(f"\nError: {done.document['error']}\n"), done
        assert done.document["code"] == "WRONG_USAGE", done
        return str(done.document["error"])

    @asynccontextmanager
    async def up(self, *args: str, **settings: str) -> AsyncIterator[Running]:
        """Run a command that stays up, and leave none behind."""
        process = await self._begin(*args, "--json", **settings)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(LONGEST_SECONDS):
                line = await process.stdout.readline()
            if not line:
                _, err = await process.communicate()
                raise AssertionError((err or b"").decode())
            yield Running(process=process, document=json.loads(line))
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    def office(self) -> AbstractAsyncContextManager[Kiwisms]:
        """Open the store here, as a command does, for what a test only has to prepare or see."""
        secret_key = self.settings.get("KIWISMS_SECRET_KEY")
        return open_for_operator(
            Settings(store_url=self.store_url, secret_key=secret_key, webhook_allow_private=True)
        )

    async def _begin(self, *args: str, **settings: str) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.folder),
            "KIWISMS_STORE_URL": self.store_url,
            **self.settings,
            **settings,
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *self.program,
            *args,
            cwd=self.folder,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=self.log or PIPE,
        )


async def until(look: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    """Look again and again until what is seen is good."""
    async with asyncio.timeout(LONGEST_SECONDS):
        seen = await look()
        while not good(seen):
            await asyncio.sleep(PAUSE_SECONDS)
            seen = await look()
    return seen


@asynccontextmanager
async def upstream() -> AsyncIterator["Upstream"]:
    """Run a simulated provider."""
    async with (
        open_simulator() as running,
        aiohttp.ClientSession(raise_for_status=True) as session,
    ):
        yield Upstream(
            url=running.url, key=running.key, control=running.control_url, session=session
        )


@frozen(kw_only=True)
class Upstream:
    """A simulator that runs, and how to steer it."""

    url: str
    key: str
    control: str
    session: aiohttp.ClientSession

    @property
    def settings(self) -> dict[str, str]:
        """What makes kiwisms rent here."""
        return {"KIWISMS_PROVIDER_URL": self.url, "KIWISMS_PROVIDER_KEY": self.key}

    async def post(self, what: str, **command: object) -> Any:
        """Steer it."""
        async with self.session.post(f"{self.control}/{what}", json=command) as answer:
            return await answer.json()

    async def state(self) -> Any:
        """Read how it stands."""
        async with self.session.get(f"{self.control}/state") as answer:
            return await answer.json()
