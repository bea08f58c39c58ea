"""Pages made from the code say what it says; links follow the pages; nothing is loaded from
elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from handbook.assemble import PAGES, assemble, place, turned
from handbook.command_page import command_page, parser_of
from handbook.grammar_page import grammar_page, head
from handbook.outside import loads_from_outside, main
from handbook.python_page import MODULES
from handbook.result_page import number, result_page
from handbook.setting_page import setting_page
from metasim_backend.cli import COMMANDS
from metasim_backend.settings import all_settings


def test_every_command_and_option_is_there():
    page = command_page()
    for name in COMMANDS:
        assert f"\n## metasim {name}\n" in page
    assert "\n### metasim camera fit\n" in page
    assert "| `--shard I/N` |" in page and "%(" not in page
    assert parser_of("sample").parse_args(["driving", "-o", "scenes"]).count == 1


def test_every_setting_is_there_once():
    page = setting_page()
    for name in all_settings():
        assert page.count(f"| `{name}` |") == 1


def test_the_grammars_page_has_the_language_and_each_grammar(project_root: Path):
    page = grammar_page()
    assert "no_collision" in page
    for path in (project_root / "scenes").glob("*.yaml"):
        assert f"| `{path.stem}` | " in page
    assert head("# one\n#   two\nkey: 1\n# three\n") == ["one", "  two"]


def test_a_table_has_means_with_intervals_beside_the_papers(tmp_path: Path):
    summary = {"values": [1.0, 3.0], "mean": 2.0, "half_width": 0.25}
    content = {
        **{"title": "Cars", "command": "metasim reproduce cars", "metric": "IoU", "digits": 1},
        **{"seeds": [0, 1], "paper": {"grammar": {"car": 30.0}}, "labels": {"prior": "prior"}},
        **{"rows": {"prior": {"car": summary}}, "verdict": "All is met."},
    }
    (tmp_path / "cars.json").write_text(json.dumps(content))
    (tmp_path / "speed.json").write_text(json.dumps({"measures": "speed", "command": "make it"}))
    page = result_page(tmp_path)
    assert "| car | 30 | 2.0 ± 0.2 |" in page and "    metasim reproduce cars\n" in page
    assert "| [speed.json](../results/speed.json) | speed | make it |" in page
    assert number({"mean": None, "half_width": None}, 2) == number(None, 2) == ""


def test_every_result_file_is_on_the_page(project_root: Path):
    page = result_page(project_root / "docs/results")
    for path in (project_root / "docs/results").glob("*.json"):
        assert f"(../results/{path.name})" in page


def test_links_lead_to_where_the_pages_lie():
    wanted: set[str] = set()
    text = "[a](docs/camera.md#use-it) [b](CONTRIBUTING.md) [c](https://example.org) [d](#limits)"
    assert turned(text, "README.md", wanted) == (
        "[a](camera.md#use-it) [b](contributing.md) [c](https://example.org) [d](#limits)"
    )
    assert turned("[m](../docs/matching.md)", "assets/README.md", wanted) == "[m](matching.md)"
    assert wanted == set()
    turned("[s](../examples/slurm_generate.sh)", "docs/scaling.md", wanted)
    assert wanted == {"examples/slurm_generate.sh"}
    assert place("docs/results/demo.json") == "results/demo.json"


def test_all_pages_are_in_the_navigation_and_their_links_lead_somewhere(
    project_root: Path, tmp_path: Path
):
    site = tmp_path / "site"
    assemble(site)
    named = re.findall(r": (\S+\.md)$", (project_root / "mkdocs.yml").read_text(), re.MULTILINE)
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.md")}
    assert sorted(named) == sorted(pages)
    for page in pages:
        text = (site / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)", text):
            assert (site / page).parent.joinpath(target).exists(), (page, target)


def test_links_lead_somewhere_in_the_repository_too(project_root: Path):
    pages = [*project_root.glob("docs/*.md"), *(project_root / name for name in PAGES)]
    for page in pages:
        for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


@pytest.mark.parametrize("module", MODULES.values())
def test_the_python_page_names_modules_that_there_are(project_root: Path, module: str):
    assert (project_root / module.replace(".", "/")).with_suffix(".py").is_file()


def test_what_a_page_loads_from_elsewhere_is_found(tmp_path: Path):
    link = '<a href="https://example.org">paper</a>'
    assert loads_from_outside(link + '<img src="gallery.png">') == []
    fonts = '<link href="https://fonts.example/css"><script src="//cdn.example/x.js"></script>'
    assert loads_from_outside(fonts) == ["https://fonts.example/css", "//cdn.example/x.js"]
    assert main(tmp_path) == 1
    (tmp_path / "index.html").write_text(link)
    assert main(tmp_path) == 0


def test_no_page_holds_the_marks_of_an_unfinished_merge(project_root: Path):
    marks = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.M)
    assert marks.search("text\n<<<<<<< HEAD\n") and not marks.search("a title\n========\n")
    pages = [*project_root.glob("docs/**/*.md"), *(project_root / page for page in PAGES)]
    assert [page.name for page in pages if marks.search(page.read_text(encoding="utf-8"))] == []
