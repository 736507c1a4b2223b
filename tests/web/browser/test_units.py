"""The small script modules, by themselves, in the browser that runs them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sereno.wire.frame import Frame, FrameKind, encode_frame, heartbeat

pytestmark = pytest.mark.browser
T0 = 1_795_000_000_123_456_789


@pytest.fixture(scope="module")
def page(browser: Any, node: Any) -> Any:
    page = browser.new_page()
    page.goto(node.link("admin"))
    page.goto(node.ready.url + "/help")
    yield page
    page.close()


@pytest.fixture
def js(page: Any, module_of: Callable[..., Any]) -> Callable[..., Any]:
    """Call it with (module, body, argument)."""
    return lambda module, body, argument=None: module_of(page, module, body, argument)


def decoded(js: Callable[..., Any], frame: bytes) -> Any:
    body = """
        const bytes = Uint8Array.from(atob(x), (c) => c.charCodeAt(0));
        const f = m.decodeFrame(bytes.buffer);
        const list = (column) => Array.from(column, (v) => (typeof v === "bigint" ? String(v) : v));
        return {...f, values: list(f.values), index: list(f.index), quality: list(f.quality),
                exactRows: list(f.exactRows), exactValues: list(f.exactValues),
                t: Array.from(f.values, (_, row) => f.tSource(row))};
    """
    return js("frame.js", body, base64.b64encode(frame).decode())


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 5, 8, 101])
def test_a_frame_of_the_server_is_read(js: Callable[..., Any], rows: int) -> None:
    exact = np.arange(0, rows, 3, dtype=np.int32)
    frame = Frame(
        FrameKind.SNAPSHOT,
        sub=7,
        seq=2**40 + 3,
        t_hub=T0,
        dropped=9,
        index=np.arange(rows, dtype=np.int32)[::-1].copy(),
        values=np.linspace(-1e300, 1e300, rows) if rows else np.empty(0),
        t_source=T0 + np.arange(rows, dtype=np.int64) * 1_000_000,
        quality=np.arange(rows, dtype=np.uint16) + 0x8000,
        exact_rows=exact,
        exact_values=np.full(len(exact), 2**63 - 1, np.int64),
        objects=((rows, "río", T0, 0), (rows + 1, [1.5, None], T0, 0x4000)),
        reasons={0: "wire broken"},
    )
    found = decoded(js, encode_frame(frame))
    assert (found["kind"], found["sub"], found["seq"], found["dropped"]) == (1, 7, 2**40 + 3, 9)
    assert found["index"] == frame.index.tolist()
    assert found["values"] == frame.values.tolist()
    assert found["quality"] == frame.quality.tolist()
    assert found["exactRows"] == exact.tolist()
    assert found["exactValues"] == [str(2**63 - 1)] * len(exact)
    assert found["t"] == pytest.approx([(T0 + i * 1_000_000) / 1e6 for i in range(rows)], abs=0.001)
    assert found["tHub"] == pytest.approx(T0 / 1e6, abs=0.001)
    assert [entry[:2] for entry in found["objects"]] == [[rows, "río"], [rows + 1, [1.5, None]]]
    assert found["reasons"] == {"0": "wire broken"}


def test_a_time_before_1970_keeps_its_sign(js: Callable[..., Any]) -> None:
    one = {"index": np.zeros(1, np.int32), "values": np.zeros(1), "quality": np.zeros(1, np.uint16)}
    frame = Frame(FrameKind.CHANGES, t_hub=-5_000_000, t_source=np.array([-2_000_000], np.int64), **one)
    found = decoded(js, encode_frame(frame))
    assert found["tHub"] == pytest.approx(-5)
    assert found["t"] == [pytest.approx(-2)]


def test_a_heartbeat_has_no_rows(js: Callable[..., Any]) -> None:
    found = decoded(js, heartbeat(3, T0))
    assert (found["kind"], found["values"]) == (3, [])


@pytest.mark.parametrize("cut", [0, 20, 47, 49, 60])
def test_half_a_frame_is_refused(js: Callable[..., Any], cut: int) -> None:
    whole = encode_frame(
        Frame(FrameKind.CHANGES, index=np.zeros(2, np.int32), values=np.zeros(2), t_source=np.zeros(2, np.int64),
              quality=np.zeros(2, np.uint16))
    )  # fmt: skip
    body = """const bytes = Uint8Array.from(atob(x), (c) => c.charCodeAt(0));
        try { m.decodeFrame(bytes.buffer); return "" } catch (e) { return e.name }"""
    assert js("frame.js", body, base64.b64encode(whole[:cut]).decode()) == "RangeError"
    assert js("frame.js", body, base64.b64encode(b"X" + whole[1:]).decode()) == "RangeError"


def test_rows_become_values_of_their_type(js: Callable[..., Any]) -> None:
    body = """return [m.rowValue("bool", 1), m.rowValue("bool", NaN), m.rowValue("float32", 1.5), m.rowValue("enum", 2),
        String(m.rowValue("uint64", 0, -1n)), String(m.rowValue("int64", 0, -1n))];"""
    assert js("frame.js", body) == [True, None, 1.5, 2, str(2**64 - 1), "-1"]


@pytest.mark.parametrize(
    ("value", "decimals", "lang", "text"),
    [
        (1234.5, 2, "en", "1234.50"),
        (1234.5, 2, "es", "1234,50"),
        (1234567.125, 1, "fr", "1234567,1"),
        (-0.004, 2, "en", "0.00"),
        (-1.5, 1, "en", "\N{MINUS SIGN}1.5"),
        (1e21, 0, "en", "1.000000e+21"),
    ],
)
def test_numbers_are_written_the_same_way_everywhere(
    js: Any, value: float, decimals: int, lang: str, text: str
) -> None:
    assert js("format.js", "return m.formatNumber(x[0], x[1], x[2])", [value, decimals, lang]) == text


def test_integers_beyond_2_53_are_exact(js: Callable[..., Any]) -> None:
    assert js("format.js", "return m.formatNumber(18446744073709551615n, 0, 'es')") == "18446744073709551615"
    assert js("format.js", "return String(m.parseInteger('18446744073709551615'))") == "18446744073709551615"
    assert js("api.js", "return m.toJson({a: 18446744073709551615n, b: [1, null], c: undefined})") == (
        '{"a":18446744073709551615,"b":[1,null]}'
    )


@pytest.mark.parametrize(
    ("typed", "number"),
    [("12.5", 12.5), ("12,5", 12.5), (" -3 ", -3), ("\N{MINUS SIGN}0,5", -0.5), ("1e3", 1000), (".5", 0.5), ("5.", 5),
     ("1.234,5", None), ("1,234.5", None), ("12 5", None), ("", None), ("abc", None), ("1e999", None), ("0x10", None)],
)  # fmt: skip
def test_a_typed_number_has_one_meaning_or_none(js: Any, typed: str, number: float | None) -> None:
    assert js("format.js", "return m.parseNumber(x)", typed) == number


def test_units_ages_and_decimals(js: Callable[..., Any]) -> None:
    body = "return x.map((u) => m.formatUnit(u))"
    assert js("format.js", body, ["m3/h", "degC", "uS/cm", "1", "", "mg/L", "m2", "H2O"]) == [
        "m³/h", "°C", "µS/cm", "", "", "mg/L", "m²", "H²O",
    ]  # fmt: skip
    ages = [0.123, 59.9, 61, 7322, 90061]
    assert js("format.js", "return x.map((s) => m.formatAge(s, 'es'))", ages) == [
        "0,1 s", "59 s", "1 min 01 s", "2 h 02 min", "1 d 1 h",
    ]  # fmt: skip
    specs = [{"type": "float32", "low": 0, "high": 5}, {"type": "float32", "low": 0, "high": 800}, {"type": "uint16"},
             {"type": "float64"}, {"type": "float32", "decimals": 4}]  # fmt: skip
    assert js("format.js", "return x.map((s) => m.decimalsOf(s))", specs) == [3, 1, 0, 2, 4]


def test_quality_codes_have_their_severity_and_words(js: Callable[..., Any]) -> None:
    body = "return x.map((q) => [m.severity(q), m.reasonKey(q)])"
    assert js("quality.js", body, [0, 0x0096, 0x4094, 0x8031, 0x9999, 0xC000]) == [
        ["good", ""], ["good", "quality.substituted"], ["uncertain", "quality.out_of_range"], ["bad", "quality.stale"],
        ["bad", "quality.bad"], ["bad", "quality.bad"],
    ]  # fmt: skip


def test_a_window_survives_the_address_bar(js: Callable[..., Any]) -> None:
    body = """const back = (tags, w) => m.fromUrl(new URLSearchParams(m.toUrl(tags, w)));
        return [back(["a/b/c", "d/e"], {live: true, span: 6 * 3600e3}),
                back(["a/b"], {live: false, from: 1e12, to: 2e12}),
                m.fromUrl(new URLSearchParams("tag=a&tag=a&from=rubbish"))];"""
    live, fixed, rubbish = js("trend/window.js", body)
    assert live == {"tags": ["a/b/c", "d/e"], "window": {"live": True, "span": 6 * 3600e3}}
    assert fixed == {"tags": ["a/b"], "window": {"live": False, "from": 1e12, "to": 2e12}}
    assert rubbish == {"tags": ["a"], "window": {"live": True, "span": 3600e3}}


def test_a_trend_of_a_minute_or_less_gets_each_sample_as_it_comes(js: Callable[..., Any]) -> None:
    body = "return [10e3, 60e3, 300e3, 3600e3, 7 * 86400e3].map((span) => m.interval({live: true, span}))"
    assert js("trend/window.js", body) == [0, 0, 0.1, 1.2, 5]


def test_local_times_are_understood_across_summer_time(js: Callable[..., Any]) -> None:
    body = (
        "return x.map((t) => { const ms = m.parseLocal(t, 'Europe/Madrid'); return ms && new Date(ms).toISOString() })"
    )
    times = ["2026-01-10 12:00", "2026-07-10 12:00", "2026-10-25 01:30", "2026-10-25 04:00:05", "2026-13-01 00:00", "x"]
    assert js("trend/window.js", body, times) == [
        "2026-01-10T11:00:00.000Z", "2026-07-10T10:00:00.000Z", "2026-10-24T23:30:00.000Z", "2026-10-25T03:00:05.000Z",
        None, None,
    ]  # fmt: skip


def test_gaps_break_the_line_and_quiet_values_are_held(js: Callable[..., Any]) -> None:
    series = {
        "t_ns": [1e9, 2e9, 3e9, 9e9, 20e9],
        "value": [1, 2, None, 4, 5],
        "quality": ["good", "good", "bad", "good", "uncertain"],
    }
    points = js("trend/pen.js", "return m.fromSeries(x)", series)
    assert points["gaps"] == [[3, 9]]
    assert list(zip(points["t"], points["value"], strict=True)) == [
        (1, 1), (2, 2), (2.999, 2), (3, None), (9, 4), (19.999, 4), (20, 5),
    ]  # fmt: skip
    body = "return m.align([x, m.noPoints()], 25).map((c) => Array.from(c, (v) => v === undefined ? 'none' : v))"
    t, value, *_ = js("trend/pen.js", "const p = m.fromSeries(x); " + body.replace("[x,", "[p,"), series)
    assert t == [1, 2, 2.999, 3, 9, 19.999, 20, 25]
    assert value == [1, 2, 2, None, 4, 4, 5, 5]


def test_a_gap_stays_a_gap_between_the_points_of_another_pen(js: Callable[..., Any]) -> None:
    body = """const a = m.noPoints(), b = m.noPoints();
        m.append(a, 1, 10); m.append(a, 2, null); m.append(a, 6, 11);
        for (const t of [1, 3, 4, 5, 6]) m.append(b, t, t);
        const [t, va] = m.align([a, b], null);
        const shown = Array.from(va, (v) => (v === undefined ? "none" : v));
        return [Array.from(t), shown, m.valueAt(a, 3), m.valueAt(a, 0) ?? "none"];"""
    t, value, in_gap, before = js("trend/pen.js", body)
    assert dict(zip(t, value, strict=True))[3] is None
    assert [v for x, v in zip(t, value, strict=True) if 2 <= x < 6] == [None] * 4
    assert (in_gap, before) == (None, "none")


def test_search_finds_words_anywhere_and_ranks_names_first(js: Callable[..., Any]) -> None:
    specs = [
        {"tag": "a/plc/other", "description": "Níveau of chlorine"},
        {"tag": "a/plc/pump2_flow", "description": "x"},
        {"tag": "a/plc/free_chlorine", "description": ""},
        {"tag": "a/plc/chlorine", "description": "", "unit": "mg/L"},
    ]
    assert [s["tag"] for s in js("tags/search.js", "return m.best(x, 'chlorine', 9)", specs)] == [
        "a/plc/chlorine", "a/plc/free_chlorine", "a/plc/other",
    ]  # fmt: skip
    assert len(js("tags/search.js", "return x.filter(m.matcher('niveau CHLOR'))", specs)) == 1
    body = "return x.slice().sort(m.comparison('tag', 1, () => undefined)).map((s) => s.tag)"
    names = [{"tag": "a/pump10"}, {"tag": "a/pump2"}]
    assert js("tags/search.js", body, names) == ["a/pump2", "a/pump10"]


def test_waits_between_attempts_double_up_to_a_ceiling(js: Callable[..., Any]) -> None:
    body = "return [0, 1, 2, 30].map((n) => [m.backoff(n, () => 0), m.backoff(n, () => 1)])"
    found = [bound for pair in js("backoff.js", body) for bound in pair]
    assert found == pytest.approx([160, 800, 320, 1600, 640, 3200, 2000, 10000])


def test_limits_are_compared_as_declared(js: Callable[..., Any]) -> None:
    body = """const spec = {limits: {lolo: 1, lo: 2, hi: 8, hihi: 9}, type: "float32"};
        return x.map((v) => m.limitBeyond(spec, v));"""
    assert js("present.js", body, [0.5, 1.5, 5, 8, 8.5, 9.5, None]) == ["lolo", "lo", None, None, "hi", "hihi", None]


def test_a_socket_that_falls_silent_is_left_and_asked_again(js: Callable[..., Any]) -> None:
    body = """
        const sockets = [];
        class Fake extends EventTarget {
            constructor() {
                super();
                Object.assign(this, {readyState: 1, sent: []});
                sockets.push(this);
                setTimeout(() => this.dispatchEvent(new Event("open")));
            }
            send(text) { this.sent.push(JSON.parse(text)); }
            close() { this.closed = true; }
        }
        let now = 0;
        const socket = new m.LiveSocket("ws://x", {open: () => new Fake(), now: () => now, random: () => 0});
        const states = [];
        socket.addEventListener("state", () => states.push(socket.state));
        socket.start();
        socket.subscribe(["a/b"], {interval: 1});
        const beat = new ArrayBuffer(48); new Uint8Array(beat).set([0x53, 1, 3]);
        const wait = async (condition) => { while (!condition()) await new Promise((r) => setTimeout(r, 5)); };
        await wait(() => sockets[0].sent.length);
        sockets[0].dispatchEvent(new MessageEvent("message", {data: beat}));
        now = 2900; await new Promise((r) => setTimeout(r, 300));
        const early = socket.state;
        now = 6100;
        await wait(() => sockets.length > 1 && sockets[1].sent.length);
        sockets[0].dispatchEvent(new MessageEvent("message", {data: beat}));
        const late = socket.state;
        sockets[1].dispatchEvent(new MessageEvent("message", {data: beat}));
        return {states, early, late, closed: sockets[0].closed, asked: sockets.map((s) => s.sent)};
    """
    found = js("live.js", body)
    asked = {"type": "subscribe", "sub": 1, "tags": ["a/b"], "interval": 1}
    assert found["states"] == ["live", "down", "live"]
    assert (found["early"], found["late"], found["closed"]) == ("live", "down", True)
    assert all(asked in sent for sent in found["asked"])


REFUSING = """
        const asked = [];
        const socket = {subscribe: (tags, how) => { asked.push({tags, how}); return () => {}; }};
        const fetched = window.fetch, timeout = window.setTimeout;
        const waits = [];
        const answer = JSON.stringify({tags: x.tags.map((tag) => ({tag, type: "float64"}))});
        window.fetch = async () => new Response(answer, {status: x.status});
        window.setTimeout = (f, ms) => (ms >= 3000 ? waits.push(f) : timeout(f, ms));
        const settle = async () => { for (let turn = 0; turn < 12; turn++) await new Promise((r) => timeout(r, 10)); };
"""


@pytest.mark.parametrize(
    ("tags", "status", "unknown"),
    [(["a/b", "a/c"], 200, []), ([], 503, []), (["a/c"], 200, ["a/b"])],
    ids=["for another reason", "nobody can be asked", "one is gone"],
)
def test_what_is_refused_is_not_shown_as_it_was_and_asked_for_again(
    js: Callable[..., Any], tags: list[str], status: int, unknown: list[str]
) -> None:
    body = f"""
        {REFUSING}
        try {{
            const bindings = new m.Bindings(socket, {{interval: 1}});
            for (const tag of ["a/b", "a/c"]) bindings.bind(tag, () => {{}});
            await settle();
            asked[0].how.onTags(["a/b", "a/c"].map((tag) => ({{tag, type: "float64"}})));
            for (const tag of ["a/b", "a/c"]) Object.assign(bindings.state(tag), {{value: 5, quality: 0, known: true}});
            asked[0].how.onError("refused");
            await settle();
            const shown = ["a/b", "a/c"].map((tag) => bindings.state(tag));
            for (const f of waits.splice(0)) f();
            return {{shown, asked: asked.map((one) => one.tags)}};
        }} finally {{ Object.assign(window, {{fetch: fetched, setTimeout: timeout}}); }}
    """
    found = js("bindings.js", body, {"tags": tags, "status": status})
    assert found["asked"] == [["a/b", "a/c"], ["a/c"] if unknown else ["a/b", "a/c"]]
    assert [one["tag"] for one in found["shown"] if one["unknown"]] == unknown
    assert [one["known"] for one in found["shown"]] == [False, bool(unknown)]


def test_an_unknown_tag_is_shown_once_somebody_declares_it(js: Callable[..., Any]) -> None:
    body = f"""
        {REFUSING}
        let declared = ["a/c"];
        const told = () => declared.map((tag) => ({{tag, type: "float64"}}));
        window.fetch = async () => new Response(JSON.stringify({{tags: told()}}));
        try {{
            const bindings = new m.Bindings(socket, {{interval: 1}});
            for (const tag of ["a/b", "a/c"]) bindings.bind(tag, () => {{}});
            await settle();
            asked[0].how.onError("refused");
            await settle();
            const before = bindings.state("a/b").unknown;
            for (const f of waits.splice(0)) f();
            await settle();
            const meanwhile = asked.length;
            declared = ["a/b", "a/c"];
            for (const f of waits.splice(0)) f();
            await settle();
            asked.at(-1).how.onTags([{{tag: "a/b", type: "float64"}}]);
            const after = bindings.state("a/b").unknown;
            return {{before, meanwhile, last: asked.at(-1).tags, after, waits: waits.length}};
        }} finally {{ Object.assign(window, {{fetch: fetched, setTimeout: timeout}}); }}
    """
    found = js("bindings.js", body, {"tags": [], "status": 200})
    assert found == {"before": True, "meanwhile": 2, "last": ["a/b"], "after": False, "waits": 0}
