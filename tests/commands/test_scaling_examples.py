"""The examples for clusters give commands that this version takes, and ask for every shard once."""

import argparse
import os
import subprocess

import pytest
import yaml
from command_inputs import ROOT

from metasim_backend.commands import generate, merge


def parsed(command, words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def container(name):
    job = yaml.safe_load((ROOT / "examples" / name).read_text())
    (one,) = job["spec"]["template"]["spec"]["containers"]
    mounted = {mount["name"] for mount in one["volumeMounts"]}
    assert mounted == {volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]}
    return job["spec"], one["args"]


def test_the_kubernetes_jobs_write_and_merge_all_shards():
    spec, (command, *words) = container("kubernetes_generate.yaml")
    assert command == "generate" and spec["completionMode"] == "Indexed"
    asked = [
        parsed(generate, [word.replace("$(JOB_COMPLETION_INDEX)", str(i)) for word in words])
        for i in range(spec["completions"])
    ]
    assert [str(one.shard) for one in asked] == [f"{i}/4" for i in range(4)]
    _, (command, *words) = container("kubernetes_merge.yaml")
    assert command == "merge"
    assert parsed(merge, words).shards == [one.output for one in asked]


@pytest.mark.parametrize("array", [range(3), [1]])  # all tasks, or one that is given again
def test_the_slurm_tasks_write_all_shards(array, tmp_path):
    said = tmp_path / "metasim"
    said.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    said.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    script = ROOT / "examples/slurm_generate.sh"
    for task in array:
        told = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_CPUS_PER_TASK": "4", "PATH": path}
        words = subprocess.run(
            ["bash", script, "runs/a run", "100", "/scratch/out", "3", "--format", "yolo"],
            env=told, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout.splitlines()  # fmt: skip
        assert words[0] == "generate"
        one = parsed(generate, words[1:])
        assert str(one.run) == "runs/a run" and one.count == 100 and one.format == "yolo"
        assert str(one.shard) == f"{task}/3" and one.workers == 4
        assert str(one.output) == f"/scratch/out/shard-0000{task}"
