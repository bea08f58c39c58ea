"""Reads data sets by the packages ``webdataset`` and ``datasets`` alone, without this project.

    python read_by_others.py webdataset|huggingface FOLDER

prints a JSON list with an item a picture: its pixels' digest, and its objects' names and boxes.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path


def read_webdataset(folder):
    import webdataset

    tars = sorted(str(path) for path in (folder / "tars").glob("*.tar"))
    for sample in webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8"):
        objects = sample["json"]["objects"]
        yield {
            "name": sample["__key__"],
            "pixels": hashlib.sha256(sample["png"].tobytes()).hexdigest(),
            "classes": [item["category"] for item in objects],
            "boxes": [item["bbox"] for item in objects],
        }


def read_huggingface(folder):
    import datasets
    import numpy

    with tempfile.TemporaryDirectory() as cache:
        pictures = datasets.load_dataset(str(folder), split="train", cache_dir=cache)
        for row in pictures:
            pixels = numpy.asarray(row["image"])
            assert pixels.shape == (row["height"], row["width"], 3)
            yield {
                "name": f"{row['image_id']:06d}",
                "pixels": hashlib.sha256(pixels.tobytes()).hexdigest(),
                "classes": row["objects"]["name"],
                "boxes": row["objects"]["bbox"],
            }


if __name__ == "__main__":
    read = {"webdataset": read_webdataset, "huggingface": read_huggingface}[sys.argv[1]]
    print(json.dumps(list(read(Path(sys.argv[2])))))
