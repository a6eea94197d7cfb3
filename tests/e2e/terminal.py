"""A terminal in which the commands of one page are typed, one block after another."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import define, field

LONGEST_SECONDS: Final = 50.0
ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")
KEY: Final = re.compile(r"lsms_\w+_\w+")
ENDED: Final = {0, -signal.SIGINT}
"""How Ctrl-C ends a command: it does so itself, or, as make does, by the signal."""


@define(kw_only=True)
class Terminal:
    """
    A folder, an environment that is carried from block to block, and what the page stands for.

    *instead* has what is typed in place of an example on the page: of a provider's address and
    key, and, once they were printed, of the server's address and of a customer's key. *programs*
    is a folder of others that are found by name.
    """

    folder: Path
    home: Path
    instead: dict[str, str]
    programs: Path
    settings: Mapping[str, str] = field(factory=dict)

    async def run(self, text: str, *, where: Path | None = None) -> str:
        """Type a block, and give what it printed; each of its commands must do well."""
        process = await self._begin(f"{text}\nexport -p > {self._exported}\n", where)
        async with asyncio.timeout(LONGEST_SECONDS):
            said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        self._note("your-customer-key", KEY, said)
        return said

    @asynccontextmanager
    async def up(self, text: str, *, where: Path | None = None) -> AsyncIterator[str]:
        """
        Type a block whose last command stays up, wait for its address, and press Ctrl-C.

        Yields all that it printed until then.
        """
        process = await self._begin(text, where)
        assert process.stdout is not None
        said = ""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                while not ADDRESS.search(said):
                    line = await process.stdout.readline()
                    assert line, said
                    said += line.decode()
            self._note("http://127.0.0.1:8080", ADDRESS, said)
            yield said
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            async with asyncio.timeout(LONGEST_SECONDS):
                rest, _ = await process.communicate()
        said += rest.decode()
        assert process.returncode in ENDED, said
        assert "Traceback" not in said

    @property
    def _exported(self) -> Path:
        return self.home / "exported"

    def _note(self, example: str, pattern: re.Pattern[str], said: str) -> None:
        found = pattern.search(said)
        if found is not None:
            self.instead[example] = found[0]

    async def _begin(self, text: str, where: Path | None) -> Process:
        for example, real in self.instead.items():
            text = text.replace(example, real)
        self._exported.touch()
        # What curl is told here: an answer that is an error fails the block.
        (self.home / ".curlrc").write_text("silent\nshow-error\nfail\n", "utf-8")
        return await asyncio.create_subprocess_exec(
            "bash",
            "-euc",
            f". {self._exported}\n{text}",
            cwd=where or self.folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:{self.programs}:{os.environ['PATH']}",
                "HOME": str(self.home),
                "TMPDIR": str(self.home),
                "KIWISMS_PORT": "0",
                **self.settings,
            },
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )
