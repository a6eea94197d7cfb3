"""The processes of a server with several workers, as /proc shows them."""

from pathlib import Path

from tests.e2e.cli.programs import Running, until


def workers(supervisor: Running) -> set[int]:
    """The processes that the supervisor has started and that live."""
    pid = supervisor.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in command_of(int(child))}


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def gone(*pids: int) -> None:
    """Wait until there are no such processes."""

    async def left() -> list[int]:
        return [pid for pid in pids if command_of(pid)]

    await until(left, lambda some: not some)
