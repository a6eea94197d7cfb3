"""``/docs`` in a real browser, where there is one: every operation is there, offline."""

import asyncio
import html
import re
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from kiwisms.entrypoints.http.openapi import CONTRACT
from tests.e2e.http.site import open_site

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",  # which root may not use
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--virtual-time-budget=10000",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
)
HARMLESS = "⚠️ React Router Future Flag Warning"
FIRST_OF_TAG = {"Account": "getBalance", "Catalog": "listServices", "Rentals": "createRental"}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed here")


async def visit(url: str, profile: Path) -> tuple[str, list[str]]:
    """Give a page as it is after its scripts, and what it wrote to the console."""
    assert BROWSER is not None
    process = await asyncio.create_subprocess_exec(
        BROWSER, *FLAGS, f"--user-data-dir={profile}", url, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    console = re.findall(r':CONSOLE[^"]*"(.*)", source: ', err.decode(errors="replace"))
    return html.unescape(out.decode()), console


@pytest.mark.parametrize("tag", FIRST_OF_TAG)
async def test_the_reference_shows_every_operation(tag: str, tmp_path: Path) -> None:
    async with open_site("memory://") as site:
        page, console = await visit(
            f"http://127.0.0.1:{site.port}/docs#/operations/{FIRST_OF_TAG[tag]}", tmp_path
        )
    operations = [each for path in CONTRACT["paths"].values() for each in path.values()]
    wanted = [each["summary"] for each in operations if tag in each["tags"]]
    assert wanted
    assert [each for each in wanted if each not in page] == []
    # A page that asks another host is stopped by its policy, which the console tells.
    assert [each for each in console if not each.startswith(HARMLESS)] == []
