"""The programs that are measured: processes of their own, on another core than the load's."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen, run
from typing import Any, Final

import orjson
from attrs import frozen

LONGEST_SECONDS: Final = 60
CORES: Final = sorted(os.sched_getaffinity(0))
SERVER: Final = CORES[0]
LOAD: Final = CORES[-1]
TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
ROOM: Final[Mapping[str, str]] = {
    "KIWISMS_RATE_READ_PER_MINUTE": "1000000",
    "KIWISMS_RATE_RENT_PER_MINUTE": "1000000",
}
"""Limits that are counted on every request, and never met."""


@frozen
class Program:
    """A program that runs, and the JSON document in the first line that it printed."""

    pid: int
    told: dict[str, Any]

    def processor_seconds(self) -> float:
        """How long its core has worked for it; the machine's other programs do not add to it."""
        return processor_seconds(self.pid)


def processor_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    """How long a core has worked for a process."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = after_name[11 : 15 if with_ended_children else 13]
    return sum(map(int, ticks)) * TICK


@contextmanager
def running(
    *module: str, given: bytes = b"", settings: Mapping[str, str] = ROOM
) -> Iterator[Program]:
    """
    Run a module as a program while the block runs, on a core of its own.

    Args:
        module: Its name and its arguments.
        given: Its standard input.
        settings: Its environment.
    """
    keep_to(SERVER)
    process = Popen(_command(module), env=_environment(settings), stdin=PIPE, stdout=PIPE)
    keep_to(LOAD)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(given)
            process.stdin.close()
            yield Program(process.pid, orjson.loads(process.stdout.readline()))
        finally:
            process.terminate()


def tell(*module: str, settings: Mapping[str, str] = ROOM) -> dict[str, Any]:
    """Run a module as a program to its end, and give the JSON document that it prints."""
    done = run(
        _command(module),
        env=_environment(settings),
        stdout=PIPE,
        check=True,
        timeout=LONGEST_SECONDS,
    )
    document: dict[str, Any] = orjson.loads(done.stdout)
    return document


def _command(module: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", *module]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("KIWISMS_")}
    return {**ours, **settings}


def keep_to(*cores: int) -> None:
    """Keep this process to some cores, and what it starts from now on."""
    os.sched_setaffinity(0, cores)
