"""What holds for every test, and the servers that tests share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.postgres import guarded_folder, share_folder
from tests.redis_server import redis_server_in

# A deadline would measure the machine, not the code.
settings.register_profile("kiwisms", deadline=None)
settings.load_profile("kiwisms")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # pytest-xdist has started this process
        share_folder()
    else:
        run = ExitStack()
        run.enter_context(guarded_folder())
        config.add_cleanup(run.close)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis on loopback, which may know other tests' keys."""
    server = redis_server_in(tmp_path_factory.mktemp("redis"))
    with server.process:
        yield server.url()
