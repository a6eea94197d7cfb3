"""How long a session lasts, and how often it is looked at."""

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True)
class Pace:
    """
    How long things take and how often they are looked at.

    Source: settings, ``KIWISMS_SESSION_SECONDS``, ``KIWISMS_SYNC_SECONDS`` and
    ``KIWISMS_PROVIDER_TIMEOUT_SECONDS`` for *request_timeout*; provider's documentation for a
    sleeping number.
    """

    session: timedelta = timedelta(minutes=20)
    look: timedelta = timedelta(seconds=3)
    burst: timedelta = timedelta(minutes=1)
    """After a message the next may come at once, and a look shows only the newest."""
    look_asleep: timedelta = timedelta(seconds=15)
    look_received: timedelta = timedelta(seconds=15)
    request_timeout: timedelta = timedelta(seconds=25)
    """After this long a request that nobody finished is given up."""
    silent_after: timedelta = timedelta(minutes=10)
    """After this long past its end a rental is silent, unless upstream reported how it ended."""
    look_silent: timedelta = timedelta(minutes=1)
    give_up_after: timedelta = timedelta(hours=24)
    """After this long as an incident a rental that is still silent is given up."""
