"""The HTTP door: the user's contract on aiohttp, one use case for each operation."""
