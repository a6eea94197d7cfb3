"""What holds for every test."""

from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.postgres import guarded_folder, share_folder

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
