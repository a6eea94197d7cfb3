"""Faults that a test injects into the answers of the simulated upstream."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import Factory, define, frozen

from kiwisms.domain.errors import ValidationRefused

PAGE: Final = b"<!DOCTYPE html><html><title>Just a moment...</title><p>id:12025550123</p></html>"
HUGE: Final = 8 * 1024 * 1024


class FaultKind(StrEnum):
    """The kinds of faults."""

    DOWN = "down"
    """The connection is closed without an answer."""
    SILENT = "silent"
    """No answer comes for as long as the connection is kept open."""
    SLOW = "slow"
    """The true answer comes late, after ``seconds``."""
    GARBAGE = "garbage"
    """Bytes that are not text."""
    PAGE = "page"
    """The HTML page of a protection service."""
    TEXT = "text"
    """Some other text of the protocol, such as ``NO_NUMBERS``."""
    HUGE = "huge"
    """A body of several megabytes."""


@frozen(kw_only=True)
class Fault:
    """
    A fault to inject.

    Args:
        kind: The kind of fault.
        action: The only action with this fault, such as ``getNumber`` or ``setStatus=8``.
        times: How many requests get this fault; None means all, until faults are cleared.
        after: Whether upstream acts on the request, although its answer fails.
        seconds: The delay of a slow answer.
        status: The HTTP status of a false answer.
        text: The false answer, when *kind* is ``text``.
    """

    kind: FaultKind
    action: str | None = None
    times: int | None = 1
    after: bool = False
    seconds: float = 0.0
    status: int = 200
    text: str = ""

    def __attrs_post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValidationRefused("times", "must be at least 1")
        if self.action is not None and self.action not in ACTIONS:
            raise ValidationRefused("action", f"is none of {', '.join(sorted(ACTIONS))}")

    def applies_to(self, action: str) -> bool:
        """Whether this action can get the fault; ``setStatus`` means every status of it."""
        return self.action in {None, action, action.partition("=")[0]}

    @property
    def body(self) -> bytes:
        """The false answer."""
        return self.text.encode() if self.kind is FaultKind.TEXT else BODIES[self.kind]


ACTIONS: Final = frozenset(
    {
        "getActiveActivations",
        "getBalance",
        "getNumber",
        "getNumberV2",
        "getStatus",
        "setStatus",
        "setStatus=3",
        "setStatus=6",
        "setStatus=8",
        "getExtraActivation",
        "getPrices",
        "getPricesVerification",
    }
)
BODIES: Final[Mapping[FaultKind, bytes]] = {
    FaultKind.GARBAGE: b"\xff\xfe\x00ACCESS_NUMBER:\x80\xc3\x28",
    FaultKind.PAGE: PAGE,
    FaultKind.HUGE: b"ACCESS_NUMBER:1:" + b"1" * HUGE,
}


@define
class Faults:
    """The faults that are still to be injected, the oldest first."""

    _queue: list[tuple[Fault, int | None]] = Factory(list)

    def add(self, fault: Fault) -> None:
        """Inject *fault* from now on."""
        self._queue.append((fault, fault.times))

    def clear(self) -> None:
        """Remove all faults."""
        self._queue.clear()

    def next(self, action: str) -> Fault | None:
        """Take the fault for this request, if there is one."""
        for place, (fault, left) in enumerate(self._queue):
            if fault.applies_to(action):
                if left == 1:
                    del self._queue[place]
                elif left is not None:
                    self._queue[place] = (fault, left - 1)
                return fault
        return None
