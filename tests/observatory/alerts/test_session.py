"""One connection of a broker in time: acknowledgements, signs of life, who is asked who it is."""

from __future__ import annotations

from sereno_observatory.alerts.events import Burst, burst
from sereno_observatory.alerts.session import BROKER, Act, HangUp, Heard, Publish, Send, Session
from sereno_observatory.alerts.transport import Frames, Message, Role, VOEvent, frame, read, written

EVENT = burst(Burst(), 0, 1)
ME = "ivo://somebody"


def session(*, authenticate: bool = False) -> Session:
    return Session(0.0, lambda: "now", alive=60.0, patience=30.0, authenticate=authenticate)


def told(acts: object) -> list[Act | Message | VOEvent]:
    """What was done, with sent bytes read."""
    found: list[Act | Message | VOEvent] = []
    for act in acts:  # type: ignore[attr-defined]
        found += map(read, Frames().feed(act.data)) if isinstance(act, Send) else [act]
    return found


def said(role: Role, origin: str, response: str = ME, result: str = "") -> bytes:
    return frame(written(Message(role, origin, response, "now", result)))


def test_an_event_is_acknowledged_once() -> None:
    here = session()
    assert told(here.event(EVENT, 1.0)) == [EVENT]
    ack = said(Role.ACK, EVENT.ivorn)
    assert told(here.received(ack + ack, 2.0)) == [Heard(EVENT.ivorn, Role.ACK, ME)]
    assert told(here.tick(40.0)) == []


def test_a_refusal_says_why() -> None:
    here = session()
    list(here.event(EVENT, 1.0))
    answer = said(Role.NAK, EVENT.ivorn, result="too far")
    assert told(here.received(answer, 2.0)) == [Heard(EVENT.ivorn, Role.NAK, ME, "too far")]


def test_who_does_not_acknowledge_is_dropped() -> None:
    here = session()
    list(here.event(EVENT, 1.0))
    assert told(here.tick(30.9)) == []
    assert told(here.tick(31.0)) == [HangUp(f"no answer to {EVENT.ivorn} in 30 s")]


def test_in_silence_it_is_asked_whether_it_lives() -> None:
    here = session()
    assert told(here.tick(59.0)) == []
    question = Message(Role.ALIVE, BROKER, time="now")
    assert told(here.tick(60.0)) == [question]
    assert told(here.received(said(Role.ALIVE, BROKER), 61.0)) == []
    assert told(here.tick(120.0)) == []
    assert told(here.tick(121.0)) == [question]
    assert told(here.tick(151.0)) == [HangUp("no sign of life in 30 s")]


def test_the_other_end_may_ask_too() -> None:
    question = said(Role.ALIVE, ME, response="")
    assert told(session().received(question, 1.0)) == [Message(Role.ALIVE, ME, BROKER, "now")]


def test_who_must_say_who_it_is_gets_nothing_before() -> None:
    here = session(authenticate=True)
    assert told(here.begin(0.0)) == [Message(Role.AUTHENTICATE, BROKER, time="now")]
    assert told(here.event(EVENT, 1.0)) == []
    assert told(here.received(said(Role.AUTHENTICATE, BROKER), 2.0)) == []
    assert (told(here.event(EVENT, 3.0)), here.peer) == ([EVENT], ME)
    silent = session(authenticate=True)
    list(silent.begin(0.0))
    assert told(silent.tick(30.0)) == [HangUp("no sign of life in 30 s")]


def test_an_author_is_answered_and_gets_no_events() -> None:
    here = session()
    answered = told(here.received(frame(EVENT.document), 1.0))
    assert answered == [Message(Role.ACK, EVENT.ivorn, BROKER, "now"), Publish(EVENT)]
    assert told(here.event(EVENT, 2.0)) == []


def test_nonsense_ends_it() -> None:
    assert told(session().received(frame(b"hello"), 1.0))[0] == HangUp("no XML: syntax error: line 1, column 0")
