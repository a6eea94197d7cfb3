"""
Price tables in all known shapes.

These are country → service → data, service → country → data, and service → data for one country.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from kiwisms.adapters.daisysms.amounts import read_price
from kiwisms.domain.catalog import CountryCode, Offer, ServiceCode

COSTS: Final = ("cost", "price", "retail_price")
MULTI: Final = ("repeatable", "multi", "multipleMessages", "multiSms")
YES: Final = (True, "1", "true")  # a tuple, since the compared value may be an unhashable list
LONGEST_NAME: Final = 100

_SERVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_COUNT: Final = re.compile(r"-?[0-9]{1,12}")

Table = Mapping[str, object]


def read_offers(text: str, country: CountryCode) -> dict[ServiceCode, Offer] | None:
    """
    Read the offers of one country.

    Args:
        text: The body of the answer.
        country: The country that was asked for.

    Returns:
        The valid offers; None when the text is not a price table.
    """
    try:
        # Numbers stay text, so that none becomes a float.
        table = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if table == []:  # PHP's way to write an empty table
        return {}
    if not isinstance(table, dict) or not _is_table(table, country):
        return None
    offers = (_offer(code, data) for code, data in _of_country(table, country))
    return {offer.service: offer for offer in offers if offer is not None}


def _is_table(table: Table, country: CountryCode) -> bool:
    if not table or table.get(country) in ({}, []):
        return True
    return any(
        _is_data(inner) or any(_is_data(data) for data in inner.values())
        for inner in table.values()
        if isinstance(inner, dict)
    )


def _of_country(table: Table, country: CountryCode) -> Iterator[tuple[str, Table]]:
    rows = _rows(table)
    by_country = rows.get(country)
    # Country codes are all numeric; of the service codes only some are.
    if by_country is not None and not _is_data(by_country) and all(map(str.isdigit, rows)):
        rows = _rows(by_country)
    for code, row in rows.items():
        data = row if _is_data(row) else row.get(country)
        if isinstance(data, dict):
            yield code, data


def _rows(table: Table) -> dict[str, Table]:
    return {key: row for key, row in table.items() if isinstance(row, dict)}


def _is_data(value: object) -> bool:
    return isinstance(value, dict) and any(
        key in value and not isinstance(value[key], dict | list) for key in COSTS
    )


def _offer(code: str, data: Table) -> Offer | None:
    cost = next(filter(None, (read_price(data.get(key)) for key in COSTS)), None)
    count = data.get("count")
    if cost is None or not isinstance(count, str) or not _COUNT.fullmatch(count):
        return None
    if not _SERVICE.fullmatch(code):
        return None
    return Offer(
        service=ServiceCode(code),
        name=_name(data.get("name")) or code,
        cost=cost,
        count=max(0, int(count)),
        multi_sms=any(data.get(key) in YES for key in MULTI),
    )


def _name(value: object) -> str:
    if not isinstance(value, str):
        return ""
    spaced = " ".join(value.split())
    # Categories C…: control and format characters, lone surrogates, unassigned characters.
    shown = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    return shown[:LONGEST_NAME].strip()
