"""Runs the measured programs as processes of their own, on another core than the load."""

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
HIGH_LIMITS: Final[Mapping[str, str]] = {
    "KIWISMS_RATE_READ_PER_MINUTE": "1000000",
    "KIWISMS_RATE_RENT_PER_MINUTE": "1000000",
}
"""Limits that are counted on every request, but never reached."""


@frozen
class Program:
    """A running program, and the JSON document that it printed as its first line."""

    pid: int
    printed: dict[str, Any]

    def processor_seconds(self) -> float:
        """Return its processor time in seconds, which other programs do not change."""
        return processor_seconds(self.pid)


def processor_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    """Return the processor time of a process, in seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = after_name[11 : 15 if with_ended_children else 13]
    return sum(map(int, ticks)) * TICK


@contextmanager
def running(
    *module: str, stdin: bytes = b"", settings: Mapping[str, str] = HIGH_LIMITS
) -> Iterator[Program]:
    """
    Run a module as a program while the block runs, on a core of its own.

    Args:
        module: Its name and its arguments.
        stdin: Its standard input.
        settings: Its environment.
    """
    pin_to(SERVER)
    process = Popen(_command(module), env=_environment(settings), stdin=PIPE, stdout=PIPE)
    pin_to(LOAD)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(stdin)
            process.stdin.close()
            yield Program(process.pid, orjson.loads(process.stdout.readline()))
        finally:
            process.terminate()


def run_to_end(*module: str, settings: Mapping[str, str] = HIGH_LIMITS) -> dict[str, Any]:
    """Run a module as a program to its end, and return the JSON document that it printed."""
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


def pin_to(*cores: int) -> None:
    """Pin this process to some cores, and also what it starts from now on."""
    os.sched_setaffinity(0, cores)
