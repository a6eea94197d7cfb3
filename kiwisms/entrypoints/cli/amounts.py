"""Dollars on the command line."""

from typing import Final

import click

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import Money


class Amount(click.ParamType[Money]):
    """
    Dollars, such as ``10.00``.

    Args:
        payable: Whether it must be more than 0 and in whole cents.
    """

    name = "amount"

    def __init__(self, *, payable: bool) -> None:
        self._payable = payable

    def convert(
        self, value: str | Money, param: click.Parameter | None, ctx: click.Context | None
    ) -> Money:
        """Read dollars."""
        try:
            money = Money.parse(value)
            if self._payable:
                money.must_be_payable()
        except ValidationRefused as refused:
            self.fail(f"{str(value)!r} {refused.why}", param, ctx)
        return money


ANY_AMOUNT: Final = Amount(payable=False)
PAYABLE: Final = Amount(payable=True)
