"""Answers of a provider that keeps to its port, or does not."""

import logging
from collections.abc import Awaitable
from types import UnionType
from typing import TypeVar

from kiwisms.ports.provider import Unknown

T = TypeVar("T")

log = logging.getLogger(__name__)


async def answer_of(call: Awaitable[T], kinds: UnionType) -> T | Unknown:
    """
    Await what a provider answers.

    A provider of one's own may have a fault. Then nobody knows what happened upstream, so an
    exception, or anything that is not of *kinds*, is `Unknown`: money that is held must not stay
    held because of it.
    """
    try:
        answer = await call
    except Exception:
        log.exception("the provider raised an error; it must return an answer instead")
        return Unknown("the provider raised an error")
    keeps_to_port = isinstance(answer, kinds)
    if keeps_to_port:
        return answer
    log.error("the provider returned %s, which is no answer", type(answer).__name__)
    return Unknown("the provider returned nonsense")
