"""Who may come in: the API key in either header, and what is said to who has none."""

import pytest
from multidict import CIMultiDict

from tests.e2e.http.site import Answer, Customer, Site


@pytest.fixture
def store_url() -> str:
    return "memory://"


async def come(site: Site, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.ask("GET", "/api/v1/balance", headers=given)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
async def test_the_word_bearer_in_any_case(site: Site, ada: Customer, scheme: str) -> None:
    assert (await come(site, Authorization=scheme + ada.key)).status == 200


async def test_spaces_around_a_header_do_not_count(site: Site, ada: Customer) -> None:
    assert (await come(site, X_API_Key=f"  {ada.key} ")).status == 200
    assert (await come(site, Authorization=f"  Bearer {ada.key} ")).status == 200


async def test_of_both_headers_the_first_counts(site: Site, ada: Customer) -> None:
    bob = await site.customer("3.00", "bob@example.com")
    both = await come(site, X_API_Key=ada.key, Authorization=f"Bearer {bob.key}")
    assert both.json["balance"] == 10.0
    wrong = await come(site, X_API_Key="wrong", Authorization=f"Bearer {bob.key}")
    assert wrong.told == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("form", ["X-API-Key: {}", "Authorization: Bearer {}"])
async def test_two_keys_in_one_header_are_nobodys(site: Site, ada: Customer, form: str) -> None:
    bob = await site.customer("3.00", "bob@example.com")

    async def come_with(*keys: str) -> Answer:
        lines = [form.format(key).split(": ") for key in keys]
        headers = CIMultiDict([(name, value) for name, value in lines])
        return await site.ask("GET", "/api/v1/balance", headers=headers)

    for keys in ((ada.key, bob.key), (bob.key, ada.key), (ada.key, "wrong")):
        assert (await come_with(*keys)).told == (401, "UNAUTHORIZED")
    # A header that a proxy repeats still says one thing.
    assert (await come_with(ada.key, ada.key)).json["balance"] == 10.0


async def test_a_key_that_is_not_right_is_refused(site: Site, ada: Customer) -> None:
    bob = await site.customer(email="bob@example.com")
    prefix, secret = ada.key.rsplit("_", 1)
    other_secret = bob.key.rsplit("_", 1)[1]
    wrong = [
        {},
        {"X_API_Key": ""},
        {"X_API_Key": " "},
        {"X_API_Key": "x"},
        {"X_API_Key": f"{prefix}_"},
        {"X_API_Key": f"{prefix}_{secret[:-1]}"},
        {"X_API_Key": f"{prefix}_{secret}x"},
        {"X_API_Key": f"{prefix}_{other_secret}"},
        {"X_API_Key": f"{prefix} _{secret}"},
        {"X_API_Key": ada.key.upper()},
        {"X_API_Key": f"Bearer {ada.key}"},
        {"X_API_Key": "lsms__"},
        {"X_API_Key": "ключ"},
        {"X_API_Key": "x" * 4000},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": ada.key},
        {"Authorization": f"Basic {ada.key}"},
        {"Authorization": f"Bearer: {ada.key}"},
    ]
    bodies = set()
    for headers in wrong:
        refused = await come(site, **headers)
        assert refused.told == (401, "UNAUTHORIZED"), headers
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="kiwisms"'
        bodies.add(refused.body)
    assert len(bodies) == 1, "what is wrong with a key is not told"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/balance"),
        ("GET", "/services"),
        ("GET", "/rentals"),
        ("POST", "/rentals"),
        ("GET", "/rentals/x"),
        ("POST", "/rentals/x/cancel"),
        ("POST", "/rentals/x/done"),
        ("POST", "/rentals/x/renew"),
    ],
)
async def test_no_operation_is_open(site: Site, method: str, path: str) -> None:
    # Before anything else: nothing is said about a request of nobody.
    refused = await site.ask(method, f"/api/v1{path}?sync=9&country=0", data=b"{")
    assert refused.told == (401, "UNAUTHORIZED")
