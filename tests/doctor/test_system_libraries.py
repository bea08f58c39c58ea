"""The check that runs before the virtual environment exists."""

import subprocess
import sys
from pathlib import Path

import pytest

from metasim_backend.doctor import system_libraries
from metasim_backend.doctor.machine import find_libraries, find_window_programs
from metasim_backend.doctor.system_libraries import (
    BPY_LIBRARIES,
    DEBIANS_BLENDER,
    DEBIANS_NUMPY,
    WINDOW_PROGRAMS,
    SetUpError,
    SystemLibrary,
    install_command,
    missing_libraries,
    missing_programs,
    prepare,
    prepare_window_tests,
)

WRONG = SystemLibrary("libNoSuchThing.so.9", "libnosuchthing9")


def test_a_library_that_is_not_there_is_found_missing_with_its_remedy():
    assert missing_libraries((WRONG,), platform="linux") == (WRONG,)


def test_nothing_is_asked_of_other_systems():
    assert missing_libraries((WRONG,), platform="darwin") == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries are checked on Linux")
def test_the_doctor_names_the_library_the_package_and_the_command():
    (finding,) = find_libraries((WRONG,))
    assert not finding.ok and finding.required
    assert "libNoSuchThing.so.9" in finding.detail
    assert finding.remedy == f"run: {install_command(['libnosuchthing9'])}"


def test_only_libraries_that_bpy_cannot_do_without_stop_the_set_up(monkeypatch, capsys):
    def lacks(soname):
        monkeypatch.setattr(
            system_libraries,
            "missing_libraries",
            lambda: tuple(lib for lib in BPY_LIBRARIES if lib.soname == soname),
        )

    monkeypatch.setattr(system_libraries, "PYTHON", sys.version_info[:2])
    lacks("libXi.so.6")
    with pytest.raises(SetUpError, match=r"libXi\.so\.6.*apt-get install.*libxi6"):
        prepare(may_install=False)
    lacks("libEGL.so.1")
    prepare(may_install=False)
    assert "libegl1" in capsys.readouterr().out


def lacking(*there: str, blender: str | None = None) -> list[str]:
    found = missing_programs(
        platform="linux",
        which=lambda name: blender if name == "blender" else name if name in there else None,
        exists=lambda path: path in there,
    )
    return [program.package for program in found]


def test_tests_in_a_window_need_blender_a_display_and_keys_and_numpy_with_debians_blender():
    assert lacking() == ["blender", "xvfb", "xdotool", "python3-numpy"]
    assert lacking("Xvfb", "xdotool", blender=DEBIANS_BLENDER) == ["python3-numpy"]
    assert lacking("Xvfb", "xdotool", blender="/opt/blender/blender") == []
    assert lacking("Xvfb", "xdotool", DEBIANS_NUMPY.path, blender=DEBIANS_BLENDER) == []
    assert missing_programs(platform="darwin") == ()


def test_what_tests_in_a_window_need_never_stops_the_set_up(monkeypatch, capsys):
    asked = []

    def fails(packages):
        asked.append(packages)
        raise SetUpError("apt-get could not")

    monkeypatch.setattr(system_libraries, "missing_programs", lambda: WINDOW_PROGRAMS)
    monkeypatch.setattr(system_libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(system_libraries, "privilege", lambda: [])
    monkeypatch.setattr(system_libraries, "install", fails)
    prepare_window_tests(may_install=True)
    assert asked == [["blender", "xvfb", "xdotool"]]
    assert install_command(asked[0]) in capsys.readouterr().out
    monkeypatch.setattr(system_libraries, "privilege", lambda: None)
    prepare_window_tests(may_install=True)
    assert len(asked) == 1
    assert install_command(asked[0]) in capsys.readouterr().out


def test_the_doctor_names_what_tests_in_a_window_lack():
    finding = find_window_programs(WINDOW_PROGRAMS)
    assert not finding.ok and not finding.required
    assert finding.remedy == f"run: {install_command(['blender', 'xvfb', 'xdotool'])}"
    assert find_window_programs(()).ok


def test_what_is_missing_is_installed_as_root_or_named_in_one_sentence(monkeypatch):
    monkeypatch.setattr(system_libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    ran = []

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(system_libraries.subprocess, "run", run)
    monkeypatch.setattr(system_libraries, "privilege", lambda: ["sudo", "-n"])
    system_libraries.install(["libxi6"])
    assert ran[-1][:2] == ["sudo", "-n"] and ran[-1][-1] == "libxi6"
    monkeypatch.setattr(system_libraries, "privilege", lambda: None)
    with pytest.raises(SetUpError) as caught:
        system_libraries.install(["libxi6"])
    assert install_command(["libxi6"]) in str(caught.value)
    assert len(ran) == 2


def test_the_module_runs_alone_with_the_standard_library_only():
    script = Path(system_libraries.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--install" in done.stdout
