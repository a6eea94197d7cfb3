"""What arrives on a rented number: messages, and the code in each."""

from datetime import datetime
from typing import NewType

from attrs import frozen

Code = NewType("Code", str)
"""A one-time code exactly as upstream gave it: leading zeros matter."""


@frozen(kw_only=True)
class Message:
    """One SMS: its code, and its whole text if upstream reports it."""

    code: Code
    text: str | None = None
    at: datetime

    def repeats(self, known: "Message") -> bool:
        """
        Whether this is *known* again, with nothing new in it.

        Upstream repeats its latest message on every look, without an id, and perhaps without the
        text that an earlier look showed. A new text may be that of a second SMS with the same
        code.
        """
        return self.code == known.code and self.text in {None, known.text}
