"""The HTTP entrypoint: the contract on aiohttp, one use case for each operation."""
