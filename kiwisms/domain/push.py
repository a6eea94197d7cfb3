"""
Messages that upstream pushes, and the secret address that it pushes to.

Source: provider's documentation, pushed messages. They are not signed, so their address is secret,
and nothing in them is believed until a look upstream has confirmed it.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self

from attrs import frozen

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import ActivationId, MessageId
from kiwisms.domain.sms import Code, Message
from kiwisms.domain.text import printable

PURPOSE: Final = b"kiwisms pushed messages"
"""Makes this secret differ from all others that are derived from the same key."""
LONGEST_CODE: Final = 1_000
LONGEST_TEXT: Final = 10_000

_ID: Final = re.compile(r"[0-9]{1,40}")
_WORD: Final = re.compile(r"[\x21-\x7e]{1,100}")


@frozen(kw_only=True)
class PushedMessage:
    """
    A message as upstream pushed it.

    *received_at* is upstream's time, if given, and *arrived_at* is ours. Without a *code* it only
    says that something came.
    """

    id: MessageId
    activation_id: ActivationId
    service: ServiceCode
    code: Code | None = None
    text: str | None = None
    received_at: datetime | None = None
    arrived_at: datetime

    @classmethod
    def parse(
        cls,
        *,
        message_id: object,
        activation_id: object,
        service: object,
        code: object = None,
        text: object = None,
        received_at: object = None,
        at: datetime,
    ) -> Self:
        """
        Parse a message that was pushed at the moment *at*.

        Raises:
            ValidationRefused: A value is not one that upstream would push; the error names it.
        """
        return cls(
            id=MessageId(_read(_WORD, "messageId", message_id)),
            activation_id=ActivationId(_read(_ID, "activationId", activation_id)),
            service=ServiceCode(_read(_WORD, "service", service)),
            code=_read_code(code),
            text=_read_text(text),
            received_at=parse_moment(received_at),
            arrived_at=at,
        )

    def message(self) -> Message | None:
        """Make the SMS; ``None`` without a code."""
        return (
            None
            if self.code is None
            else Message(code=self.code, text=self.text, at=self.arrived_at)
        )


def confirmed_messages(
    newest: Message,
    pushed: Sequence[PushedMessage],
    *,
    known: Sequence[Message],
    asked_at: datetime,
) -> list[Message]:
    """
    List the messages that a rental must add, after a look has shown the *newest*.

    A look shows only that one, so when two come quickly, only a push shows the first. A pushed
    message and the one from a look are the same when their codes are: upstream may write the text
    of one message in two ways.

    Args:
        newest: What the look showed.
        pushed: What was pushed for the number, in the order of arrival.
        known: What the rental has already.
        asked_at: When the look began; what was pushed since then is newer still.

    Returns:
        The messages to add, in order. *newest* may be among them although it is known.
    """
    codes = {message.code for message in known}
    by_code: dict[Code, Message] = {}
    for each in pushed:
        message = each.message()
        if message is not None:
            by_code.setdefault(message.code, message)
    new = [message for code, message in by_code.items() if code not in codes]
    if newest.code in by_code:
        return new
    older = [message for message in new if message.at < asked_at]
    return [*older, newest, *new[len(older) :]]


def parse_moment(value: object) -> datetime | None:
    """
    Parse a time as upstream writes it; ``None`` when it cannot be parsed.

    >>> print(parse_moment("2022-06-01 17:30:57"))
    2022-06-01 17:30:57+00:00
    """
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def push_secret(key: str) -> str:
    """Derive the secret part of the address that upstream pushes to from the operator's key."""
    return hmac.new(key.encode(), PURPOSE, sha256).hexdigest()


def same_secret(given: str, secret: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def _read(form: re.Pattern[str], name: str, value: object) -> str:
    # An id comes as a number or as text. In Python True is an int too, but it is not an id.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not form.fullmatch(text):
        raise ValidationRefused(name, "is missing or malformed")
    return text


def _read_code(value: object) -> Code | None:
    # Not a number: its leading zeros would be lost.
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValidationRefused("code", "must be a string")
    return Code(printable("code", value, longest=LONGEST_CODE))


def _read_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValidationRefused("text", f"must be a string of at most {LONGEST_TEXT} characters")
    # Postgres cannot store a NUL in a text, and no message needs one.
    return value.replace("\0", "")
