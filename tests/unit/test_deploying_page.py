"""What the page about deploying has typed fits the files in ``deploy``."""

import configparser
import re
import subprocess

import pytest

from tests.pages import ROOT, Block, assert_is_command, of_kind


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
