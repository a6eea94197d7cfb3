"""
Reads the replies of the protocol.

A reply must match a known text from its first to its last character. Otherwise it is `Unknown`:
nothing is guessed. The HTTP status is ignored, since errors come with many.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from kiwisms.adapters.daisysms.amounts import read_amount, read_price
from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.push import parse_moment
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    Phone,
    Received,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
    Waiting,
)

REFUSALS: Final[Mapping[str, Refusal]] = {
    "NO_NUMBERS": Refusal.NO_NUMBERS,
    "MAX_PRICE_EXCEEDED": Refusal.PRICE_EXCEEDED,
    "TOO_MANY_ACTIVE_RENTALS": Refusal.TOO_MANY_WAITING,
    "CHANNELS_LIMIT": Refusal.TOO_MANY_WAITING,
    "NO_MONEY": Refusal.NO_MONEY,
    "NO_BALANCE": Refusal.NO_MONEY,
    "BAD_KEY": Refusal.BAD_KEY,
    "BAD_SERVICE": Refusal.BAD_SERVICE,
    "BAD_ACTION": Refusal.REJECTED,
}
GONE: Final = frozenset({"NO_ACTIVATION", "BAD_ID"})
NOTHING_ACTIVE: Final = "NO_ACTIVATIONS"

_ID: Final = r"(?P<id>[0-9]{1,40})"
_PHONE: Final = r"\+?(?P<phone>[0-9]{6,15})"
# No control characters: a code ends up in headers, terminals and databases.
_CODE: Final = r"(?=.*\S)(?P<code>[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,1000})"

_NUMBER: Final = re.compile(f"ACCESS_NUMBER:{_ID}:{_PHONE}")
_ASLEEP: Final = re.compile(f"ASLEEP:{_ID}:{_PHONE}:(?P<wakes>[0-9]{{1,11}})")
_OK_WORD: Final = "STATUS_OK"
_OK: Final = re.compile(f"{_OK_WORD}:{_CODE}")
_WAITING: Final = re.compile(f"STATUS_WAIT_CODE|STATUS_WAITING|STATUS_WAIT_RETRY(:{_CODE})?")
_BALANCE: Final = re.compile(r"ACCESS_BALANCE:(?P<amount>.{1,80})")
_WRONG_MAX_PRICE: Final = re.compile(r"WRONG_MAX_PRICE(:[0-9.]{1,40})?")
_BANNED: Final = re.compile(r"BANNED(:[^\x00-\x1f]{0,200})?")


@frozen(kw_only=True)
class Reply:
    """One reply: its text without surrounding spaces, and the two headers that matter."""

    text: str
    price: str | None = None
    message: str | None = None

    def unknown(self) -> Unknown:
        """Make the `Unknown` for a text that is no known answer to the question."""
        return Unknown(self.text or "an empty answer")


def read_rented(reply: Reply) -> Rented | Refused | Unknown:
    """Read the answer to ``getNumber``."""
    return _number(reply) or _refused(reply)


def read_rented_json(reply: Reply) -> Rented | Refused | Unknown:
    """Read the answer to ``getNumberV2``, which is JSON unless it is a refusal."""
    return _number_v2(reply) or _refused(reply)


def read_renewed(reply: Reply) -> Rented | Refused | Unknown:
    """Read the answer to ``getExtraActivation``."""
    if reply.text in GONE:
        return Refused(Refusal.NOT_RENEWABLE)
    return _number(reply) or _asleep(reply) or _refused(reply)


def read_look(reply: Reply) -> Look:
    """Read the answer to ``getStatus``."""
    ok = _OK.fullmatch(reply.text)
    if ok:
        return Received(code=Code(ok["code"]), text=reply.message or None)
    if _WAITING.fullmatch(reply.text):
        return Waiting()
    if reply.text == "STATUS_CANCEL":
        return Cancelled()
    if reply.text.startswith(_OK_WORD):
        # The text may have a customer's code in it, and `Unknown` is logged.
        return Unknown(f"{_OK_WORD} with nothing that can be a code")
    return Gone() if reply.text in GONE else _refused(reply)


def read_finished(reply: Reply) -> Finished | Gone | Refused | Unknown:
    """Read the answer to ``setStatus`` with status 6."""
    if reply.text == "ACCESS_ACTIVATION":
        return Finished()
    return Gone() if reply.text in GONE else _refused(reply)


def read_cancelled(reply: Reply) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
    """Read the answer to ``setStatus`` with status 8."""
    match reply.text:
        case "ACCESS_CANCEL":
            return Cancelled()
        case "ACCESS_READY":
            return Ambiguous()
        case "EARLY_CANCEL_DENIED":
            return TooEarly()
    return Gone() if reply.text in GONE else _refused(reply)


def read_balance(reply: Reply) -> Money | Refused | Unknown:
    """Read the answer to ``getBalance``."""
    said = _BALANCE.fullmatch(reply.text)
    amount = read_amount(said["amount"]) if said else None
    return _refused(reply) if amount is None else amount


def read_active(reply: Reply) -> Sequence[Active] | Refused | Unknown:
    """
    Read the answer to ``getActiveActivations``, which is JSON.

    The list is called ``activeActivations`` or ``data``. One invalid entry makes the whole answer
    `Unknown`. Upstream reports an empty list as an error.
    """
    said = _json_object(reply.text)
    if NOTHING_ACTIVE in {reply.text, said.get("error")}:
        return ()
    entries = said.get("activeActivations", said.get("data"))
    if not isinstance(entries, list):
        return _refused(reply)
    numbers = [number for number in map(_active, entries) if number is not None]
    return numbers if len(numbers) == len(entries) else reply.unknown()


def read_refusal(reply: Reply) -> Refused | None:
    """Read a refusal that may be the answer to any question."""
    if reply.text in REFUSALS:
        return Refused(REFUSALS[reply.text])
    if _WRONG_MAX_PRICE.fullmatch(reply.text):
        return Refused(Refusal.PRICE_EXCEEDED)
    return Refused(Refusal.REJECTED) if _BANNED.fullmatch(reply.text) else None


def _refused(reply: Reply) -> Refused | Unknown:
    return read_refusal(reply) or reply.unknown()


def _number(reply: Reply) -> Rented | None:
    number = _NUMBER.fullmatch(reply.text)
    return number and Rented(
        activation_id=ActivationId(number["id"]),
        phone=Phone(number["phone"]),
        cost=read_price(reply.price),
    )


def _asleep(reply: Reply) -> Rented | None:
    number = _ASLEEP.fullmatch(reply.text)
    return number and Rented(
        activation_id=ActivationId(number["id"]),
        phone=Phone(number["phone"]),
        cost=read_price(reply.price),
        asleep_until=datetime.fromtimestamp(int(number["wakes"]), UTC),
    )


def _number_v2(reply: Reply) -> Rented | None:
    said = _json_object(reply.text)
    text = f"ACCESS_NUMBER:{said.get('activationId')}:{said.get('phoneNumber')}"
    return _number(Reply(text=text, price=_as_text(said.get("activationCost"))))


def _active(entry: object) -> Active | None:
    if not isinstance(entry, dict):
        return None
    number, service = entry.get("activationId"), entry.get("serviceCode")
    if not re.fullmatch(_ID, str(number)) or not isinstance(service, str) or not service:
        return None
    # Some hide a part of the number behind asterisks: then it is useless.
    phone = re.fullmatch(_PHONE, str(entry.get("phoneNumber")))
    return Active(
        activation_id=ActivationId(str(number)),
        service=ServiceCode(service),
        phone=phone and Phone(phone["phone"]),
        rented_at=parse_moment(entry.get("activationTime")),
    )


def _json_object(text: str) -> Mapping[str, object]:
    """Read a JSON object; an empty one when the text is not a JSON object."""
    try:
        # Numbers stay text, so that no price becomes a float.
        said = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else None
