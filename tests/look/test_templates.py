"""Every template compiles, every component renders with nothing left undefined, and none needs what the policy forbids."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
GALLERY = sorted(path.name for path in (Path(__file__).parent / "gallery").glob("*.html"))
COMPONENTS = sorted(path.name for path in (ROOT / "templates" / "components").glob("*.html"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_a_template_keeps_the_content_security_policy(path: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
    assert not re.search(r"<style|\sstyle\s*=", source), "inline styles are refused by the policy"
    assert not re.search(r"<script(?![^>]*\ssrc=)", source), "inline scripts are refused by the policy"
    assert not re.search(r"\son[a-z]+\s*=|javascript:", source), "event attributes are refused by the policy"
    assert not re.search(r"hx-on\b|=[\"']js:|hx-trigger=\"[^\"]*\[", source), "htmx would need eval for this"
    assert not re.search(r"(?:src|href|action)=[\"'](?:https?:)?//", source), "nothing is loaded from another origin"


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_a_template_speaks_htmx_4(path: Path) -> None:
    old = r"hx-(?:disabled-elt|ext|params|vars|sse|ws|prompt|request|history)\b|hx-swap=\"(?:morph|innerHTML\s+morph)"
    assert not re.search(old, path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_what_htmx_posts_is_not_sent_twice_when_pressed_twice(path: Path) -> None:
    for tag in re.findall(r"<[a-z]+[^>]*\shx-post=[^>]*>", path.read_text()):
        assert "hx-sync=" in tag, "htmx queues the second press and sends it after the first"


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_renders_whole_and_well_nested(gallery: Any, name: str) -> None:
    html = gallery(name)
    assert "<b>" not in html.split("The store was connected.")[1][:10], "text is escaped"
    Nesting().check(html)


def test_every_component_macro_is_shown_in_the_gallery(templates: jinja2.Environment) -> None:
    sources = "".join(path.read_text() for path in (Path(__file__).parent / "gallery").glob("*.html"))
    sources += "".join(path.read_text() for path in TEMPLATES)
    for name in COMPONENTS:
        for macro in re.findall(r"macro (\w+)\(", (ROOT / "templates" / "components" / name).read_text()):
            assert re.search(rf"[{{(=\s]{macro}\(", sources.replace(f"macro {macro}(", "")), (
                f"{name}: {macro} is never used"
            )


def test_the_error_page_renders_with_nothing_but_its_own_context(templates: jinja2.Environment) -> None:
    bare = {"asset": str, "status": 503, "title": "Back in a moment", "message": "The database is away."}
    html = templates.get_template("errors/page.html").render(bare)
    assert "The database is away." in html
    assert "Sign in again" in templates.get_template("errors/_error.html").render({**bare, "status": 401})


def test_an_error_pages_details_are_listed(templates: jinja2.Environment) -> None:
    html = templates.get_template("errors/page.html").render(
        asset=str,
        status=400,
        title="No",
        message="No.",
        advice="",
        request_id="r1",
        details={"show": ["alerts", "all"], "n": 3},
    )
    assert "alerts, all" in html
    assert "r1" in html


def call(templates: jinja2.Environment, component: str, macro: str, *args: Any, **kwargs: Any) -> str:
    module = templates.get_template(f"components/{component}.html").module
    return str(getattr(module, macro)(*args, **kwargs))


@pytest.mark.parametrize("points", [[], [None], [3], [0, 0, 0], [Decimal("-4.10"), None, Decimal("7.3")]])
def test_a_chart_draws_whatever_series_it_is_given(templates: jinja2.Environment, points: list[Any]) -> None:
    drawn = call(templates, "charts", "chart", "Revenue", [str(n) for n in range(len(points))], points, compare=points)
    assert "nan" not in drawn.lower().replace("name", "")
    call(templates, "charts", "spark", points)
    call(templates, "charts", "rank", [{"label": "a", "text": "0", "value": Decimal(0)}])
    call(templates, "charts", "rank", [])


@pytest.mark.parametrize(
    ("peak", "top"), [(291, "300"), (0.4, "0.4"), (7, "8"), (1050, "1,500"), (48_000, "60k"), (2_100_000, "3M")]
)
def test_a_chart_ends_at_a_round_number_above_its_peak(templates: jinja2.Environment, peak: float, top: str) -> None:
    drawn = call(templates, "charts", "chart", "x", ["a", "b"], [0.1, peak])
    assert re.findall(r'<div class="y" aria-hidden="true"><span>([^<]*)', drawn) == [top]


def test_a_share_outside_its_range_is_drawn_at_the_end(templates: jinja2.Environment) -> None:
    assert 'width="100.00"' in call(templates, "charts", "bar", Decimal("1.7"))
    assert 'width="0.00"' in call(templates, "charts", "bar", -1)


def test_a_finished_increment_counts_what_it_read_and_not_the_stores_total(templates: jinja2.Environment) -> None:
    def words(*progress: Any, **more: Any) -> str:
        return " ".join(
            re.findall(r"<span>([^<]*)</span></p>", call(templates, "progress", "progress", *progress, **more))
        )

    assert words("Refunds", 10, 89, state="done") == "10 records · done"
    assert words("Refunds", 1, 1, state="done") == "1 record · done"
    assert words("Refunds", 10, 89, state="failed") == "10 of 89 records · stopped"


def test_a_secret_is_never_rendered_and_may_stay_empty_once_saved(templates: jinja2.Environment) -> None:
    saved = call(templates, "forms", "secret", "key", "Key", "ck_****4f2a")
    assert "value=" not in saved
    assert " required" not in saved
    assert " required" in call(templates, "forms", "secret", "key", "Key")
    assert "value=" not in call(templates, "forms", "field", "password", "Password", "hunter2", "password")


def test_a_fields_error_and_help_are_tied_to_its_control(templates: jinja2.Environment) -> None:
    html = call(templates, "forms", "field", "email", "E-mail", error="Not an address", help="Where we write to")
    assert 'aria-describedby="f-email-error f-email-help"' in html
    assert 'aria-invalid="true"' in html


class Nesting(HTMLParser):
    """Opening and closing tags must pair up, and no id may appear twice."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "rect"})

    def check(self, html: str) -> None:
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(html)
        assert self.open == []
        assert len(self.ids) == len(set(self.ids)), [i for i in self.ids if self.ids.count(i) > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


@pytest.mark.parametrize(
    "path",
    [each for each in TEMPLATES if "_shell.html" in each.read_text() or "_door.html" in each.read_text()],
    ids=shown,
)
def test_a_page_names_itself_and_the_frame_adds_the_portal(path: Path) -> None:
    source = path.read_text()
    if "{%- extends" not in source or path.name == "_shell.html":
        return
    found = re.search(r"block title %\}(.+?)\{% endblock", source)
    assert found, "a tab, a bookmark and the history need a title"
    assert "Commerce Portal" not in found[1]
