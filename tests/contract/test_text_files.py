"""Text of any encoding that says what it is; every other file is refused with place and cause."""

from __future__ import annotations

import json

import pytest

from blender_addon.contract.text_files import (
    MOST_SHOWN,
    TextFileError,
    read_json,
    read_text,
    shown,
)

CONTENT = {"class": "Straße", "box": [1, 2.5]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_whatever_an_editor_or_shell_saves_is_read(tmp_path, encoding):
    path = tmp_path / "file.json"
    path.write_bytes(json.dumps(CONTENT, ensure_ascii=False).encode(encoding))
    assert read_json(path) == CONTENT
    assert json.loads(read_text(path)) == CONTENT


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a\nStraße".encode("latin-1"), "line 2, is not UTF-8"),
        (b"\xff\xfe1", "line 1, is not UTF-16"),
        (b"", "line 1, column 1: not JSON"),
        (b'{\n "a" 1}', "line 2, column 6: not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "a number of too many digits"),
    ],
)
def test_every_other_file_is_refused_with_place_and_cause(tmp_path, data, words):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    with pytest.raises(TextFileError) as raised:
        read_json(path)
    assert str(raised.value).startswith(str(path)) and words in str(raised.value)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(TextFileError, match="No such file"):
        read_text(tmp_path / "file")
    with pytest.raises(TextFileError, match="Is a directory"):
        read_text(tmp_path)


def test_long_values_are_cut_for_a_message():
    assert shown("car") == "'car'"
    assert len(shown(10**400)) == MOST_SHOWN
    assert shown(10**9000) == "a number of too many digits"
