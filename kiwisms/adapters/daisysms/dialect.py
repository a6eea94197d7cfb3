"""The differences between providers that their answers do not reveal."""

from attrs import frozen


@frozen(kw_only=True)
class Dialect:
    """
    How one provider differs from others; the defaults are those of DaisySMS.

    Different words for one refusal need no flag: the adapter reads all of them.

    Args:
        asks_for_next: A further message comes only after ``setStatus`` with status 3.
        price_in_json: ``getNumberV2`` returns the price in JSON, instead of ``X-Price``.
        lists_active: ``getActiveActivations`` lists the numbers that are rented now.
    """

    asks_for_next: bool = False
    price_in_json: bool = False
    lists_active: bool = False
