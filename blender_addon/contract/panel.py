"""What Blender's panel and ``metasim serve`` say to each other, over :mod:`.wire`.

The panel dials; ``metasim serve`` listens. Both check all that the other sends: a request that is
not as written here (:func:`read_request`) is answered by an error, and a panel hangs up on a
server that says what is not here (:func:`read_answer`). Paths are absolute, on the machine that
both run on. Numbers are finite; what is not known is null.

Starting
    ``metasim serve --port 0 --token-file FILE --ready-file FILE --with-parent PID`` writes
    ``{"host", "port", "pid"}`` to the ready file once it listens. It leaves when process PID does.
    Several panels may be connected; all get the same events. Work goes on while none is.
    A ``Connection`` is not for two threads at once: wait for it with select, then receive and send
    in one thread.

Hello (panel first; within ``HELLO_WITHIN`` seconds)
    -> ``hello`` {"protocol": PROTOCOL, "addon": version, "blender": version}
    <- ``hello`` {"protocol", "version": backend's, "versions": {package: version},
       "capabilities": [the kinds of requests it knows]}
    or ``error`` {"sentence"} and the connection is closed.
    Then the server tells at once, as events, where a training and a dataset stand, if any.

Requests: ``Message(kind, {"id": number, ...})``, made by :func:`request`; each gets exactly one
    <- ``answer`` {"id", "result": {...}}, or
    <- ``error`` {"id", "sentence", "mistake": "user" | "ours"}; one sentence for the panel. "ours"
       is a defect of the backend; the sentence says where its traceback was written.
    Requests about scenes are worked on one after the other; those about trainings and datasets
    beside them, so that a stop never waits for a scene. Answers may thus overtake each other.

    grammars        {} -> {"grammars": [{"name", "path", "domain", "title"}]}: shipped ones, those
                    whose scenes Blender shows (domain "driving") first
    grammar         {"path"} -> {"grammar": the file's form as data, "domain"}; in it
                    grammar.classes.CLASS.attributes.NAME has "kind" (continuous, circular,
                    categorical, integer), "range" [low, high] or "period" or "values", "unit",
                    "mutable"
    sample          {"grammar": path or null, "run": folder or null (one of both), "seed": whole
                    number} -> {"scene": scene graph}; of a run: what its structure, learned or
                    the grammar's, proposes, which "transform" then changes
    transform       {"run": folder, "scene": scene graph, "seed": number or null (the scene's own),
                    "separate": true} -> {"scene"}: the same nodes in the same order, attributes as
                    learned; "separate": what that moved into each other is moved back
    run             {"run": folder} -> {"grammar": as above, "domain", "target", "validation" (paths
                    or null), "phases": [name], "done": {phase: steps}, "steps": {phase: steps},
                    "has_checkpoint": the learned switch and datasets work, "finished",
                    "curves": CURVES}
    train_start     {"run": folder, "grammar": path, "target": folder of pictures, "validation":
                    folder of labelled pictures or null, "phases": of ALL_PHASES, done in this
                    order, "overrides": ["task.epochs=9", ...], "blender": executable for the
                    workers or null (the backend's own), "workers": count or null,
                    "resume": false} -> {"run"}.
                    With "resume" only "run", "blender" and "workers" count. What only the training
                    itself can find out is told by an event "failed".
    train_pause, train_resume   {} -> {"state"}; paused: no CPU, memory is kept
    train_stop      {} -> {"state"}: ends it within STOP_WITHIN seconds; train_start with "resume"
                    goes on later
    dataset_start   {"run": folder or null, "grammar": path or null (one of both), "prior": false,
                    "count", "format": of FORMATS, "folder", "seed": 0, "size": [width, height] in
                    pixels or null, "preset": name or null, "blender", "workers"} -> {"folder"}. A
                    folder that was begun with the same is completed.
    dataset_cancel  {} -> {"state"}: frames that are written stay
    status          {} -> {"train": body of the last event or null, "dataset": likewise}
    shutdown        {} -> {}: stops all work and leaves

Events: ``event`` {"topic", ...}, unasked
    alive           {"clock": seconds since the server began}, every ALIVE_EVERY seconds, also while
                    it works. A panel that hears nothing for SILENCE seconds gives the backend up.
    train           {"run": folder, "state": of TRAIN_STATES, "phase": of ACTIVITIES or null,
                    "step", "steps": in that phase, "seconds": since it was started here,
                    "metrics": {"mmd2", "score", ...: last values}, "points": CURVES of the steps
                    since the event before, "sentence": why it failed or how it ended, or null}
                    and, when they are new, "attributes": [BAR] and the array "picture" (uint8
                    [H, W, 3], one scene as it is learned now; "picture_step": its step)
    dataset         {"folder", "state": of DATASET_STATES, "done", "count", "seconds", "sentence"}

    CURVES          {"mmd2": [[step, value], ...], "score": [[step, value], ...]}, steps ascending;
                    a step may come twice, the later value counts. After connecting, "run" gives
                    all, events what is new.
    BAR             {"name": "car.yaw", "unit": "deg", "kind", "prior": [mean, spread], "learned":
                    [mean, spread], "range": [low, high]}, in the attribute's unit; a circular one's
                    spread is circular and its range one period round zero; the one that moved
                    farthest first. Categorical ones are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from .phases import PHASES
from .wire import Message

PROTOCOL = 1
HELLO_WITHIN = 20.0
ALIVE_EVERY = 1.0
SILENCE = 5.0
STOP_WITHIN = 30.0
MAX_MESSAGE = 64 * 2**20
"""Bytes of the largest message, for ``wire.connect`` and ``wire.Connection``."""

DEFAULT_PHASES = tuple(phase.name for phase in PHASES if phase.by_default)
"""What a training does unless it is told otherwise."""
ALL_PHASES = tuple(phase.name for phase in PHASES)
ACTIVITIES = ("features", *ALL_PHASES, "report")
FORMATS = ("coco", "kitti", "yolo")
TRAIN_STATES = ("starting", "running", "paused", "stopping", "stopped", "finished", "failed")
DATASET_STATES = ("starting", "running", "stopping", "cancelled", "finished", "failed")
ENDED = ("stopped", "cancelled", "finished", "failed")
"""States after which nothing more happens."""
TOPICS = ("alive", "train", "dataset")


class PanelProtocolError(ValueError):
    """A message that is not as this protocol has it; one sentence."""


@dataclass(frozen=True)
class Request:
    """A request that has been checked; ``body`` has every field, defaults filled in."""

    kind: str
    id: int
    body: Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Reply:
    """What the server said, checked.

    Attributes:
        id: the request's number, None for what was not asked for.
        topic: of an event, else None.
        body: an answer's result, an event's body, or empty.
        sentence: of an error, else None.
        ours: the error is a defect of the backend, not the user's mistake.
        arrays: of an event.
    """

    id: int | None
    topic: str | None = None
    body: Mapping[str, object] = field(default_factory=dict)
    sentence: str | None = None
    ours: bool = False
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class _Field:
    """What a request's field must be; without a default it has to be there."""

    kind: str
    default: object = ...


_PATH, _WHOLE, _COUNT = _Field("path"), _Field("whole"), _Field("count")
_MAYBE_PATH = _Field("path", None)
_WORKERS = {"blender": _MAYBE_PATH, "workers": _Field("count", None)}

REQUESTS: Mapping[str, Mapping[str, _Field]] = MappingProxyType(
    {
        "grammars": {},
        "grammar": {"path": _PATH},
        "sample": {"grammar": _MAYBE_PATH, "run": _MAYBE_PATH, "seed": _WHOLE},
        "transform": {
            "run": _PATH,
            "scene": _Field("object"),
            "seed": _Field("whole", None),
            "separate": _Field("flag", True),
        },
        "run": {"run": _PATH},
        "train_start": {
            "run": _PATH,
            "grammar": _MAYBE_PATH,
            "target": _MAYBE_PATH,
            "validation": _MAYBE_PATH,
            "phases": _Field("texts", DEFAULT_PHASES),
            "overrides": _Field("texts", ()),
            "resume": _Field("flag", False),
            **_WORKERS,
        },
        "train_pause": {},
        "train_resume": {},
        "train_stop": {},
        "dataset_start": {
            "run": _MAYBE_PATH,
            "grammar": _MAYBE_PATH,
            "prior": _Field("flag", False),
            "count": _COUNT,
            "format": _Field("text", FORMATS[0]),
            "folder": _PATH,
            "seed": _Field("whole", 0),
            "size": _Field("size", None),
            "preset": _Field("text", None),
            **_WORKERS,
        },
        "dataset_cancel": {},
        "status": {},
        "shutdown": {},
    }
)
"""Every kind of request with its fields."""

_WANTED = {
    "path": "a path",
    "text": "text",
    "whole": "a whole number",
    "count": "a whole number of at least 1",
    "flag": "true or false",
    "object": "an object",
    "texts": "a list of texts",
    "size": "a list of width and height",
}
_MAX_TEXT = 4096
_MAX_WHOLE = 2**62


def hello(addon: str, blender: str) -> Message:
    """The panel's first message."""
    return Message("hello", {"protocol": PROTOCOL, "addon": addon, "blender": blender})


def read_welcome(message: Message) -> dict[str, object]:
    """The server's answer to it.

    Raises:
        PanelProtocolError: when it refused the panel, or speaks another version.
    """
    body = dict(message.body)
    if message.kind == "error":
        raise PanelProtocolError(_sentence(body) or "The backend refused the panel.")
    if message.kind != "hello":
        raise PanelProtocolError(f"The backend answered {message.kind!r} in place of a greeting.")
    if body.get("protocol") != PROTOCOL:
        raise PanelProtocolError(other_version("backend", body.get("protocol")))
    if not (
        isinstance(body.get("version"), str)
        and isinstance(body.get("versions"), dict)
        and isinstance(body.get("capabilities"), list)
    ):
        raise PanelProtocolError("The backend's greeting lacks its versions or capabilities.")
    return body


def other_version(who: str, protocol: object) -> str:
    """The sentence for a side that speaks another version of this protocol."""
    return (
        f"The {who} speaks version {_short(protocol)} of the panel's protocol and this side "
        f"version {PROTOCOL}; install the add-on and the backend from the same release."
    )


def request(kind: str, number: int, **fields: object) -> Message:
    """A request's message.

    Raises:
        PanelProtocolError: when there is no such request, or a field is wrong.
    """
    message = Message(kind, {"id": number, **fields})
    read_request(message)
    return message


def read_request(message: Message) -> Request:
    """Check a request whole and fill in what was left out.

    Raises:
        PanelProtocolError: naming the request, the field and what was expected.
    """
    fields = REQUESTS.get(message.kind)
    if fields is None:
        raise PanelProtocolError(f"There is no request {_short(message.kind)}.")
    body = dict(message.body)
    number = body.pop("id", None)
    if not isinstance(number, int) or not _is_whole(number) or number < 0:
        raise PanelProtocolError(f"Request {message.kind!r}: 'id' is not a whole number.")
    unknown = sorted(set(body) - set(fields))
    if unknown:
        raise PanelProtocolError(
            f"Request {message.kind!r} has no field {_short(unknown[0])}; "
            f"it has {', '.join(fields) or 'none'}."
        )
    checked: dict[str, object] = {}
    for name, wanted in fields.items():
        value = body.get(name)
        if value is None:
            if wanted.default is ...:
                raise PanelProtocolError(f"Request {message.kind!r} lacks {name!r}.")
            checked[name] = wanted.default
        elif not _fits(value, wanted.kind):
            raise PanelProtocolError(
                f"Request {message.kind!r}: {name!r} is {_short(value)}; "
                f"{_WANTED[wanted.kind]} was expected."
            )
        else:
            checked[name] = value
    return Request(message.kind, number, MappingProxyType(checked))


def read_answer(message: Message) -> Reply:
    """Check an answer, an error or an event from the server.

    Raises:
        PanelProtocolError: when it is none of them.
    """
    body = dict(message.body)
    if message.kind == "event":
        topic = body.pop("topic", None)
        if topic not in TOPICS:
            raise PanelProtocolError(f"The backend told of {_short(topic)}, which is no topic.")
        states = {"train": TRAIN_STATES, "dataset": DATASET_STATES}.get(topic)
        if states is not None and body.get("state") not in states:
            raise PanelProtocolError(f"A {topic} cannot be {_short(body.get('state'))}.")
        arrays = {}
        picture = message.arrays.get("picture")
        if picture is not None:
            if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
                raise PanelProtocolError("The backend sent a picture that is not RGB bytes.")
            arrays["picture"] = picture
        return Reply(None, topic, MappingProxyType(body), arrays=arrays)
    number, result = body.get("id"), body.get("result")
    if number is not None and not (isinstance(number, int) and _is_whole(number)):
        raise PanelProtocolError("The backend's answer names no request.")
    if message.kind == "answer" and number is not None and isinstance(result, dict):
        return Reply(number, body=MappingProxyType(result))
    if message.kind == "error" and (sentence := _sentence(body)):
        return Reply(number, sentence=sentence, ours=body.get("mistake") == "ours")
    raise PanelProtocolError(f"The backend said {_short(message.kind)}, which is not understood.")


def answer(number: int, result: Mapping[str, object]) -> Message:
    """The server's answer to a request."""
    return Message("answer", {"id": number, "result": dict(result)})


def error(number: int | None, sentence: str, *, ours: bool = False) -> Message:
    """The server's refusal of a request; without a number, of the whole connection."""
    mistake = "ours" if ours else "user"
    return Message("error", {"id": number, "sentence": sentence, "mistake": mistake})


def event(
    topic: str, body: Mapping[str, object], arrays: Mapping[str, np.ndarray] | None = None
) -> Message:
    """What the server tells unasked."""
    return Message("event", {"topic": topic, **body}, arrays or {})


def _fits(value: object, kind: str) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "object":
        return isinstance(value, dict)
    if kind in ("whole", "count"):
        return _is_whole(value) and (kind == "whole" or value >= 1)  # type: ignore[operator]
    if kind == "texts":
        return (
            isinstance(value, (list, tuple))
            and len(value) <= 1000
            and all(_is_text(item) for item in value)
        )
    if kind == "size":
        return (
            isinstance(value, (list, tuple))
            and len(value) == 2
            and all(_is_whole(item) and 1 <= item <= 16384 for item in value)
        )
    return _is_text(value) and (kind != "path" or value != "")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT and "\0" not in value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_WHOLE


def _sentence(body: Mapping[str, object]) -> str:
    sentence = body.get("sentence")
    return " ".join(sentence.split())[:_MAX_TEXT] if isinstance(sentence, str) else ""


def _short(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return "a value of its own kind"
    return text if len(text) <= 60 else text[:57] + "..."
