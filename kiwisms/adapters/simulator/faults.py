"""What goes wrong on purpose between the simulated upstream and who asks it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import Factory, define, frozen

from kiwisms.domain.errors import ValidationRefused

PAGE: Final = b"<!DOCTYPE html><html><title>Just a moment...</title><p>id:12025550123</p></html>"
HUGE: Final = 8 * 1024 * 1024


class FaultKind(StrEnum):
    """The ways in which an answer goes wrong."""

    DOWN = "down"
    """The connection is closed without an answer."""
    SILENT = "silent"
    """No answer comes for as long as the connection is kept open."""
    SLOW = "slow"
    """The true answer comes after so many seconds."""
    GARBAGE = "garbage"
    """Bytes that are no text."""
    PAGE = "page"
    """The HTML page of a protection service."""
    TEXT = "text"
    """Some other text of the protocol, such as ``NO_NUMBERS``."""
    HUGE = "huge"
    """A body of several megabytes."""


@frozen(kw_only=True)
class Fault:
    """
    One thing that goes wrong.

    Args:
        kind: In which way.
        action: For this action only, such as ``getNumber`` or ``setStatus=8``.
        times: For so many requests; None until faults are cleared.
        after: Whether upstream does what was asked before it goes wrong.
        seconds: How long an answer is slow.
        status: The HTTP status of a false answer.
        text: The false answer, where *kind* is ``text``.
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

    def concerns(self, action: str) -> bool:
        """Whether it can befall this action; ``setStatus`` means each status of it."""
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
    """Those that are still to happen, the oldest first."""

    _queue: list[tuple[Fault, int | None]] = Factory(list)

    def add(self, fault: Fault) -> None:
        """Let *fault* happen from now on."""
        self._queue.append((fault, fault.times))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._queue.clear()

    def next(self, action: str) -> Fault | None:
        """Take the one that befalls this request."""
        for place, (fault, left) in enumerate(self._queue):
            if fault.concerns(action):
                if left == 1:
                    del self._queue[place]
                elif left is not None:
                    self._queue[place] = (fault, left - 1)
                return fault
        return None
