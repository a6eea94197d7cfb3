"""What arrives on a rented number: messages, and the code in each."""

from datetime import datetime
from typing import NewType

from attrs import frozen

Code = NewType("Code", str)
"""A one-time code exactly as upstream gave it: leading zeros matter."""


@frozen(kw_only=True)
class Message:
    """One SMS: its code, and its whole text where upstream tells it."""

    code: Code
    text: str | None = None
    at: datetime

    def same_as(self, other: "Message") -> bool:
        """
        Whether both are one SMS that was seen twice.

        Upstream repeats its latest message for as long as it is asked, without an id.
        """
        return (self.code, self.text) == (other.code, other.text)
