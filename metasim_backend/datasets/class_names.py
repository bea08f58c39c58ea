"""What classes are called in labelled files, and what each counts as. The one table of it.

Files are read into the names of the left column of :data:`COUNTS_AS`; a detector is taught and
scored with those of the right one.
"""

from __future__ import annotations

from collections.abc import Mapping

COUNTS_AS: Mapping[str, str] = {
    **dict.fromkeys(("car", "van", "truck", "bus", "tram"), "car"),
    "caravan": "caravan",
    "person": "person",
    "cyclist": "cyclist",
}
"""Classes of frames and of labelled pictures, and the detector's class that each counts as."""

SPELLINGS: Mapping[str, str] = {
    # KITTI
    "pedestrian": "person",
    "person_sitting": "person",
    # COCO, Cityscapes, BDD100K
    "train": "tram",
    "trailer": "caravan",
    "rider": "cyclist",
    # what people call them in their own files
    **dict.fromkeys(("cars", "auto", "automobile", "sedan", "suv", "hatchback", "taxi"), "car"),
    **dict.fromkeys(("vans", "minivan", "minibus", "transporter"), "van"),
    **dict.fromkeys(("trucks", "lorry", "lorries", "pickup", "pick-up"), "truck"),
    **dict.fromkeys(("buses", "coach"), "bus"),
    **dict.fromkeys(("people", "persons", "pedestrians", "human"), "person"),
    **dict.fromkeys(("cyclists", "bicyclist", "bike rider"), "cyclist"),
}
"""Other names of the same, in lower case."""


class ClassNamesError(ValueError):
    """A mapping of class names that cannot be read."""


def class_of(name: str, of_user: Mapping[str, str] | None = None) -> str:
    """The class that a file's name means; the name itself in lower case when it is unknown.

    Args:
        of_user: names in files, in lower case, and what they mean, before all others.
    """
    lower = name.strip().lower()
    if of_user and lower in of_user:
        return of_user[lower]
    return SPELLINGS.get(lower, lower)


def can_be_named(name: str) -> bool:
    """Whether :func:`parse_names` can say what a name means."""
    return bool(name.strip()) and "," not in name and name.isprintable()


def parse_names(text: str) -> dict[str, str]:
    """A user's mapping, such as ``"vehicle=car, walker=person"``.

    Raises:
        ClassNamesError: naming the part that is wrong.
    """
    names: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        # The last sign counts: a name may hold one.
        name, equals, meaning = (word.strip().lower() for word in part.rpartition("="))
        if not equals or not name or meaning not in COUNTS_AS:
            raise ClassNamesError(
                f"{part!r} does not say what a class of a labelled file is; write NAME=CLASS with "
                f"one of {', '.join(COUNTS_AS)}, such as vehicle=car."
            )
        names[name] = meaning
    return names
