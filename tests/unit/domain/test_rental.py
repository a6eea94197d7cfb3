"""A rental moves by its table, keeps every message, and knows when it must be looked at."""

from datetime import datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis.strategies import booleans, floats, lists, none, sampled_from

from kiwisms.domain.history import Step, in_order, step
from kiwisms.domain.ids import RentalId
from kiwisms.domain.money import cents
from kiwisms.domain.pace import Pace
from kiwisms.domain.rental import CancelNotAllowed, GiveUpNotAllowed, Rental, RentalNotFound
from kiwisms.domain.rental_state import (
    FINAL,
    OPEN,
    RENEWABLE,
    SHOWN,
    TRANSITIONS,
    UNDECIDED,
    Event,
    State,
)
from kiwisms.domain.sms import Message
from kiwisms.domain.transitions import TransitionRefused, next_state
from tests.unit.domain.samples import (
    ACTS,
    ADA,
    IN_STATE,
    NOW,
    PACE,
    cancel,
    complete,
    fail,
    give_up,
    message,
    receive,
    rent,
    request,
    run_out,
    seconds,
)

END = NOW + PACE.session

messages = lists(
    sampled_from([message(code, text) for code in ("1", "01", "2") for text in (None, "a", "b")]),
    max_size=12,
)


# The table


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("event", ACTS)
def test_only_what_is_in_the_table_can_happen(state: State, event: Event) -> None:
    rental = IN_STATE[state]
    assert rental.state is state
    if (state, event) in TRANSITIONS:
        assert ACTS[event](rental).state is TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionRefused) as refused:
            ACTS[event](rental)
        assert (refused.value.state, refused.value.event) == (state, event)


@pytest.mark.parametrize("event", Event)
def test_a_rental_begins_with_a_request_and_with_nothing_else(event: Event) -> None:
    if event is Event.REQUEST:
        assert next_state(TRANSITIONS, State.NEW, event) is request().state
    else:
        with pytest.raises(TransitionRefused):
            next_state(TRANSITIONS, State.NEW, event)


@pytest.mark.parametrize("state", IN_STATE)
def test_a_rental_is_requested_once(state: State) -> None:
    with pytest.raises(TransitionRefused):
        next_state(TRANSITIONS, state, Event.REQUEST)


def test_every_state_can_be_come_to() -> None:
    reached, last = {State.NEW}, set[State]()
    while reached != last:
        last = reached
        reached = reached | {after for (before, _), after in TRANSITIONS.items() if before in last}
    assert reached == set(State) == {State.NEW, *IN_STATE}


def test_every_event_can_happen() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event) == {Event.REQUEST, *ACTS}


def test_every_rental_can_come_to_an_end() -> None:
    ends, last = set(FINAL), set[State]()
    while ends != last:
        last = ends
        ends = ends | {before for (before, _), after in TRANSITIONS.items() if after in last}
    assert ends == set(State)


def test_there_is_no_way_out_of_an_end() -> None:
    assert {State.COMPLETED, State.CANCELLED, State.EXPIRED, State.FAILED} == FINAL
    assert not {before for before, _ in TRANSITIONS} & FINAL


def test_the_table_cannot_be_written_to() -> None:
    assert not hasattr(TRANSITIONS, "__setitem__")


def test_what_each_kind_of_state_means() -> None:
    assert {State.WAITING, State.RECEIVED} == OPEN
    assert {State.REQUESTED, State.WAITING} == UNDECIDED
    assert set(State) - {State.NEW, State.REQUESTED, State.FAILED} == SHOWN
    assert {State.RECEIVED, State.COMPLETED} == RENEWABLE


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nobody_looks_at_what_has_ended(state: State) -> None:
    assert IN_STATE[state].due_at is None


@pytest.mark.parametrize("state", sorted(set(IN_STATE) - FINAL))
def test_somebody_looks_at_what_has_not_ended(state: State) -> None:
    assert IN_STATE[state].due_at is not None


@pytest.mark.parametrize("event", ACTS)
def test_a_step_says_when_it_was(event: Event) -> None:
    later = NOW + PACE.session + PACE.silent_after
    acts = {
        Event.RENT: lambda: rent(request(), at=later),
        Event.FAIL: lambda: request().fail(later),
        Event.RECEIVE: lambda: rent(request()).receive(message(), later, PACE),
        Event.COMPLETE: lambda: rent(request()).complete(later),
        Event.CANCEL: lambda: rent(request()).cancel(later),
        Event.RUN_OUT: lambda: rent(request()).run_out(later),
        Event.GIVE_UP: lambda: rent(request()).give_up(later, PACE),
    }
    stepped = acts[event]()
    assert (stepped.created_at, stepped.changed_at) == (NOW, later)


# Requests and numbers


def test_a_request_comes_due_in_case_nobody_comes_back() -> None:
    requested = request()
    assert requested.due_at == requested.look_after == NOW + PACE.request_timeout
    assert (requested.activation_id, requested.phone, requested.messages) == (None, "", ())


def test_the_session_begins_when_the_number_is_there() -> None:
    rented = rent(request(), price=cents(38), at=NOW + seconds(9))
    assert rented.expires_at == NOW + seconds(9) + PACE.session
    assert (rented.price, rented.cost) == (cents(38), cents(30))
    assert (rented.activation_id, rented.phone) == ("999000", "12025550123")


def test_the_session_of_a_number_that_must_wake_begins_at_once_too() -> None:
    assert rent(request(), asleep_until=NOW + seconds(300)).expires_at == END


# Messages


@given(arriving=messages)
def test_every_message_is_kept_once_and_in_order(arriving: list[Message]) -> None:
    rental = rent(request())
    for each in arriving:
        rental = rental.receive(each, NOW, PACE)
    seen = list[Message]()
    for each in arriving:
        if not any(each.repeats(known) for known in seen):
            seen.append(each)
    assert list(rental.messages) == seen
    assert rental.state is (State.RECEIVED if arriving else State.WAITING)


def test_a_message_seen_again_changes_nothing_whenever_it_is_seen() -> None:
    received = rent(request()).receive(message("1", "a"), NOW, PACE)
    again = message("1", "a", at=NOW + seconds(60))
    assert received.has_received(again)
    assert received.receive(again, NOW + seconds(60), PACE) is received


@pytest.mark.parametrize("state", sorted(FINAL))
def test_no_message_comes_after_the_end(state: State) -> None:
    ended = evolve(IN_STATE[state], messages=(message(),))
    for each in (message(), message("new")):
        with pytest.raises(TransitionRefused):
            ended.receive(each, NOW, PACE)


# Who is done


@pytest.mark.parametrize("state", IN_STATE)
def test_who_is_done_is_noted_while_the_number_is_open_and_once(state: State) -> None:
    rental = IN_STATE[state]
    if state not in OPEN:
        with pytest.raises(TransitionRefused):
            rental.mark_done(NOW)
        return
    noted = rental.mark_done(NOW)
    assert noted == evolve(rental, done_at=NOW)
    assert noted.mark_done(NOW + seconds(9)) is noted


def test_a_number_that_upstream_has_lost_finished_if_gone_when_somebody_was_done_with_it() -> None:
    waiting = rent(request())
    assert not waiting.finished_if_gone
    assert waiting.mark_done(NOW).finished_if_gone


# What upstream says of it


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("state", IN_STATE)
def test_a_waiting_number_is_cancelled_as_was_asked_and_a_second_time(
    state: State, gone: bool
) -> None:
    rental = IN_STATE[state]
    if state is State.WAITING:
        assert rental.confirm_cancel(NOW, gone=gone) == rental.cancel(NOW)
    elif state is State.CANCELLED:
        assert rental.confirm_cancel(NOW, gone=gone) is rental
    else:
        with pytest.raises(CancelNotAllowed):
            rental.confirm_cancel(NOW, gone=gone)


@pytest.mark.parametrize("state", IN_STATE)
def test_an_open_number_is_finished_as_was_asked_and_a_second_time(state: State) -> None:
    rental = IN_STATE[state]
    if state in OPEN:
        assert rental.confirm_done(NOW) == rental.complete(NOW)
    elif state is State.COMPLETED:
        assert rental.confirm_done(NOW) is rental
    else:
        with pytest.raises(RentalNotFound):
            rental.confirm_done(NOW)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_number_that_is_gone_was_finished_if_somebody_was_done_with_it(state: State) -> None:
    rental = IN_STATE[state]
    assert rental.gone(NOW) is rental
    done = rental.mark_done(NOW)
    assert done.gone(NOW) == done.complete(NOW)
    if state is State.WAITING:
        assert done.confirm_cancel(NOW, gone=True) == done.complete(NOW)
        assert done.confirm_cancel(NOW, gone=False) == done.cancel(NOW)


@pytest.mark.parametrize("at", [NOW, END - seconds(3.001), END - seconds(3), END + seconds(9)])
def test_upstream_takes_a_number_back_before_its_time_or_at_it(at: datetime) -> None:
    waiting, received = IN_STATE[State.WAITING], IN_STATE[State.RECEIVED]
    early = at < END - PACE.look
    assert waiting.ended_upstream(at, PACE) == (
        waiting.cancel(at) if early else waiting.run_out(at)
    )
    assert received.ended_upstream(at, PACE) == received.run_out(at)


def test_a_waiting_rental_is_given_up_when_its_session_has_long_been_over() -> None:
    rental, silent_from = IN_STATE[State.WAITING], END + PACE.silent_after
    for early in (NOW, END, silent_from - seconds(0.001)):
        assert not rental.is_silent(early, PACE)
        with pytest.raises(GiveUpNotAllowed):
            rental.give_up(early, PACE)
    assert rental.is_silent(silent_from, PACE)
    assert rental.give_up(silent_from, PACE).state is State.EXPIRED


def test_what_is_paid_runs_out_when_upstream_does_not_answer_long_after_the_end() -> None:
    received, last = IN_STATE[State.RECEIVED], END + PACE.longest_silence
    assert received.unanswered(last - seconds(0.001), PACE) is received
    assert received.unanswered(last, PACE) == received.run_out(last)
    waiting = IN_STATE[State.WAITING]
    assert waiting.unanswered(last, PACE) is waiting


def test_who_was_done_with_a_silent_number_is_not_charged_for_what_nobody_knows() -> None:
    assert give_up(rent(request()).mark_done(NOW)).state is State.EXPIRED


@pytest.mark.parametrize("state", sorted(FINAL | {State.RECEIVED}))
def test_only_a_waiting_rental_is_given_up(state: State) -> None:
    with pytest.raises(GiveUpNotAllowed):
        IN_STATE[state].give_up_on_request(END + PACE.silent_after, PACE)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_silent_rental_is_looked_at_seldom_however_often_it_is_polled(state: State) -> None:
    at = END + PACE.silent_after
    looked = IN_STATE[state].looked(at, PACE)
    assert looked.look_after == looked.due_at == at + PACE.look_silent


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_look_in_between_does_not_postpone_the_one_that_is_due(state: State) -> None:
    due = evolve(IN_STATE[state], due_at=END)
    looked = due.looked_in_between(END - seconds(1), PACE)
    assert (looked.due_at, looked.look_after) == (END, END + seconds(2))
    claimed = evolve(due, due_at=END + seconds(900))
    assert claimed.looked_in_between(END, PACE) == claimed.looked(END, PACE)


# When to look


def test_a_waiting_number_is_looked_at_every_three_seconds() -> None:
    rented = rent(request())
    assert rented.look_after == rented.due_at == NOW + seconds(3)
    assert not rented.may_be_looked_at(NOW + seconds(2.999))
    assert rented.may_be_looked_at(NOW + seconds(3))


def test_a_sleeping_number_is_looked_at_every_fifteen_seconds_until_it_wakes() -> None:
    wakes = NOW + seconds(60)
    asleep = rent(request(), asleep_until=wakes)
    assert asleep.look_after == asleep.due_at == NOW + seconds(15)
    assert asleep.is_asleep(wakes - seconds(1))
    assert not asleep.is_asleep(wakes)
    awake = asleep.looked(wakes, PACE)
    assert awake.look_after == awake.due_at == wakes + seconds(3)


def test_a_message_shows_that_a_number_is_awake() -> None:
    received = receive(rent(request(), asleep_until=NOW + seconds(60)))
    assert not received.is_asleep(NOW)
    assert received.look_after == NOW + seconds(3)
    assert received.asleep_until == NOW + seconds(60)


@pytest.mark.parametrize(("after", "pause"), [(0, 3), (59, 3), (60, 15), (600, 15)])
def test_a_minute_after_a_code_there_is_less_hurry_but_who_asks_is_not_held_up(
    after: int, pause: int
) -> None:
    at = NOW + seconds(after)
    received = receive(rent(request())).looked(at, PACE)
    assert received.look_after == at + seconds(3)
    assert received.due_at == at + seconds(pause)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_number_is_looked_at_when_its_session_ends(state: State) -> None:
    looked = IN_STATE[state].looked(END - seconds(2), PACE)
    assert looked.due_at == END
    assert IN_STATE[state].looked(END - seconds(15), PACE).due_at in {
        END - seconds(12),
        END,
    }


@pytest.mark.parametrize(("state", "pause"), [(State.WAITING, 3), (State.RECEIVED, 15)])
@pytest.mark.parametrize("late", [0, 1, 599])
def test_past_the_end_upstream_is_asked_until_it_answers(
    state: State, pause: int, late: int
) -> None:
    at = END + seconds(late)
    assert IN_STATE[state].looked(at, PACE).due_at == at + seconds(pause)


@given(after=floats(0, 3000), asleep=none() | floats(0, 3000), received=booleans())
def test_the_next_look_is_always_ahead(after: float, asleep: float | None, received: bool) -> None:
    rental = rent(request(), asleep_until=None if asleep is None else NOW + seconds(asleep))
    at = NOW + seconds(after)
    looked = (receive(rental) if received else rental).looked(at, PACE)
    assert looked.due_at is not None
    longest = PACE.look_silent if rental.is_silent(at, PACE) else PACE.look_received
    assert at < looked.due_at <= at + longest
    assert at + seconds(3) <= looked.look_after <= at + longest
    assert not at < END < looked.due_at


# How long it lasts


@pytest.mark.parametrize("state", IN_STATE)
def test_only_an_open_rental_is_active_and_only_until_it_expires(state: State) -> None:
    rental = evolve(IN_STATE[state], look_after=NOW)
    for at in (NOW, END - seconds(0.001), END, END + seconds(1)):
        is_open = state in OPEN
        assert rental.is_active(at) == (is_open and at < END)
        assert rental.is_over_time(at) == (is_open and at >= END)
        assert rental.may_be_looked_at(at) == is_open


@pytest.mark.parametrize(
    ("at", "remaining"),
    [
        (NOW, 1200),
        (NOW + seconds(0.5), 1199),
        (END - seconds(1), 1),
        (END - seconds(0.001), 0),
        (END, 0),
        (END + seconds(1), 0),
    ],
)
def test_whole_seconds_remain(at: datetime, remaining: int) -> None:
    assert rent(request()).seconds_remaining(at) == remaining
    assert cancel(rent(request())).seconds_remaining(at) == 0


def test_upstreams_session_ends_a_moment_before_ours() -> None:
    rental, pace = rent(request()), Pace(look=seconds(10))
    assert not rental.is_ending(END - seconds(10.001), pace)
    assert rental.is_ending(END - seconds(10), pace)
    assert rental.is_ending(END + seconds(1), pace)


# The history


def steps_of(*versions: Rental) -> list[Step | None]:
    return [
        step(before, after, "ada")
        for before, after in zip((None, *versions), versions, strict=False)
    ]


def test_the_history_has_a_line_for_each_place_a_rental_comes_to() -> None:
    requested = request()
    rented = rent(requested)
    once, twice = receive(rented), receive(receive(rented))
    history = steps_of(requested, rented, rented.looked(NOW, PACE), once, twice, complete(twice))
    assert [line and (line.state, line.messages) for line in history] == [
        (State.REQUESTED, 0),
        (State.WAITING, 0),
        None,
        (State.RECEIVED, 1),
        (State.RECEIVED, 2),
        (State.COMPLETED, 2),
    ]


def test_a_line_says_whose_when_and_by_whom() -> None:
    assert step(None, request(), "ada") == Step(
        rental_id=RentalId("r-1"),
        account_id=ADA,
        state=State.REQUESTED,
        messages=0,
        by="ada",
        at=NOW,
    )


@pytest.mark.parametrize(
    "life",
    [
        (request(), fail(request())),
        (request(), rent(request()), cancel(rent(request()))),
        (request(), rent(request()), run_out(rent(request()))),
        (
            request(),
            rent(request()),
            receive(rent(request())),
            receive(receive(rent(request()))),
            complete(receive(receive(rent(request())))),
        ),
    ],
)
def test_a_history_can_be_put_back_in_order(life: tuple[Rental, ...]) -> None:
    history = [line for line in steps_of(*life) if line is not None]
    assert len(history) == len(life)
    assert in_order(reversed(history)) == history
