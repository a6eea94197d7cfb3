"""The timing of a rental: how long a session lasts, and how often upstream is asked."""

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True)
class Pace:
    """
    The timing of a rental. The *look…* fields are the pauses after a look upstream.

    Source: settings, ``KIWISMS_SESSION_SECONDS``, ``KIWISMS_SYNC_SECONDS`` and
    ``KIWISMS_PROVIDER_TIMEOUT_SECONDS`` for *request_timeout*; provider's documentation for a
    sleeping number.
    """

    session: timedelta = timedelta(minutes=20)
    look: timedelta = timedelta(seconds=3)
    burst: timedelta = timedelta(minutes=1)
    """How long looks stay frequent after a message, as a look shows only the newest."""
    look_asleep: timedelta = timedelta(seconds=15)
    look_received: timedelta = timedelta(seconds=15)
    request_timeout: timedelta = timedelta(seconds=25)
    """How long after it was made an unfinished request is given up."""
    silent_after: timedelta = timedelta(minutes=10)
    """How long past its end a rental is silent, if upstream has not reported how it ended."""
    look_silent: timedelta = timedelta(minutes=1)
    give_up_after: int = 24 * 60
    """How many looks after that of its incident fail before a silent rental is given up: a day."""

    @property
    def longest_silence(self) -> timedelta:
        """How long past its end a rental is looked at, if upstream never reports how it ended."""
        return self.silent_after + self.give_up_after * self.look_silent
