"""What the people of one life will do, drawn before it begins, so that any part can be left out."""

from collections.abc import Mapping
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final

from attrs import frozen


class Act(StrEnum):
    """What a customer, an operator or the world can do."""

    RENT = "rent"
    RENT_TWICE = "rent twice at once with one key"
    POLL = "poll"
    LIST = "list"
    FOLLOW = "follow the codes"
    CANCEL = "cancel"
    CANCEL_TWICE = "cancel twice at once"
    DONE = "done"
    RENEW = "renew"
    BALANCE = "read the balance"

    CREDIT = "credit"
    DEBIT = "debit"
    SUSPEND = "suspend"
    REVOKE = "revoke the key"
    SET_WEBHOOK = "set the webhook"
    CLEAR_WEBHOOK = "clear the webhook"
    ROTATE_WEBHOOK = "rotate the webhook's secret"
    TEST_WEBHOOK = "test the webhook"
    RESEND = "send an event again"
    RESOLVE = "resolve an incident"
    GIVE_UP = "give a silent number up"

    WITHDRAW = "upstream takes a number back"
    RELEASE_BY_HAND = "somebody releases a number upstream by hand"
    REPRICE = "upstream changes a price"
    UPSTREAM_AWAY = "upstream goes away"
    FALL_SILENT = "upstream falls silent about a number for ever"
    RECEIVER_DIES = "the receiver dies for ever"
    CRASH = "a server dies"
    STOP = "a server is stopped in good order"
    RENT_BY_HAND = "somebody rents upstream by hand"
    FORGE_PUSH = "somebody forges a pushed message"


WEIGHTS: Final[Mapping[Act, float]] = MappingProxyType(
    {
        Act.RENT: 6,
        Act.RENT_TWICE: 1,
        Act.POLL: 3,
        Act.LIST: 1,
        Act.FOLLOW: 0.5,
        Act.CANCEL: 4,
        Act.CANCEL_TWICE: 0.7,
        Act.DONE: 3,
        Act.RENEW: 2,
        Act.BALANCE: 1,
        Act.CREDIT: 1,
        Act.DEBIT: 0.7,
        Act.SUSPEND: 0.4,
        Act.REVOKE: 0.3,
        Act.SET_WEBHOOK: 0.3,
        Act.CLEAR_WEBHOOK: 0.2,
        Act.ROTATE_WEBHOOK: 0.2,
        Act.TEST_WEBHOOK: 0.3,
        Act.RESEND: 0.4,
        Act.RESOLVE: 0.4,
        Act.GIVE_UP: 0.4,
        Act.WITHDRAW: 0.8,
        Act.RELEASE_BY_HAND: 0.3,
        Act.REPRICE: 0.5,
        Act.UPSTREAM_AWAY: 0.3,
        Act.FALL_SILENT: 0.3,
        Act.RECEIVER_DIES: 0.2,
        Act.CRASH: 0.6,
        Act.STOP: 0.3,
        Act.RENT_BY_HAND: 0.3,
        Act.FORGE_PUSH: 0.4,
    }
)
"""How often each is done, of all that is done."""

HORIZON: Final = 60.0
"""Seconds within which everything is begun."""


@frozen(kw_only=True)
class Deed:
    """
    One thing that somebody begins at one moment.

    *luck*, from 0 to 1, chooses among what is there at that moment; *place* counts the deeds.
    """

    place: int
    at: float
    act: Act
    account: int
    luck: float
    keyed: bool

    def __str__(self) -> str:
        return f"{self.act} (deed {self.place}, account {self.account})"


@frozen(kw_only=True)
class Plan:
    """How many accounts and servers there are, and what is done."""

    accounts: int
    servers: int
    funds: tuple[int, ...]
    webhooks: tuple[bool, ...]
    deeds: tuple[Deed, ...]


def draw_plan(chance: Random) -> Plan:
    """
    Draw what is done in one life.

    Much of it happens at a few moments, so that things meet.
    """
    accounts = 1 if chance.random() < 0.6 else 2
    moments = [chance.uniform(0, HORIZON) for _ in range(3)]
    acts = [Act.RENT] * accounts + chance.choices(
        list(WEIGHTS), list(WEIGHTS.values()), k=chance.randint(4, 14)
    )
    return Plan(
        accounts=accounts,
        servers=chance.choice((1, 2, 2, 3)),
        funds=tuple(chance.choice((50, 150, 1000)) for _ in range(accounts)),
        webhooks=tuple(chance.random() < 0.6 for _ in range(accounts)),
        deeds=tuple(
            Deed(
                place=place,
                at=_moment(chance, moments) if place >= accounts else chance.uniform(0, 5),
                act=act,
                account=place % accounts,
                luck=chance.random(),
                keyed=chance.random() < 0.7,
            )
            for place, act in enumerate(acts)
        ),
    )


def _moment(chance: Random, moments: list[float]) -> float:
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(moments)
    if kind < 0.6:
        return chance.choice(moments) + chance.random()
    return chance.uniform(0, HORIZON)
