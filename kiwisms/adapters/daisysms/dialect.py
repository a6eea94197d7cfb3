"""In what providers of this protocol differ and no answer tells."""

from attrs import frozen


@frozen(kw_only=True)
class Dialect:
    """
    What one provider does in its own way; the defaults are those of DaisySMS.

    Different words for the same refusal need no flag: all of them are understood.

    Args:
        asks_for_next: A further message comes only after ``setStatus`` with status 3.
        price_in_json: ``getNumberV2`` tells the price in JSON, in place of ``X-Price``.
        lists_active: ``getActiveActivations`` tells which numbers are rented out.
    """

    asks_for_next: bool = False
    price_in_json: bool = False
    lists_active: bool = False
