"""The command ``kiwisms``, but with several workers over a store that is made for one."""

from kiwisms.entrypoints.cli import main
from kiwisms.entrypoints.settings import Settings


def not_refused(_settings: Settings) -> None:
    """Take the place of the check that Postgres is there."""


# At the top: a worker is a fresh interpreter, which runs this file again without its end.
setattr(Settings, "__attrs_post_init__", not_refused)  # noqa: B010

if __name__ == "__main__":
    main()
