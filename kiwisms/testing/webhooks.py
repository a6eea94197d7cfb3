"""A webhook receiver that exists only in memory."""

from collections import deque
from collections.abc import Mapping

from attrs import frozen

from kiwisms.ports.webhooks import Answered, NotAnswered


@frozen(kw_only=True)
class Try:
    """One webhook as it was sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class FakeWebhookSender:
    """
    A `WebhookSender` that sends nothing, and keeps every try in ``tries``, the oldest first.

    Args:
        answers: The answers to the tries, in order; after the last of them, always status 200.
    """

    def __init__(self, *answers: Answered | NotAnswered) -> None:
        self.tries: list[Try] = []
        self._answers = deque(answers)

    def will_answer(self, *answers: Answered | NotAnswered) -> None:
        """Add answers after those that are planned already."""
        self._answers.extend(answers)

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        """Keep the try and answer at once."""
        self.tries.append(Try(url=url, body=body, headers=dict(headers)))
        return self._answers.popleft() if self._answers else Answered(200)
