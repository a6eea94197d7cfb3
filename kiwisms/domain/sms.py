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

    def repeats(self, known: "Message") -> bool:
        """
        Whether this is *known* seen again: nothing in it is new.

        Upstream repeats its latest message for as long as it is asked, without an id, and perhaps
        without the text that another sight of it showed. A text that is new may be that of a
        second SMS with the same code.
        """
        return self.code == known.code and self.text in {None, known.text}
