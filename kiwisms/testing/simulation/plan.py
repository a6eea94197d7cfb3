"""The actions of one life, drawn before it begins, so that any of them can be left out."""

from collections.abc import Mapping
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final

from attrs import frozen


class ActionKind(StrEnum):
    """What a customer, the operator, upstream or a server can do."""

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
    RELEASE_BY_HAND = "a person releases a number upstream by hand"
    REPRICE = "upstream changes a price"
    UPSTREAM_AWAY = "upstream goes away"
    FALL_SILENT = "upstream never answers about a number again"
    RECEIVER_DIES = "the receiver never answers again"
    CRASH = "a server dies"
    STOP = "a server is stopped gracefully"
    STOP_ALL = "all servers are stopped for long"
    RENT_BY_HAND = "a person rents upstream by hand"
    FORGE_PUSH = "a stranger forges a pushed message"


WEIGHTS: Final[Mapping[ActionKind, float]] = MappingProxyType(
    {
        ActionKind.RENT: 6,
        ActionKind.RENT_TWICE: 1,
        ActionKind.POLL: 3,
        ActionKind.LIST: 1,
        ActionKind.FOLLOW: 0.5,
        ActionKind.CANCEL: 4,
        ActionKind.CANCEL_TWICE: 0.7,
        ActionKind.DONE: 3,
        ActionKind.RENEW: 2,
        ActionKind.BALANCE: 1,
        ActionKind.CREDIT: 1,
        ActionKind.DEBIT: 0.7,
        ActionKind.SUSPEND: 0.4,
        ActionKind.REVOKE: 0.3,
        ActionKind.SET_WEBHOOK: 0.3,
        ActionKind.CLEAR_WEBHOOK: 0.2,
        ActionKind.ROTATE_WEBHOOK: 0.2,
        ActionKind.TEST_WEBHOOK: 0.3,
        ActionKind.RESEND: 0.4,
        ActionKind.RESOLVE: 0.4,
        ActionKind.GIVE_UP: 0.4,
        ActionKind.WITHDRAW: 0.8,
        ActionKind.RELEASE_BY_HAND: 0.3,
        ActionKind.REPRICE: 0.5,
        ActionKind.UPSTREAM_AWAY: 0.3,
        ActionKind.FALL_SILENT: 0.3,
        ActionKind.RECEIVER_DIES: 0.2,
        ActionKind.CRASH: 0.6,
        ActionKind.STOP: 0.3,
        ActionKind.STOP_ALL: 0.2,
        ActionKind.RENT_BY_HAND: 0.3,
        ActionKind.FORGE_PUSH: 0.4,
    }
)
"""How often each kind of action is drawn, relative to the others."""

HORIZON: Final = 60.0
"""All actions begin within this many seconds."""


@frozen(kw_only=True)
class Action:
    """
    One action, which begins at one moment.

    *place* is its number in the plan. *luck*, from 0 to 1, chooses among the things that exist at
    that moment, such as rentals. *keyed* switches a variant of the action on.
    """

    place: int
    at: float
    kind: ActionKind
    account: int
    luck: float
    keyed: bool

    def __str__(self) -> str:
        return f"{self.kind} (action {self.place}, account {self.account})"


@frozen(kw_only=True)
class Plan:
    """The number of accounts and servers of a life, and its actions."""

    accounts: int
    servers: int
    funds: tuple[int, ...]
    webhooks: tuple[bool, ...]
    actions: tuple[Action, ...]


def draw_plan(chance: Random) -> Plan:
    """
    Draw the actions of one life.

    Many of them begin at the same few moments, so that they run concurrently.
    """
    accounts = 1 if chance.random() < 0.6 else 2
    moments = [chance.uniform(0, HORIZON) for _ in range(3)]
    kinds = [ActionKind.RENT] * accounts + chance.choices(
        list(WEIGHTS), list(WEIGHTS.values()), k=chance.randint(4, 14)
    )
    return Plan(
        accounts=accounts,
        servers=chance.choice((1, 2, 2, 3)),
        funds=tuple(chance.choice((50, 150, 1000)) for _ in range(accounts)),
        webhooks=tuple(chance.random() < 0.6 for _ in range(accounts)),
        actions=tuple(
            Action(
                place=place,
                at=_moment(chance, moments) if place >= accounts else chance.uniform(0, 5),
                kind=kind,
                account=place % accounts,
                luck=chance.random(),
                keyed=chance.random() < 0.7,
            )
            for place, kind in enumerate(kinds)
        ),
    )


def _moment(chance: Random, moments: list[float]) -> float:
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(moments)
    if kind < 0.6:
        return chance.choice(moments) + chance.random()
    return chance.uniform(0, HORIZON)
