"""Whatever goes wrong, and however much is logged, no secret is in it."""

import asyncio
import json
import signal
from urllib.parse import quote, urlsplit

from attrs import evolve

from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import new_key, serving

CHATTY = (
    "-X",
    "dev",
    "-c",
    # All that any library would say to who looks for a fault.
    """if True:
        import logging
        logging.INFO = logging.DEBUG
        from kiwisms.entrypoints.cli import main
        main()
    """,
)
SECRET_KEY = "a secret/of+our own & more"
OTHER_SECRET_KEY = "the secret of another deployment"


async def test_no_secret_is_logged(shop: Kiwi, provider: Upstream) -> None:
    key = await new_key(shop)
    settings = {
        "KIWISMS_SECRET_KEY": SECRET_KEY,
        "KIWISMS_SYNC_SECONDS": "0.1",
        "KIWISMS_WEBHOOK_ALLOW_PRIVATE": "1",
        "KIWISMS_PROVIDER_TIMEOUT_SECONDS": "1",
    }
    hook = await shop.tell("webhooks", "set", "ada@example.com", "http://127.0.0.1:9/", **settings)
    chatty = evolve(shop, program=CHATTY)
    async with serving(chatty, key, **settings) as (server, ada):
        for fault in ("down", "garbage", "page", "huge", "silent"):
            await provider.post("faults", kind=fault, action="getNumber")
            assert (await ada.rent())[0] == 502
            # A good answer between, or the provider's guard would soon let none through.
            rental = (await ada.rent())[1]["rental"]
        await ada.ask("GET", f"/rentals?api_key={key}")
        await ada.ask("GET", f"/{key}", headers={"Authorization": f"Bearer {key}x"})
        address = urlsplit(server.document["address"])
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\0\r\n\r\n".encode())
        await writer.drain()
        await provider.post("messages", code="0042", to=rental["phone"])
        await until(lambda: ada.ask("GET", "/rentals?sync=0"), lambda told: "0042" in str(told))
        writer.close()
        first = await server.end(signal.SIGTERM)
    # With another key the webhook's secret cannot be opened: an exception with all its causes.
    other = settings | {"KIWISMS_SECRET_KEY": OTHER_SECRET_KEY, "KIWISMS_LOG_FORMAT": "console"}
    second = await chatty.run("webhooks", "test", "ada@example.com", **other)

    assert "debug" in first.err
    assert "answer is lost" in first.err
    assert "Traceback" in second.err
    secret = key.rsplit("_", 1)[1]
    said = first.err + first.out + second.err + second.out
    for each in (secret, provider.key, hook["secret"], SECRET_KEY, OTHER_SECRET_KEY):
        for form in (each, quote(each, safe=""), json.dumps(each)[1:-1]):
            assert form not in said
    for line in first.err.splitlines():
        assert json.loads(line)["level"]
