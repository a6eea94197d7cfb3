"""What one method of a stand-in does when it is called next."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import frozen

Answer = TypeVar("Answer")
Meanwhile = Callable[[], Awaitable[object]]


@frozen(kw_only=True)
class _Line(Generic[Answer]):
    answer: Answer | None
    acts: bool
    meanwhile: Meanwhile | None


class Script(Generic[Answer]):
    """
    Counts the calls of one method and says how the next ones go.

    Without a line in the script the method does what it is there for.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._lines: deque[_Line[Answer]] = deque()

    def next(
        self,
        answer: Answer | None = None,
        *,
        acts: bool = False,
        times: int = 1,
        meanwhile: Meanwhile | None = None,
    ) -> None:
        """
        Say how the next call goes that nothing is said about yet.

        Args:
            answer: What it answers; None is the true answer.
            acts: Whether it does what was asked although it answers something else.
            times: How many calls go like this.
            meanwhile: Awaited after the call has acted, before it answers.
        """
        line = _Line(answer=answer, acts=acts, meanwhile=meanwhile)
        self._lines.extend([line] * times)

    def clear(self) -> None:
        """Forget what was said; the next calls do what they are there for."""
        self._lines.clear()

    async def play(self, act: Callable[[], Answer]) -> Answer:
        """Be called: *act* does what the method is there for."""
        self.calls += 1
        if not self._lines:
            return act()
        line = self._lines.popleft()
        if line.answer is None:
            answer = act()
        else:
            answer = line.answer
            if line.acts:
                act()
        if line.meanwhile is not None:
            await line.meanwhile()
        return answer
