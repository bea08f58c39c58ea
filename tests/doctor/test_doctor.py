"""The diagnosis: each finding against a machine made for it, and its JSON form."""

import json
import socket
import subprocess
import sys
import tomllib

import pytest

from metasim_backend.doctor import findings_to_json, format_findings, healthy, machine, packages
from metasim_backend.doctor.findings import Finding

GOOD = Finding("a", True, "there")
NOTE = Finding("b", False, "absent", "add it", required=False)
BAD = Finding("c", False, "absent", "mend it")


def test_only_required_things_make_the_diagnosis_bad():
    assert healthy([GOOD, NOTE])
    assert not healthy([GOOD, BAD])


def test_the_text_gives_the_remedy_of_what_is_missing_and_a_verdict():
    text = format_findings([GOOD, NOTE, BAD])
    assert "-> mend it" in text and "-> add it" in text
    assert text.splitlines()[-1] == "To mend: c."
    assert format_findings([GOOD]).splitlines()[-1] == "Everything that is needed is there."


def test_the_json_form_holds_every_finding_whole():
    data = json.loads(json.dumps(findings_to_json([GOOD, BAD])))
    assert data["healthy"] is False
    assert data["findings"][1] == {
        "name": "c",
        "ok": False,
        "detail": "absent",
        "remedy": "mend it",
        "required": True,
    }


def test_the_doctor_loads_neither_torch_nor_bpy():
    code = (
        "import sys, metasim_backend.doctor; "
        "sys.exit(bool({'torch', 'bpy', 'torchvision', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_python_that_no_bpy_runs_on_is_found():
    assert packages.find_python((3, 11)).ok and "bpy 5.2" in packages.find_python((3, 13)).detail
    finding = packages.find_python((3, 12))
    assert not finding.ok and "3.11 or 3.13" in finding.remedy and "--blender" in finding.remedy


def test_the_pythons_of_bpy_are_those_that_the_package_asks_for(project_root):
    about = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    asked = about["optional-dependencies"]["bpy"]
    assert len(asked) == len(packages.BPY_OF_PYTHON)
    for (major, minor), bpy in packages.BPY_OF_PYTHON.items():
        python = f"python_version == '{major}.{minor}'"
        assert [one for one in asked if one.startswith(f"bpy>={bpy},") and one.endswith(python)]


def test_packages_are_asked_for_as_this_python_needs_them(monkeypatch):
    there = {"numpy": "2.4", "bpy": "4.5.1", "tool": "1.0"}
    asked = [
        "numpy<2; python_version >= '3'",
        "numpy>=9; python_version < '3'",
        "bpy>=4.5; extra == 'bpy'",
        "absent; extra == 'dev'",
        "tool",
    ]
    monkeypatch.setattr(packages.metadata, "version", there.__getitem__)
    monkeypatch.setattr(packages.metadata, "requires", lambda _: asked)
    finding = packages.find_packages()
    assert not finding.ok and finding.detail == "missing: numpy <2 (here is 2.4)"
    there["numpy"] = "1.26"
    assert packages.find_packages().detail == "bpy 4.5.1, numpy 1.26, tool 1.0"


def test_a_distribution_that_is_not_installed_is_found():
    finding = packages.find_packages("no-such-distribution")
    assert not finding.ok and "no-such-distribution" in finding.detail


@pytest.mark.parametrize(("built_for", "ok"), [("2.15.0", True), ("2.13.0", False)])
def test_a_torchvision_built_for_another_torch_is_found(monkeypatch, built_for, ok):
    versions = {"torch": "2.15.0+cpu", "torchvision": "0.29.2"}
    monkeypatch.setattr(packages.metadata, "version", versions.__getitem__)
    monkeypatch.setattr(packages.metadata, "requires", lambda _: [f"torch=={built_for}", "numpy"])
    finding = packages.find_torch_pair()
    assert finding.ok is ok
    assert ok or "torch==2.13.0" in finding.remedy


def test_a_trial_that_fails_crashes_or_hangs_is_told_apart():
    assert packages.try_script("print('noise'); print('{\"a\": 1}')").result == {"a": 1}
    assert packages.try_script("import no_such_module").problem.startswith("ModuleNotFoundError")
    assert "signal 9" in packages.try_script("import os; os.kill(os.getpid(), 9)").problem
    hang = packages.try_script("import time; time.sleep(60)", time_limit=0.5)
    assert hang.result is None and "within" in hang.problem


def test_a_port_in_use_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finding = machine.find_ports((port,))
        assert not finding.ok and str(port) in finding.detail
    assert machine.find_ports().ok


def write_blender(folder, answer):
    program = folder / "blender"
    program.write_text(f"#!/bin/sh\necho Blender\necho '{answer}'\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        ("FOUND 3 4 1 1.24.2", True, "3.4.1"),
        ("FOUND 3 4 1 -", False, "python3-numpy"),
        ("FOUND 2 93 0 1.19", False, "3.4 or later"),
        ("cannot start", False, "cannot start"),
    ],
)
def test_an_installed_blender_is_asked_for_its_version_and_numpy(tmp_path, answer, ok, words):
    finding = machine.find_blender(write_blender(tmp_path, answer))
    assert finding.ok is ok
    assert words in finding.detail + finding.remedy


def test_no_installed_blender_is_no_fault():
    assert machine.find_blender("no-such-blender").ok


def test_weights_are_looked_for_in_torch_hubs_cache(tmp_path):
    finding = machine.find_weights({"TORCH_HOME": str(tmp_path)})
    assert not finding.ok and not finding.required and "needs no others" in finding.detail
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth").touch()
    finding = machine.find_weights({"TORCH_HOME": str(tmp_path)})
    assert finding.ok and "resnet50-0676ba61.pth" in finding.detail


def test_the_lower_of_free_memory_and_the_containers_limit_counts(tmp_path):
    table, limit = tmp_path / "meminfo", tmp_path / "max"
    table.write_text("MemTotal: 9 kB\nMemAvailable: 16777216 kB\n")
    limit.write_text("max\n")
    assert "16.0 GiB" in machine.find_memory(table, limit).detail
    limit.write_text(f"{2 * 2**30}\n")
    finding = machine.find_memory(table, limit)
    assert not finding.ok and "2.0 GiB" in finding.detail


def test_a_data_folder_that_does_not_exist_is_found(tmp_path):
    assert machine.find_data({"METASIM_DATA": str(tmp_path)}).ok
    assert not machine.find_data({"METASIM_DATA": str(tmp_path / "none")}).ok
    assert machine.find_data({}).ok


@pytest.mark.slow
def test_this_machine_as_set_up_is_healthy():
    from metasim_backend.doctor import diagnose

    found = diagnose()
    assert healthy(found), format_findings(found)
