"""Settings that hold for every test, and the servers that tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.redis_server import redis_server_in

# A deadline would measure the machine, not the code.
settings.register_profile("kiwisms", deadline=None)
settings.load_profile("kiwisms")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis on loopback, which may know other tests' keys."""
    server = redis_server_in(tmp_path_factory.mktemp("redis"))
    with server.process:
        yield server.url()
