"""The page of the Python API: which modules mkdocstrings reads, which imports none of them."""

MODULES = {
    "Scene graphs": "blender_addon.contract.scene_graph",
    "Frames and labels": "blender_addon.contract.frames",
    "Grammars": "metasim_backend.grammar.reading",
    "Sampling": "metasim_backend.grammar.sampling",
    "Worlds": "metasim_backend.worlds.registry",
    "Renderers": "metasim_backend.rendering.renderer",
    "Blender as a renderer": "metasim_backend.rendering.blender",
    "Task networks": "metasim_backend.tasks.task",
    "Runs": "metasim_backend.training.run_config",
    "Learned generators": "metasim_backend.training.scene_generator",
    "Writers of data sets": "metasim_backend.datasets.writers.writer",
    "MMD": "metasim_backend.distances.mmd",
}
"""What others' programs begin with, by title."""


def python_page() -> str:
    """A heading and a directive for each module."""
    lines = [
        "# Python\n",
        "Made from the docstrings. Modules that are not listed may change without a note.\n",
    ]
    for title, module in MODULES.items():
        lines.append(f"## {title}\n\n`{module}`\n\n::: {module}\n")
    return "\n".join(lines)
