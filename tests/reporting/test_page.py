"""Pages out of templates: what is text stays text, and nothing is loaded from outside."""

import re
from importlib import resources

import pytest
from html_page import Page
from jinja2 import UndefinedError
from markupsafe import Markup

from metasim_backend.reporting.numbers import fixed, number
from metasim_backend.reporting.page import render

EVIL = "<script>alert('\"&')</script>"
FRAME = {"title": EVIL, "verdict": EVIL, "mood": "good"}


def test_what_is_text_stays_text_in_elements_and_attributes():
    html = render("page.html", **{**FRAME, "mood": '"><script>'})
    page = Page(html)
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 3  # title, heading and verdict
    assert number(1.5, "<m>") == Markup('<data value="1.5">1.5\N{NO-BREAK SPACE}&lt;m&gt;</data>')


def test_every_page_may_load_only_pictures_and_the_style_within_it():
    html = render("page.html", **FRAME)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "--paper" in html and "url(" not in html
    templates = resources.files("metasim_backend.reporting").joinpath("templates")
    texts = {item.name: item.read_text(encoding="utf-8") for item in templates.iterdir()}
    heads = [name for name, text in texts.items() if "<head>" in text]
    assert heads == ["page.html"]
    assert not any(re.search(r"<script|\|\s*safe|autoescape", text) for text in texts.values())


def test_a_value_that_a_template_lacks_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError, match="mood"):
        render("page.html", title="a", verdict="b")


def test_fixed_digits_lose_one_needless_zero_and_have_a_true_minus():
    assert fixed(99.5, 2) == Markup('<data value="99.5">99.50</data>')
    assert fixed(-0.15, 3) == Markup('<data value="-0.15">\N{MINUS SIGN}0.15</data>')
    assert fixed(0.2, 1, sign=True) == Markup('<data value="0.2">+0.2</data>')
    assert "unknown" in fixed(None, 2)
