"""The services that the simulated upstream sells by default."""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from kiwisms.domain.catalog import DEFAULT_COUNTRY, CountryCode, ServiceCode
from kiwisms.domain.money import Money

DIAL_CODES: Final = {
    CountryCode("187"): "1",
    CountryCode("16"): "44",
    CountryCode("36"): "1",
    CountryCode("43"): "49",
    CountryCode("78"): "33",
    CountryCode("48"): "31",
}

_UNITED_STATES: Final = (
    ("go", "Google / Gmail / Youtube", "0.30", 5_000, False),
    ("wa", "WhatsApp", "0.655", 1_800, False),
    ("tg", "Telegram", "1.20", 900, False),
    ("fb", "Facebook", "0.25", 4_000, False),
    ("ig", "Instagram / Threads", "0.20", 3_500, False),
    ("ds", "Discord", "0.18", 2_600, False),
    ("am", "Amazon", "0.15", 7_000, True),
    ("ub", "Uber", "0.225", 1_400, True),
    ("tw", "Twitter / X", "0.12", 3_900, False),
    ("lf", "TikTok", "0.135", 2_750, False),
    ("mm", "Microsoft / Outlook", "0.10", 9_000, True),
    ("wx", "Apple", "0.35", 800, False),
    ("nf", "Netflix", "0.12", 640, False),
    ("ts", "PayPal", "0.45", 520, True),
    ("oi", "Tinder", "0.385", 460, False),
    ("mo", "Bumble", "0.32", 300, False),
    ("vz", "Hinge", "0.41", 220, False),
    ("mt", "Steam", "0.14", 1_100, False),
    ("bz", "Blizzard", "0.275", 87, False),
    ("tn", "LinkedIn", "0.16", 1_900, False),
    ("fu", "Snapchat", "0.19", 2_050, False),
    ("dh", "eBay", "0.17", 730, True),
    ("ac", "DoorDash", "0.24", 410, True),
    ("tu", "Lyft", "0.26", 55, False),
    ("oh", "OpenAI / ChatGPT", "0.085", 6_200, False),
    ("acz", "Claude", "0.095", 1_250, False),
    ("ma", "Mail.ru", "0.08", 0, False),
    ("ot", "Other service", "0.50", 10_000, True),
)
_ELSEWHERE: Final = {
    CountryCode("16"): ("go", "wa", "tg", "fb", "am", "ub", "ot"),
    CountryCode("36"): ("go", "wa", "tg", "ds", "am"),
    CountryCode("43"): ("go", "wa", "tg", "ig"),
    CountryCode("78"): ("go", "wa", "tg"),
    CountryCode("48"): ("go", "wa"),
}


@frozen(kw_only=True)
class Service:
    """One service in one country; *count* is the true stock, which the price table caps."""

    code: ServiceCode
    country: CountryCode
    name: str
    cost: Money
    count: int
    multi: bool = False


def usual_services() -> Iterator[Service]:
    """All services of the United States, and a few elsewhere with a tenth of the stock."""
    for code, name, cost, count, multi in _UNITED_STATES:
        for country in (DEFAULT_COUNTRY, *(c for c, sold in _ELSEWHERE.items() if code in sold)):
            yield Service(
                code=ServiceCode(code),
                country=country,
                name=name,
                cost=Money.parse(cost),
                count=count if country == DEFAULT_COUNTRY else count // 10,
                multi=multi,
            )
