"""The command ``kiwisms``, but with several workers over a store that is made for one."""

from kiwisms.entrypoints.cli import main
from kiwisms.entrypoints.settings import Settings


def not_refused(_settings: Settings) -> None:
    """Take the place of the check that Postgres is there."""


# A worker is a fresh interpreter, which runs this file again under the second name.
if __name__ in {"__main__", "__mp_main__"}:
    setattr(Settings, "__attrs_post_init__", not_refused)  # noqa: B010

if __name__ == "__main__":
    main()
