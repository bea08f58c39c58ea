"""The report's pictures: target, prior and learned side by side, and scenes while learning."""

from __future__ import annotations

from html import escape
from pathlib import Path

from metasim_backend.reporting.plots import data_uri
from metasim_backend.reporting.run_record import KINDS_OF_PICTURES, RunRecord

ROWS_AT_ONCE = 4
MOST_ROWS = 16
MOST_STEPS = 8
MOST_SCENES = 3


def comparison(record: RunRecord) -> str:
    """A row each: a target picture, and those of one seed from prior and learned."""
    pictures = record.pictures
    count = min(max(len(pictures[kind]) for kind in KINDS_OF_PICTURES), MOST_ROWS)
    if count == 0:
        return '<p class="absent">No pictures were recorded in this run.</p>'
    missing = [kind for kind in KINDS_OF_PICTURES if not pictures[kind]]
    note = (
        f'<p class="absent">No {" and no ".join(missing)} pictures were recorded in this run.</p>'
        if missing
        else ""
    )
    kinds = [kind for kind in KINDS_OF_PICTURES if pictures[kind]]
    same = "" if record.structure else " <small>same seed and structure</small>"
    titles = {
        "target": "Target",
        "prior": "Prior <small>before</small>",
        "learned": f"Learned{same}",
    }
    heads = "".join(f'<div class="head {kind}">{titles[kind]}</div>' for kind in kinds)
    rows = ["".join(_cell(pictures[kind], i, kind) for kind in kinds) for i in range(count)]
    style = f'class="strips" style="--columns:{len(kinds)}"'
    first = f"<div {style}>{heads}{''.join(rows[:ROWS_AT_ONCE])}</div>"
    rest = rows[ROWS_AT_ONCE:]
    more = (
        f"<details><summary>{len(rest)} more</summary><div {style}>{''.join(rest)}</div></details>"
        if rest
        else ""
    )
    return note + first + more


def learned_scenes(record: RunRecord) -> str:
    """What the learned pictures are of, against the prior's."""
    if record.structure:
        return (
            "what stands in a scene was learned too, so the learned pictures are of other scenes "
            "than the prior's beside them."
        )
    return (
        "the learned pictures are the same scenes after the distribution transformer has moved "
        "their attributes towards the target."
    )


def progress(record: RunRecord) -> str:
    """The same scenes after some steps of learning; empty when none were recorded."""
    strips = []
    for scene, steps in list(record.progress.items())[:MOST_SCENES]:
        chosen = _spread(steps, MOST_STEPS)
        cells = "".join(
            f"<figure>{_picture(path, f'scene {scene}, step {step}')}"
            f"<figcaption>step {step}</figcaption></figure>"
            for step, path in chosen
        )
        strips.append(f'<div class="progress">{cells}</div>')
    if not strips:
        return ""
    return f"<h3>The same scenes while learning</h3>{''.join(strips)}"


def _cell(paths: tuple[Path, ...], i: int, kind: str) -> str:
    if i >= len(paths):
        return "<div></div>"
    return f"<figure>{_picture(paths[i], f'{kind} {paths[i].stem}')}</figure>"


def _picture(path: Path, words: str) -> str:
    uri = data_uri(path)
    if uri is None:
        return f'<div class="absent">{escape(path.name)} is not a readable picture.</div>'
    return f'<img src="{uri}" alt="{escape(words)}">'


def _spread(items: tuple[tuple[int, Path], ...], most: int) -> list[tuple[int, Path]]:
    """At most ``most`` of the items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
