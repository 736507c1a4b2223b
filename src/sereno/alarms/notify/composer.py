"""From notices to what is kept of them, and to the message for one recipient."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from sereno.access.actor import Actor, Right
from sereno.client import AlarmSpec, AlarmState
from sereno.model import Clock, SerenoError
from sereno.store.notices import Delivery, NewNotice

from .links import LIFE, Links
from .pipeline import Notice
from .plan import NoticePlan
from .text import Writer
from .way import Attachment, Message

Renew = Callable[[Actor], Awaitable[Actor]]


class Composer:
    """Writes for a plan. `renew` gives a person's rights of this moment; `url` is where people reach the pages."""

    def __init__(self, plan: NoticePlan, specs: Sequence[AlarmSpec], clock: Clock, links: Links, renew: Renew) -> None:
        self.links = links
        self.url = plan.url
        self._plan = plan
        self._clock = clock
        self._renew = renew
        self._writer = Writer(plan.plant, plan.language, plan.timezone, {spec.id: spec for spec in specs})
        self._started = clock.wall_ns()

    def know(self, specs: Sequence[AlarmSpec]) -> None:
        """See Writer."""
        self._writer.know(specs)

    async def person(self, name: str, origin: str) -> Actor:
        """Somebody with the rights of this moment. Raises DeniedError."""
        return await self._renew(Actor(name, origin=origin))

    def notice(self, notice: Notice) -> NewNotice:
        """As it is kept."""
        return NewNotice(
            t=notice.t,
            pipeline=notice.pipeline,
            kind=notice.kind,
            step=notice.step,
            priority=self._writer.priority(notice),
            subject=self._writer.subject(notice),
            text=self._writer.text(notice),
            alarms=tuple(line.alarm for line in notice.lines),
            facts=self._writer.facts(notice),
            recipients=notice.recipients,
        )

    async def message(self, delivery: Delivery) -> Message:
        """As it is sent, with a link that is good from now on; a repetition says that it may be one."""
        content, words = delivery.content, self._writer.words
        link = await self._link(delivery)
        again = delivery.attempts > 1
        parts = [content.text, words["again"] if again else "", f"{words['link']}:" if link else ""]
        return Message(
            id=f"notice-{delivery.notice}-{delivery.id}",
            plant=self._plan.plant,
            kind=content.kind,
            t=content.t,
            subject=content.subject,
            text="\n\n".join(filter(None, parts)),
            priority=content.priority,
            person=delivery.person,
            address=self._address(delivery.person, delivery.way),
            link=link,
            again=again,
            alarms=tuple(dict(fact) for fact in content.facts),
        )

    def trial(self, way: str, person: str, asked_by: str) -> Message:
        """A trial."""
        words = self._writer.words
        return self._plain(
            "test", way, person, (f"{self._plan.plant}: {words['test']}", words["test_text"].format(actor=asked_by))
        )

    def word(self, way: str, person: str, text: str, sender: str) -> Message:
        """What somebody of the node has to say; its first line is the subject."""
        subject = f"{self._plan.plant}: {text.splitlines()[0][:120]}"
        return self._plain("message", way, person, (subject, f"{text}\n\n{sender}"))

    def beat(self, way: str, person: str, states: Iterable[AlarmState]) -> Message:
        """A heartbeat, with how the alarms stand."""
        words, counted = self._writer.words, list(states)
        text = words["beat_text"].format(
            open=sum(state is not AlarmState.NORMAL for state in counted),
            waiting=sum(state.needs_acknowledging for state in counted),
            since=self._writer.time(self._started),
        )
        return self._plain("heartbeat", way, person, (words["beat"].format(plant=self._plan.plant), text))

    def report(
        self,
        way: str,
        person: str,
        number: str,
        said: tuple[str, str, str],
        files: tuple[Attachment, ...],
        *,
        again: bool,
    ) -> Message:
        """A report; a repetition says that it may be one."""
        subject, text, html = said
        plain = self._plain(
            "report", way, person, (subject, f"{text}\n\n{self._writer.words['again']}" if again else text)
        )
        return replace(plain, id=number, html=html, attachments=files, again=again)

    def _plain(self, kind: str, way: str, person: str, said: tuple[str, str]) -> Message:
        t = self._clock.wall_ns()
        return Message(
            id=f"{kind}-{t}",
            plant=self._plan.plant,
            kind=kind,
            t=t,
            subject=said[0],
            text=said[1],
            person=person,
            address=self._address(person, way),
        )

    def _address(self, person: str, way: str) -> str:
        return self._plan.people.get(person, {}).get(way, "")

    async def _link(self, delivery: Delivery) -> str:
        if not delivery.person or not delivery.id or not self.url or delivery.content.kind not in ("alarms", "storm"):
            return ""
        try:
            person = await self._renew(Actor(delivery.person))
        except SerenoError:
            return ""
        if not person.may_somewhere(Right.ACKNOWLEDGE):
            return ""
        until = self._clock.wall_ns() + round(LIFE * 1e9)
        return f"{self.url}/notice/{self.links.make(delivery.id, until)}"
