"""What the page about deploying has typed fits the files in ``deploy``."""

import configparser
import re
import subprocess

import pytest

from kiwisms.entrypoints.cli.server import UPSTREAM_CALLS, drain_seconds
from kiwisms.entrypoints.http.errors import MAX_BODY_BYTES
from kiwisms.entrypoints.settings import Settings
from tests.pages import ROOT, Block, assert_is_command, of_kind, text_of


def stops_after(text: str) -> list[int]:
    """The seconds after which whatever started the server kills it."""
    return [
        int(n) for n in re.findall(r"(?:TimeoutStopSec=|grace_period: |stop-timeout )(\d+)", text)
    ]


def test_the_unit_starts_a_command_that_exists_where_the_page_installs_it() -> None:
    unit = configparser.RawConfigParser()
    unit.read(ROOT / "deploy/kiwisms.service", "utf-8")
    service = unit["Service"]
    program, *words = service["ExecStart"].split()

    assert_is_command(words)
    typed = "".join(block.text for block in of_kind("sh root"))
    assert f"cd {service['WorkingDirectory']}\nsudo -u {service['User']} {program} " in typed


@pytest.mark.parametrize("block", of_kind("sh root"), ids=lambda block: block.name)
def test_what_root_types_can_be_read_and_names_what_is_there(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)

    for words in re.findall(
        r"(?:bin/|exec )kiwisms (?:kiwisms )?([a-z ]+)$", block.text, re.MULTILINE
    ):
        assert_is_command(words.split())
    for name in re.findall(r" ((?:requirements|deploy)/\S+)", block.text):
        assert (ROOT / name).exists()


@pytest.mark.parametrize("name", ["deploy/kiwisms.service", "compose.yaml", "docs/deploying.md"])
def test_a_server_is_given_the_time_to_end(name: str) -> None:
    (seconds,) = stops_after(text_of(ROOT / name))

    assert seconds > drain_seconds(Settings())


def test_the_image_says_by_number_that_it_does_not_run_as_root() -> None:
    image = text_of(ROOT / "Dockerfile")
    (uid,) = re.findall(r"useradd --uid (\d+) ", image)

    # It refuses a name where runAsNonRoot is asked for.
    assert re.findall(r"^USER (.+)$", image, re.MULTILINE) == [uid]


def test_no_password_stands_in_an_address_of_compose() -> None:
    addresses = re.findall(r"\w+://\S+", text_of(ROOT / "compose.yaml"))

    assert any("postgres" in address for address in addresses)
    assert not any("PASSWORD" in address for address in addresses)


def test_the_proxy_waits_as_long_and_takes_as_much_as_the_server() -> None:
    proxy = text_of(ROOT / "deploy/nginx.conf")
    (waits,) = re.findall(r"proxy_read_timeout (\d+)s;", proxy)
    (takes,) = re.findall(r"client_max_body_size (\d+)k;", proxy)

    assert int(waits) > 2 * UPSTREAM_CALLS * Settings().provider_timeout_seconds
    assert int(takes) * 1024 > MAX_BODY_BYTES
    assert f"at least {waits} seconds" in text_of(ROOT / "docs/deploying.md")
