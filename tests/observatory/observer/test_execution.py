"""The execution of a sequence, pure: what is ordered when, and how it ends."""

from __future__ import annotations

import msgspec
import pytest

from sereno_observatory.observer.execution import GRACE, POINTING, Stage, as_azimuth
from sereno_observatory.observer.goal import Answer, Order
from sereno_observatory.sequences import Album, Event, Frame, Image, Plan, Slot
from tests.observatory.observer.world import Run, World
from tests.observatory.sequences.asked import entry

VIS = "Visible camera"


def failing(name: str, answer: Answer = Answer.REFUSED, device: str = "") -> World:
    def judge(order: Order) -> tuple[Answer, str]:
        hit = order.name == name and device in ("", order.device)
        return (answer, "it will not") if hit else (Answer.DONE, "")

    return World(judge)


def test_both_cameras_expose_at_the_same_time_after_pointing() -> None:
    run = Run(entry()).go()
    execution = run.execution
    assert (execution.outcome, execution.why) == (Event.FINISH, "")
    assert sorted(run.kept) == [Slot(0, 0, 1), Slot(0, 0, 2), Slot(1, 0, 1)]
    assert [order.name for _, order in run.world.orders[:4]] == ["unpark", "select", "slew", "turn"]
    slewed, exposures = run.ordered("slew")[0], run.ordered("expose")
    assert exposures[0] == exposures[1]
    assert exposures[0] >= slewed + 10
    assert execution.pointed_after == pytest.approx(11.0, abs=1.0)
    assert execution.overhead(0.0) == pytest.approx(execution.ended - 40.0, abs=1.0)
    assert execution.taken == 3


def test_what_is_exposed_now_is_no_overhead() -> None:
    run = Run(entry()).go(until=lambda run: len(run.ordered("expose")) == 2)
    before = run.execution.overhead(run.world.now)
    run.go(15.0)
    assert run.execution.taken == 0
    assert run.execution.overhead(run.world.now) == pytest.approx(before, abs=1.0)


def test_what_is_so_already_is_not_ordered() -> None:
    world = World()
    world.values |= {
        "mount/state": "tracking",
        "mount/parked": False,
        "dome/azimuth": 91.0,
        "mount/azimuth": 90.0,
        "wheel/filter": "r",
    }
    world.values |= {"mount/right_ascension": 0.7123, "mount/declination": 41.269, "mount/azimuth": 90.0}
    run = Run(entry(), world).go()
    assert {order.name for _, order in world.orders} == {"expose"}
    assert run.execution.outcome is Event.FINISH


def test_only_what_is_missing_is_taken() -> None:
    shot = Image(slot=Slot(0, 0, 1), file="x", t_start=0, seconds=1.0, detector=VIS)
    run = Run(msgspec.structs.replace(entry(), images=(shot,))).go()
    assert sorted(run.kept) == [Slot(0, 0, 2), Slot(1, 0, 1)]


def test_filter_focus_and_binning_are_set_before_their_plan() -> None:
    plans = (Plan(exposure=5.0, filter="r", focus=1200, binning=2), Plan(exposure=5.0, filter="i"))
    run = Run(entry(albums=(Album(detector=VIS, plans=plans),))).go()
    names = [order.name for _, order in run.world.orders if order.device in ("vis", "wheel", "focus")]
    assert names == ["select", "move", "write", "expose", "select", "expose"]
    assert run.execution.outcome is Event.FINISH


def test_darks_are_taken_without_sky() -> None:
    plans = (Plan(exposure=5.0, images=2, frame=Frame.DARK),)
    world = World()
    world.values["plc/shutter"] = "closed"
    run = Run(entry(albums=(Album(detector=VIS, plans=plans),), target=None), world, direction=None).go()
    assert [order.name for _, order in world.orders] == ["expose", "expose"]
    assert run.execution.outcome is Event.FINISH


def test_what_exposes_to_the_sky_without_a_target_waits_for_an_open_dome() -> None:
    plans = (Plan(exposure=5.0, images=2),)
    world = World()
    world.values["plc/shutter"] = "closed"
    run = Run(entry(albums=(Album(detector=VIS, plans=plans),), target=None), world, direction=None).go()
    assert [order.name for _, order in world.orders if order.name == "expose"] == []
    assert (run.execution.outcome, run.execution.why) == (Event.INTERRUPT, "the dome is not open")


@pytest.mark.parametrize("event", [Event.CANCEL, Event.INTERRUPT, Event.ABORT])
def test_what_is_stopped_stops_within_its_next_look(event: Event) -> None:
    run = Run(entry()).go(until=exposes)
    run.execution.end(event, "because")
    before = run.world.now
    run.step()
    aborted = [order.device for at, order in run.world.orders if order.name == "abort" and at == before]
    assert aborted == ["vis", "nir"]
    run.go()
    assert run.world.now - before < 3.0
    assert (run.execution.outcome, run.execution.why, run.kept) == (event, "because", [])


def exposes(run: Run) -> bool:
    return run.execution.stage is Stage.EXPOSING and len(run.ordered("expose")) == 2


def test_a_telescope_is_stopped_while_it_slews() -> None:
    run = Run(entry()).go(until=lambda run: run.world.values["mount/state"] == "slewing")
    run.step()
    run.execution.end(Event.CANCEL, "because")
    run.go()
    assert run.world.orders[-1][1] == Order("mount", "abort")


def test_a_closed_dome_interrupts_and_one_that_blinks_does_not() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.values["plc/shutter"] = "closing"
    run.go(GRACE - 2)
    run.world.values["plc/shutter"] = "open"
    run.go(2)
    assert run.execution.outcome is None
    run.world.values["plc/shutter"] = "closed"
    run.go()
    assert (run.execution.outcome, run.execution.why) == (Event.INTERRUPT, "the dome is not open")


def test_nothing_moves_under_a_dome_that_is_not_open() -> None:
    world = World()
    world.values["plc/shutter"] = "closed"
    run = Run(entry(), world).go()
    assert (run.execution.outcome, run.execution.why) == (Event.INTERRUPT, "the dome is not open")
    assert {order.device for _, order in run.world.orders} == {"wheel"}


def test_no_exposure_is_begun_while_the_dome_closes_or_the_telescope_is_off() -> None:
    for path, value, back in (("plc/shutter", "closing", "open"), ("mount/declination", 40.0, 41.269)):
        run = Run(entry()).go(until=exposes)
        run.world.coming = [(run.world.now + 1.0, change) for _, change in run.world.coming]
        run.world.values[path] = value
        run.go(GRACE - 2)
        assert (len(run.ordered("expose")), len(run.kept)) == (2, 2)
        run.world.values[path] = back
        run.go()
        assert run.execution.outcome is Event.FINISH


@pytest.mark.parametrize("blinks", [True, False])
def test_an_image_exposed_while_the_dome_was_not_open_says_so(*, blinks: bool) -> None:
    run = Run(entry()).go(until=exposes)
    run.step()
    if blinks:
        run.world.values["plc/shutter"] = "closing"
        run.step()
        run.world.values["plc/shutter"] = "open"
    run.go()
    notes = {(shot.slot.album, shot.slot.number): shot.note for shot in run.shots}
    first = "the dome was not open all the time" if blinks else ""
    assert notes == {(0, 1): first, (0, 2): "", (1, 1): first}


def test_a_dome_that_nobody_knows_interrupts_too() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.lost.add("plc")
    run.go()
    assert run.execution.outcome is Event.INTERRUPT


@pytest.mark.parametrize(
    ("world", "why", "outcome"),
    [
        (failing("slew"), "the telescope: it will not", Event.FAIL),
        (failing("unpark", Answer.LOST), f"unparking: not there after {POINTING:g} s, it will not", Event.RETRY),
        (failing("turn"), "the dome: it will not", Event.FAIL),
        (failing("select"), "Visible camera: the filter: it will not", Event.FAIL),
        (failing("select", Answer.LOST), "Visible camera: the filter: not there after 90 s, it will not", Event.RETRY),
        (failing("expose", device="nir"), "Near-infrared camera: the exposure was refused: it will not", Event.FAIL),
        (World(delay=1000.0), f"the telescope: not there after {POINTING:g} s", Event.RETRY),
    ],
)
def test_what_an_instrument_will_not_do_is_the_reason(world: World, why: str, outcome: Event) -> None:
    """What it refuses it would refuse again; what it does not do it may do later."""
    run = Run(entry(), world).go()
    assert run.execution.outcome is outcome
    assert run.execution.why.startswith(why)


def test_a_camera_that_nobody_knows_leaves_it_for_later_and_the_other_has_its_images() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.lost.add("nir")
    run.go(3000)
    assert run.execution.outcome is Event.RETRY
    assert run.execution.why.startswith("Near-infrared camera: ")
    assert [slot for slot in run.kept if slot.album == 0] == [Slot(0, 0, 1), Slot(0, 0, 2)]


def test_a_camera_that_refuses_beside_one_that_is_silent_fails() -> None:
    run = Run(entry(), failing("select"))
    run.world.lost.add("nir")
    run.go(3000)
    assert run.execution.outcome is Event.FAIL


def test_a_telescope_that_nobody_knows_leaves_it_for_later() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.lost.add("mount")
    run.go()
    assert (run.execution.outcome, run.execution.why) == (Event.RETRY, "the telescope is not known")


def test_one_camera_that_fails_leaves_the_other_its_images() -> None:
    run = Run(entry(), failing("expose", device="nir")).go()
    assert run.kept == [Slot(0, 0, 1), Slot(0, 0, 2)]
    assert len([order for _, order in run.world.orders if order.device == "nir" and order.name == "expose"]) == 2


def test_a_camera_that_hangs_is_tried_again_and_given_up() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.coming = [one for one in run.world.coming if "nir/images" not in one[1]]
    run.go(3000)
    assert run.execution.outcome is Event.FINISH
    assert len(run.ordered("expose")) == 4


def test_an_image_that_cannot_be_kept_ends_its_lane() -> None:
    run = Run(entry(), keeping="the disk is full").go()
    assert run.execution.outcome is Event.FAIL
    assert run.execution.why == "Visible camera: the disk is full; Near-infrared camera: the disk is full"


def test_the_end_of_the_window_is_the_end() -> None:
    run = Run(entry(), left=5.0).go()
    assert (run.execution.outcome, run.execution.why) == (Event.ABORT, "its window is over")
    short = Run(entry(), left=40.0).go()
    assert short.execution.outcome is Event.ABORT
    assert "no time left" in short.execution.why
    assert short.kept == [Slot(0, 0, 1)]


def test_a_telescope_that_leaves_its_target_fails() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.values["mount/declination"] = 40.0
    run.go()
    assert (run.execution.outcome, run.execution.why) == (Event.FAIL, "the telescope left its target")


def test_the_dome_follows_the_telescope() -> None:
    run = Run(entry()).go(until=exposes)
    run.world.values["mount/azimuth"] = 120.0
    run.go()
    assert [order.arguments for _, order in run.world.orders if order.name == "turn"] == [(90.0,), (120.0,)]


@pytest.mark.parametrize(("direction", "told"), [(91.14430602, 91.14), (359.999, 0.0), (360.0, 0.0), (0.0, 0.0)])
def test_a_dome_is_told_a_direction_that_it_takes(direction: float, told: float) -> None:
    assert as_azimuth(direction) == told


def test_cameras_that_were_busy_before_are_brought_to_rest() -> None:
    world = World()
    world.values |= {"vis/state": "exposing", "nir/state": "error", "nir/trouble": "cold"}
    run = Run(entry(), world).go()
    assert run.execution.outcome is Event.FINISH
    assert {order.device for _, order in world.orders if order.name == "abort"} == {"vis", "nir"}
