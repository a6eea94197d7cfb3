"""Excerpts of upstream's answers that are safe to log."""

import html
import re
from typing import Final
from urllib.parse import quote, quote_plus

from attrs import field, frozen

LONGEST: Final = 80
ENOUGH: Final = 4096
HIDDEN: Final = "[key]"
PHONE: Final = re.compile(r"\d{8,}(?=\d{2})")
"""All but the last two digits of a phone number; activation ids have fewer digits."""


@frozen
class Redaction:
    """Hides one key, also in its own repr, and everything that may be a phone number."""

    _key: str = field(repr=False)

    def excerpt(self, text: str) -> str:
        r"""
        Make a short printable excerpt without the key and without phone numbers.

        >>> Redaction("s3cret").excerpt("Hello\r\n/?api_key=s3cret")
        'Hello /?api_key=[key]'
        >>> Redaction("s3cret").excerpt("ACCESS_NUMBER:999993:13476711222:x")
        'ACCESS_NUMBER:999993:…22:x'
        """
        forms = self._forms()
        head = "".join(char if char.isprintable() else " " for char in text[:ENOUGH])
        for form in forms:
            head = head.replace(form, HIDDEN)
        if len(text) > ENOUGH:  # the cut may have left the beginning of the key
            head = head[: -len(forms[0])]
        return PHONE.sub("…", " ".join(head.split()))[:LONGEST]

    def _forms(self) -> list[str]:
        key = self._key
        forms = {key, quote(key, safe=""), quote(key), quote_plus(key), html.escape(key)}
        return sorted(forms, key=len, reverse=True)
