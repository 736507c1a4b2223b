"""The lies, by name. Each changes a Reply (or greets a new connection); they compose in the order of the catalogue."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from sereno.drivers.modbus.protocol import Frame

from .lying_reply import TABLES, End, Reply, Scene, content, other_table, read_reply

Lie = Callable[[Reply, Scene], bool]
"""Changes the reply; False if it does not apply to it, and was not told."""
Greeting = Callable[[Scene], tuple[bytes, End | None]]
"""What a new connection gets before any request, and its end at once; None = it is open and never answers."""

LIES: dict[str, Lie] = {}
GREETINGS: dict[str, Greeting] = {}


def _lie(function: Lie) -> Lie:
    LIES[function.__name__] = function
    return function


def _greeting(function: Greeting) -> Greeting:
    GREETINGS[function.__name__] = function
    return function


def names() -> list[str]:
    """Every lie, in the order in which they are told."""
    return [*LIES, *GREETINGS]


def describe(name: str) -> str:
    """One line about a lie."""
    return ((LIES.get(name) or GREETINGS[name]).__doc__ or "").strip()


class Liar:
    """Draws lies by their probability, from one seed. `told` counts them by name."""

    def __init__(self, seed: int = 0, probabilities: Mapping[str, float] | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.told: Counter[str] = Counter()
        self._replies: list[tuple[str, Lie, float]] = []
        self._greetings: list[tuple[str, Greeting, float]] = []
        self.set(probabilities or {})

    def set(self, probabilities: Mapping[str, float]) -> None:
        """Tell these lies from now on, each with its probability. Raises ValueError for an unknown name."""
        for name in probabilities:
            if name not in LIES and name not in GREETINGS:
                near = get_close_matches(name, names(), 1) or names()
                raise ValueError(f"no lie {name!r}, known: {', '.join(near)}")
        self._replies = [(n, lie, probabilities[n]) for n, lie in LIES.items() if n in probabilities]
        self._greetings = [(n, g, probabilities[n]) for n, g in GREETINGS.items() if n in probabilities]

    def honest(self) -> None:
        """Tell the truth from now on."""
        self.set({})

    def tell(self, reply: Reply, scene: Scene) -> list[str]:
        """Change a reply; the names of the lies that were told."""
        told = [name for name, lie, p in self._replies if self.random.random() < p and lie(reply, scene)]
        self.told.update(told)
        return told

    def greet(self, scene: Scene) -> tuple[bytes, End | None]:
        """What a new connection gets at once; (b"", End.OPEN) is honest."""
        for name, greeting, p in self._greetings:
            if self.random.random() < p:
                self.told[name] += 1
                return greeting(scene)
        return b"", End.OPEN


# content: a frame that is right in everything but what it says


@_lie
def other_registers(reply: Reply, scene: Scene) -> bool:
    """Registers of other addresses, in a valid reply. Cannot be told from the truth."""
    if reply.is_read:
        reply.pdu = content(reply, scene.memories[reply.request.unit], shift=scene.random.choice((-7, -1, 1, 2, 64)))
    return reply.is_read


@_lie
def old_registers(reply: Reply, scene: Scene) -> bool:
    """The registers asked for as they were some requests ago, in a valid reply. Cannot be told from the truth."""
    if reply.is_read:
        memory = scene.memories[reply.request.unit]
        reply.pdu = content(reply, memory, generation=max(0, memory.generation - scene.random.randint(1, 9)))
    return reply.is_read


# shape: function, unit, lengths and counts


@_lie
def short_reply(reply: Reply, scene: Scene) -> bool:
    """Fewer registers than asked for, in a frame that is consistent in itself."""
    return _resized(reply, scene, -scene.random.randint(1, 8))


@_lie
def long_reply(reply: Reply, scene: Scene) -> bool:
    """More registers than asked for, in a frame that is consistent in itself."""
    return _resized(reply, scene, scene.random.randint(1, 8))


def _resized(reply: Reply, scene: Scene, more: int) -> bool:
    step = 8 if reply.request.pdu[0] <= 2 else 1
    count = reply.count + more * step
    if not reply.is_read or count < step:
        return False
    memory = scene.memories[reply.request.unit]
    function = reply.request.pdu[0]
    pdu = read_reply(function, memory.words(TABLES[function], reply.start, count).tolist())
    told = len(pdu) != len(reply.pdu)
    reply.pdu = pdu
    return told


@_lie
def wrong_count(reply: Reply, scene: Scene) -> bool:
    """A byte count that disagrees with the data behind it."""
    if reply.is_read:
        wrong = (reply.pdu[1] + scene.random.choice((-2, -1, 1, 2, 100))) & 0xFF
        reply.pdu = bytes((reply.pdu[0], wrong)) + reply.pdu[2:]
    return reply.is_read


@_lie
def wrong_echo(reply: Reply, scene: Scene) -> bool:
    """A write confirmed with another address or value than was written."""
    if reply.is_read or reply.pdu[0] & 0x80:
        return False
    echo = bytearray(reply.pdu)
    echo[scene.random.randrange(1, len(echo))] ^= 1 << scene.random.randrange(8)
    reply.pdu = bytes(echo)
    return True


@_lie
def wrong_function(reply: Reply, scene: Scene) -> bool:
    """A reply to another function; of a read, with what the other table holds."""
    if not reply.is_read:
        reply.pdu = bytes((reply.pdu[0] ^ 3,)) + reply.pdu[1:]
        return True
    other = other_table(reply.request.pdu[0])
    pdu = content(reply, scene.memories[reply.request.unit], function=other)
    reply.pdu = bytes((other,)) + pdu[1:]
    return True


@_lie
def wrong_unit(reply: Reply, scene: Scene) -> bool:
    """A reply in the name of another unit; of a read, with what that unit holds, or one that is not served here."""
    others = [unit for unit in scene.memories if unit != reply.unit]
    reply.unit = scene.random.choice(others or [reply.unit ^ 0x0F])
    if reply.is_read:
        memory = scene.memories[reply.unit if others else reply.request.unit]
        reply.pdu = content(reply, memory, shift=0 if others else 64)
    return True


@_lie
def exception(reply: Reply, scene: Scene) -> bool:
    """One of the exceptions 01 to 0B, though nothing is wrong. Cannot be told from a true one, gives no value."""
    reply.pdu = bytes((reply.request.pdu[0] | 0x80, scene.random.randint(1, 11)))
    return True


@_lie
def strange_exception(reply: Reply, scene: Scene) -> bool:
    """An exception with a code that the specification does not know."""
    reply.pdu = bytes((reply.request.pdu[0] | 0x80, scene.random.choice((0, 7, 9, 12, 64, 128, 255))))
    return True


@_lie
def foreign_exception(reply: Reply, scene: Scene) -> bool:
    """An exception to a function that was not asked."""
    other = scene.random.choice([f for f in (1, 2, 3, 4, 5, 6, 15, 16, 22, 43) if f != reply.request.pdu[0]])
    reply.pdu = bytes((other | 0x80, scene.random.randint(1, 11)))
    return True


@_lie
def long_exception(reply: Reply, scene: Scene) -> bool:
    """An exception that carries more bytes than it may."""
    reply.pdu = bytes((reply.request.pdu[0] | 0x80, 2)) + scene.noise(1, 40)
    return True


@_lie
def wrong_length(reply: Reply, scene: Scene) -> bool:
    """A length field in the header that disagrees with the frame."""
    right = len(reply.pdu) + 1
    reply.length = scene.random.choice((0, 1, right - 1, right + 1, right + 6, 254, 255, 0xFFFF))
    return reply.length != right


@_lie
def wrong_protocol(reply: Reply, scene: Scene) -> bool:
    """A protocol id in the header that is not Modbus."""
    reply.protocol = scene.random.randrange(1, 0x10000)
    return True


@_lie
def bit_flip(reply: Reply, scene: Scene) -> bool:
    """One bit of the finished frame turned over. In the data it cannot be told from the truth."""
    reply.flip = scene.random.random()
    return True


# identity: whose answer it says it is


@_lie
def wrong_id(reply: Reply, scene: Scene) -> bool:
    """Any other transaction id."""
    reply.transaction = scene.other_id(reply.transaction)
    return True


@_lie
def repeated_id(reply: Reply, scene: Scene) -> bool:
    """The transaction id of an earlier request on this connection."""
    earlier = [i for i in scene.ids[:-1] if i != reply.transaction]
    if earlier:
        reply.transaction = scene.random.choice(earlier)
    return bool(earlier)


@_lie
def swapped_ids(reply: Reply, scene: Scene) -> bool:  # noqa: ARG001 - the signature of a lie
    """Waits for the next reply and swaps transaction ids with it. Of two alike requests it cannot be detected."""
    reply.held = "swapped"
    return True


@_lie
def next_id(reply: Reply, scene: Scene) -> bool:
    """A second reply follows, to a request that has not been asked yet."""
    forged = Reply.honest(reply.request, reply.pdu)
    if reply.is_read:
        forged.pdu = content(reply, scene.memories[reply.request.unit], shift=1)
    forged.transaction = (reply.request.transaction + 1) & 0xFFFF
    reply.after += forged.frame()
    return True


# stream: what stands around the frame, and how much of it comes


@_lie
def repeated(reply: Reply, scene: Scene) -> bool:
    """The same reply two or three times."""
    reply.copies = scene.random.randint(2, 3)
    return True


@_lie
def earlier_reply(reply: Reply, scene: Scene) -> bool:
    """The reply before this one comes again, first."""
    reply.before = scene.previous + reply.before
    return bool(scene.previous)


@_lie
def garbage_before(reply: Reply, scene: Scene) -> bool:
    """Noise in front of the frame."""
    reply.before += scene.noise(1, 40)
    return True


@_lie
def garbage_after(reply: Reply, scene: Scene) -> bool:
    """Noise behind the frame."""
    reply.after += scene.noise(1, 40)
    return True


@_lie
def flood(reply: Reply, scene: Scene) -> bool:
    """Megabytes that nobody asked for, behind the reply: noise, or valid replies without end."""
    frame = reply.frame() if scene.random.random() < 0.5 else scene.noise(1000, 4000)
    reply.after += frame * (scene.flood // len(frame))
    return True


@_lie
def endless(reply: Reply, scene: Scene) -> bool:
    """A frame that says it is 65535 bytes long, and never ends."""
    reply.length = 0xFFFF
    reply.after += reply.pdu * (scene.flood // 16 // len(reply.pdu))
    reply.step, reply.pause = 1400, scene.patience / 50
    return True


@_lie
def cut(reply: Reply, scene: Scene) -> bool:
    """A part of the frame, and then nothing more; the connection stays."""
    reply.share = scene.random.uniform(0.05, 0.95)
    return True


@_lie
def cut_close(reply: Reply, scene: Scene) -> bool:
    """A part of the frame, and then the connection is closed."""
    reply.share, reply.end = scene.random.uniform(0.05, 0.95), End.CLOSE
    return True


@_lie
def reset(reply: Reply, scene: Scene) -> bool:
    """A part of the frame, and then the connection is reset."""
    reply.share, reply.end = scene.random.uniform(0.05, 0.95), End.RESET
    return True


@_lie
def hang_up(reply: Reply, scene: Scene) -> bool:
    """No reply: the connection is closed or reset."""
    reply.silent, reply.end = True, scene.random.choice((End.CLOSE, End.RESET))
    return True


@_lie
def merged(reply: Reply, scene: Scene) -> bool:  # noqa: ARG001 - the signature of a lie
    """Honest, but it comes in one piece with the next reply."""
    reply.held = reply.held or "merged"
    return True


@_lie
def split(reply: Reply, scene: Scene) -> bool:
    """Honest, but it comes in two pieces or more."""
    reply.step, reply.pause = scene.random.randint(1, max(1, len(reply.whole()) - 1)), scene.patience / 100
    return True


@_lie
def dribbled(reply: Reply, scene: Scene) -> bool:
    """Honest, but it comes byte by byte; a long one takes longer than the client waits."""
    reply.step, reply.pause = 1, scene.patience * scene.random.choice((0.0, 0.001, 0.01, 0.05))
    return True


# time


@_lie
def slow(reply: Reply, scene: Scene) -> bool:
    """Honest, but only just within the client's time-out; overtaken by later replies."""
    reply.delay += scene.patience * scene.random.uniform(0.05, 0.6)
    return True


@_lie
def late(reply: Reply, scene: Scene) -> bool:
    """The reply comes after the client's time-out, when it may be waiting for the answer to something else."""
    reply.delay += scene.patience * scene.random.uniform(1.01, 3.0)
    return True


@_lie
def silent(reply: Reply, scene: Scene) -> bool:  # noqa: ARG001 - the signature of a lie
    """Executed, and never answered."""
    reply.silent = True
    return True


# what a new connection gets, before any request


@_greeting
def accept_silent(scene: Scene) -> tuple[bytes, End | None]:  # noqa: ARG001 - the signature of a greeting
    """The connection is accepted, and nothing is ever answered on it."""
    return b"", None


@_greeting
def accept_close(scene: Scene) -> tuple[bytes, End | None]:
    """The connection is accepted, and closed or reset at once."""
    return b"", scene.random.choice((End.CLOSE, End.RESET))


@_greeting
def banner(scene: Scene) -> tuple[bytes, End | None]:
    """Something else than Modbus says hello."""
    hello = (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 ready\r\n", b"\xff\xfb\x01\xff\xfb\x03", scene.noise(1, 200))
    return scene.random.choice(hello), End.OPEN


@_greeting
def chatter(scene: Scene) -> tuple[bytes, End | None]:
    """Valid replies to requests that nobody has made, some with an id that may come soon."""
    frames = []
    for unit, memory in scene.memories.items():
        pdu = read_reply(3, memory.words("holding", 0, scene.random.randint(1, 40)).tolist())
        frames.append(Reply.honest(Frame(scene.random.randrange(0x10000), unit, b""), pdu).frame())
    return b"".join(frames), End.OPEN


@_greeting
def attack(scene: Scene) -> tuple[bytes, End | None]:
    """Megabytes before the first request."""
    return scene.noise(1000, 4000) * (scene.flood // 2500), End.OPEN
