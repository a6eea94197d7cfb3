"""A provider's call that has begun and does not end before a test says so, if ever."""

import asyncio


class HeldCall:
    """Pass it as *meanwhile* to a line of a fake's script."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        """Begin, and wait."""
        self.begun.set()
        await self.may_end.wait()
