"""Small frames with known labels, made without a renderer."""

import numpy as np

from blender_addon.contract.frames import Box3D, Frame, ObjectLabel


def frame(seed=0, width=64, height=40, empty=False):
    """A noisy picture with a car, a van partly hidden by it, a person and a speck of a car."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    index = np.zeros((height, width), np.uint16)
    labels = []
    if not empty:
        x = int(rng.integers(4, 12))
        index[10:26, x + 12 : x + 32] = 2  # the van, then the car in front of it
        index[14:30, x : x + 22] = 1
        index[8:28, 55:60] = 3
        index[35, 3:6] = 4
        index[12, x + 1] = 1  # so that the mask is no rectangle
        for number, name in enumerate(("car", "van", "person", "car"), start=1):
            rows, columns = np.nonzero(index == number)
            tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            box = tuple(float(v) for v in tight)
            labels.append(
                ObjectLabel(
                    node=f"{name}_{number}",
                    class_name=name,
                    index=number,
                    visible_pixels=len(rows),
                    visible_box=box,
                    amodal_box=(box[0] - 3.5, *box[1:]),
                    visibility=1.0 if number != 2 else 0.5,
                    truncation=0.123456789,
                    occlusion=0 if number != 2 else 1,
                    box3d=Box3D(1.5, 1.8, 4.2, (1.0 * number, 1.6, 12.0), 1.6)
                    if name != "person"
                    else None,
                )
            )
    k = np.array([[70.0, 0, width / 2], [0, 70.0, height / 2], [0, 0, 1]])
    return Frame(
        image=image,
        index=index,
        depth=np.full((height, width), np.inf, np.float32),
        labels=tuple(labels),
        intrinsics=k,
        pose=np.array([[0, -1, 0, 0], [0, 0, -1, 1.6], [1, 0, 0, 0], [0, 0, 0, 1.0]]),
    )
