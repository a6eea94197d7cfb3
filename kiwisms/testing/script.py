"""The planned answers of one method of a stand-in."""

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
    Counts the calls of one method, and plans the answers to the next ones.

    A call for which nothing is planned acts and answers as usual.
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
        Plan the next call, after those that are planned already.

        Args:
            answer: The answer; None means the usual one.
            acts: Whether the call acts as usual, although its answer differs.
            times: How many calls to plan like this.
            meanwhile: Awaited after the call has acted, before it answers.
        """
        line = _Line(answer=answer, acts=acts, meanwhile=meanwhile)
        self._lines.extend([line] * times)

    def clear(self) -> None:
        """Forget the plan; the next calls act and answer as usual."""
        self._lines.clear()

    async def play(self, act: Callable[[], Answer]) -> Answer:
        """Count a call and answer it; *act* does what the method usually does."""
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
