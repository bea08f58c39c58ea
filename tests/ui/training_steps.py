"""What is done in Blender's window with a training and a data set, and what has to come of it."""

from __future__ import annotations

from window_hand import (
    FULL,
    PLAN,
    SMALL,
    Steps,
    idle,
    note,
    only,
    own,
    press,
    resize,
    session,
    shot,
    until,
    view,
    window,
)
from window_stalls import STALLS, bare_redraws, watch_own_work


def do_train() -> Steps:
    yield from only("Train")
    own().target, own().run = PLAN["target"], PLAN["new_run"]
    own().overrides = PLAN["overrides"]
    watch_own_work()
    yield from press("train_start()")
    training = lambda: session().training  # noqa: E731
    yield from until(lambda: training().state in ("running", "failed"), 120, "training runs")
    # Without a graphics card each drawing costs as much as the window has pixels.
    yield from resize(*SMALL)
    yield from bare_redraws("bare redraw")
    STALLS.begin("training")
    yield from until(
        lambda: training().pictures >= 2 and training().curve("mmd2")
        or training().state in ("failed", "finished"), PLAN["train_seconds"], "frames arrive",
    )  # fmt: skip
    STALLS.end()
    yield from shot("train_small")
    yield from training_without_panel(training)
    yield from resize(*FULL)
    yield from shot("train")
    if training().active:
        yield from press("train_pause()")
        yield from until(lambda: training().state == "paused", 30, "paused")
        yield from press("train_resume()")
        yield from until(lambda: training().state == "running", 30, "resumed")
        yield from press("train_stop()")
        yield from until(lambda: not training().active, 60, "stopped")
    note("training", state=training().state, sentence=training().sentence,
         pictures=training().pictures, points=len(training().curve("mmd2")))  # fmt: skip
    yield from shot("trained")


def training_without_panel(training) -> Steps:
    """The same with the sidebar closed: all is taken in, and nothing drawn."""
    view().spaces.active.show_region_ui = False
    yield 1.0
    known = training().pictures
    STALLS.begin("training, sidebar closed")
    yield from until(
        lambda: training().pictures > known or not training().active, 120, "another frame arrives"
    )
    STALLS.end()
    view().spaces.active.show_region_ui = True
    yield 0.5


def do_score() -> Steps:
    """The task phase: its score becomes a curve."""
    yield from only("Train")
    own().run, own().validation = PLAN["task_run"], PLAN["labelled"]
    own().phases, own().overrides = {"pretrain", "task"}, PLAN["task_overrides"]
    yield from press("train_start()")
    yield from until(
        lambda: session().training.run == PLAN["task_run"]
        and (session().training.curve("score") or session().training.state == "failed"),
        PLAN["train_seconds"], "the score is a curve",
    )  # fmt: skip
    assert session().training.curve("score"), session().training.sentence
    yield 1.0
    yield from shot("score")
    if session().training.active:
        yield from press("train_stop()")
        yield from until(lambda: not session().training.active, 60, "the task phase stopped")
    own().phases, own().validation = {"pretrain", "match"}, ""


def do_dataset() -> Steps:
    yield from only("Dataset")
    own().dataset_folder, own().dataset_count = PLAN["dataset"], 3
    own().width, own().height, own().dataset_preset = 160, 96, "draft"
    yield from press("dataset_start()")
    yield from until(lambda: session().dataset.done >= 1, 180, "first picture")
    yield from shot("dataset")
    assert idle(), "a data set owns the window"
    graph = own().graph
    if session().dataset.active:
        window().event_simulate(type="ESC", value="PRESS", x=view().x + 60, y=view().y + 60)
        window().event_simulate(type="ESC", value="RELEASE", x=view().x + 60, y=view().y + 60)
    yield from until(lambda: not session().dataset.active and idle(), 180, "data set")
    assert session().dataset.state == "finished", session().dataset.sentence
    assert own().graph == graph
    yield from shot("dataset_done")
