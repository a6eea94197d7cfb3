"""One view is printed in three ways: for a terminal, for a pipe, and as JSON."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Final, Protocol

import pytest
from attrs import frozen

from kiwisms.domain.money import Money
from kiwisms.domain.rental_state import State
from kiwisms.entrypoints.cli.output import show


@frozen
class Line:
    rental_id: str
    at: datetime
    amount: Money
    status: State
    note: str | None = None


@frozen
class Page:
    account_id: str
    is_good: bool
    lines: Sequence[Line]


AT: Final = datetime(2026, 11, 24, 2, 3, 4, 567_890, UTC)
LINE: Final = Line(
    rental_id="0" * 36, at=AT, amount=Money.parse("0.39"), status=State.WAITING, note=None
)
PAGE: Final = Page(account_id="a", is_good=True, lines=[LINE])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Shown(Protocol):
    def __call__(self, view: object, *, columns: int) -> str: ...


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def shown(view: object, *, columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with redirect_stdout(Terminal()) as screen:
            show(view, as_json=False)
        return screen.getvalue()

    return shown


def test_json_is_one_document_with_the_names_in_camel_case(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(PAGE, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "accountId": "a",
        "isGood": True,
        "lines": [
            {
                "rentalId": "0" * 36,
                "at": "2026-11-24T02:03:04.567Z",
                "amount": "0.39",
                "status": "WAITING",
                "note": None,
            }
        ],
    }


def test_a_list_is_a_json_list_even_when_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    show([], as_json=True)
    assert capsys.readouterr().out == "[]\n"


def test_a_pipe_gets_plain_columns_that_are_never_wrapped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = Line(rental_id="x", at=AT, amount=Money(1), status=State.FAILED, note="n" * 500)
    show(Page(account_id="a", is_good=False, lines=[LINE, long]), as_json=False)
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[:2] == ["accountId  a", "isGood     no"]
    assert lines[3] == "lines"
    assert [line.split() for line in lines[4:]] == [
        ["rentalId", "at", "amount", "status", "note"],
        ["0" * 36, "2026-11-24T02:03:04.567Z", "0.39", "WAITING"],
        ["x", "2026-11-24T02:03:04.567Z", "0.000001", "FAILED", "n" * 500],
    ]
    assert not any(line.endswith(" ") for line in lines)


@frozen
class Try:
    at: datetime
    error: str


@frozen
class Event:
    id: str
    tries: list[Try]


@frozen
class Book:
    name: str
    words: list[str]
    events: list[Event]


def test_words_stand_in_a_cell_and_of_a_table_its_last_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = [Event("e-1", [Try(AT, "HTTP 500"), Try(AT, "timed out")]), Event("e-2", [])]
    show(Book("b", ["x", "y"], events), as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "name   b",
        "words  x, y",
        "",
        "events",
        "id   tries",
        "e-1  2026-11-24T02:03:04.567Z timed out",
        "e-2",
    ]


def test_a_pipe_is_told_when_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show([], as_json=False)
    assert capsys.readouterr().out == "none\n"


def test_a_terminal_gets_colours(on_terminal: Shown) -> None:
    shown = on_terminal([LINE], columns=120)
    assert "\x1b[33mWAITING\x1b[0m" in shown
    assert len(shown.splitlines()) == 3


def test_on_a_narrow_terminal_an_id_is_still_in_one_piece(on_terminal: Shown) -> None:
    shown = on_terminal([LINE, LINE], columns=60)
    assert shown.count("0" * 36) == 2
    assert shown.count("rentalId") == 2


@pytest.mark.parametrize("columns", [1, 40, 80, 200])
def test_a_key_that_is_shown_once_is_shown_whole(on_terminal: Shown, columns: int) -> None:
    key = "lsms_" + "k" * 100
    shown = on_terminal(Page(account_id=key, is_good=True, lines=[]), columns=columns)
    assert key in shown
    assert not any(line.endswith(" ") for line in shown.splitlines())
    assert "\x1b[32myes\x1b[0m" in shown


@pytest.mark.parametrize("text", ["[red]bold[/red]", ":smile:", "http://a/b?c=[d]"])
def test_what_somebody_wrote_is_not_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show([Line(rental_id=text, at=AT, amount=Money(0), status=State.FAILED)], as_json=False)
    assert text in capsys.readouterr().out


def test_what_somebody_wrote_does_not_steer_the_terminal(on_terminal: Shown) -> None:
    evil = "a\x1b[2Jb\x07c\nd"
    line = Line(rental_id=evil, at=AT, amount=Money(0), status=State.FAILED)
    shown = on_terminal([line], columns=120)
    assert "a [2Jb c d" in shown
    assert "\x1b[2J" not in shown


def test_a_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show("a,b\n1,2\n", as_json=False)
    assert capsys.readouterr().out == "a,b\n1,2\n"
