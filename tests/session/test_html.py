import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session.html import flat, neuron_cards, picture, render_html
from neuroinspect_tui.session.report import build_report
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.text import safe

from . import synthetic
from .hostile import NAMES, nothing_hidden


class Page(HTMLParser):
    """Collects the tags, the texts and the open elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "input", "br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def session(tmp_path):
    with Session.open(tmp_path / "session") as opened:
        synthetic.draw_pictures(opened, synthetic.findings())
        yield opened


@pytest.fixture
def page(session):
    return Page(render_html(build_report(synthetic.findings()), session.path))


def words(page):
    return re.sub(r"\s+", " ", " ".join(page.texts))


def test_the_page_is_well_formed_and_loads_nothing(page):
    assert page.open == []
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    for _, attributes in page.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))


def test_the_policy_allows_pictures_and_its_own_style_only(page, session):
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    text = render_html(build_report(synthetic.findings()), session.path)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style.replace("url(#", "") and "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_every_anchor_leads_somewhere(page):
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    anchors = {
        attributes["href"][1:] for _, attributes in page.tags if attributes.get("href", "").startswith("#")
    }
    assert anchors <= targets
    assert {"class-0", "neuron-0-5", "neuron-0-17", "classes", "groups", "run", "unreadable"} <= anchors


def test_real_images_come_before_illusions_and_these_before_the_concept(page):
    text = words(page)
    card = text[text.index("Neuron 17") : text.index("Neuron 5")]
    places = [
        card.index(word)
        for word in ("Real images, among the mistakes", "Illusions", "Concept", "five points")
    ]
    assert places == sorted(places)


def test_the_pictures_are_embedded_with_their_masks(page, session):
    embedded = [attributes["href"] for attributes in page.all("image")]
    assert len(embedded) == 2 * (30 + 4)
    first = session.path("exemplars/0/17-mistakes-0.png").read_bytes()
    assert base64.b64decode(embedded[0].removeprefix("data:image/png;base64,")) == first
    assert len(page.all("mask")) == 34


def test_a_weak_illusion_is_greyed_and_says_so(page):
    assert [attributes.get("class") for attributes in page.all("figure")].count("pale") == 1
    assert "not shown here" in words(page)


def test_numbers_are_as_in_the_report(page):
    text = words(page)
    for number in (
        "33.3 %",
        "12 of 36 right",
        "(19 % to 45 %)",
        "5.6 %",
        "1.40× real activation",
        "rank 1",
        "41 images",
    ):
        assert number in text
    star = page.all("rect")[1]
    assert (star["class"], star["width"]) == ("fill", "33.33")
    assert [path["d"] for path in page.all("path")[:2]] == ["M19.33 6H45.33"] * 2


def test_the_verdict_stands_beside_the_controls(page):
    text = words(page)
    repair = text[text.index("Repair 1: ridge") :]
    order = ["Helps: star 33", "untouched", "control: bias", "control: finetune", "class recall"]
    places = [repair.index(word) for word in order]
    assert places == sorted(places)
    marks = [attributes["class"] for attributes in page.all("article") if "repair" in attributes["class"]]
    assert marks == ["card repair good", "card repair even"]


def test_each_kind_of_weights_has_its_loading_line(session):
    report = build_report(synthetic.findings())
    text = words(Page(render_html(report, session.path)))
    assert 'safetensors.torch.load_file("repairs/1-ridge/weights.safetensors")' in text
    report["debugged"][0]["repairs"][0]["weights"] = "repairs/1-ridge/model.pt"
    text = words(Page(render_html(report, session.path)))
    assert 'model.load_state_dict(torch.load("repairs/1-ridge/model.pt", weights_only=True))' in text
    assert "load_file" not in text


def test_without_clip_no_concept_is_claimed(session):
    report = build_report(synthetic.findings())
    text = words(Page(render_html(report, session.path)))
    assert (text.count("no clear concept"), text.count(" Concept ")) == (0, 2), "neuron 40 was not looked at"
    report["debugged"][0]["neurons"]["insufficient"][0]["concept"] = None
    text = words(Page(render_html(report, session.path)))
    assert text.count("no clear concept") == 2, "in the table and on the card"
    report["model"]["clip"] = None
    text = words(Page(render_html(report, session.path)))
    assert (text.count("no clear concept"), text.count(" Concept ")) == (0, 0)


def test_a_missing_picture_leaves_a_note(session):
    session.path("illusions/0/5-0.png").unlink()
    page = Page(render_html(build_report(synthetic.findings()), session.path))
    assert words(page).count("no picture") == 1


def test_what_is_no_png_is_not_embedded(session):
    session.write_bytes("a.png", b"<svg onload=alert(1)>")
    session.write_bytes("b.png", b"\x89PNG\r\n\x1a\n")
    assert picture("a.png", session.path) is None
    assert picture("b.png", session.path) is None
    assert picture(None, session.path) is None
    shown = picture("exemplars/0/5-class-0.png", session.path)
    assert (shown.width, shown.height) == (96, 96)


def test_a_picture_outside_the_session_is_refused(session):
    (session.root.parent / "secret.png").write_bytes(session.path("illusions/0/5-0.png").read_bytes())
    with pytest.raises(InputError, match="lies outside the session"):
        picture("../secret.png", session.path)


def test_neurons_without_pictures_have_no_card_and_others_come_in_culprit_order():
    found = build_report(synthetic.findings())["debugged"][0]
    extra = {**found["illusions"][0], "neuron": 63}
    cards = neuron_cards({**found, "illusions": [extra, *found["illusions"]]})
    assert [card["neuron"] for card in cards] == [17, 5, 63]
    assert [card["culprit"] and card["culprit"]["kind"] for card in cards] == [
        "insufficient",
        "excessive",
        None,
    ]
    assert [len(cards[0]["exemplars"][kind]) for kind in ("mistakes", "class", "overall")] == [5, 5, 5]


def test_values_are_flattened_and_empty_ones_left_out():
    values = {"a": {"b": 1, "c": None, "d": []}, "e": [1, "x"], "f": 0, "g": False, "h": ""}
    assert flat(values) == [("a.b", "1"), ("e", "1, x"), ("f", "0"), ("g", "False")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, value=NAMES, path=NAMES, concept=NAMES)
def test_hostile_names_stay_text(tmp_path, name, value, path, concept):
    found = synthetic.findings()
    plain = Page(render_html(build_report(found), tmp_path.joinpath))
    found = hostile(found, name, value, path, concept)
    page = Page(render_html(build_report(found), tmp_path.joinpath))
    assert [(tag, set(attributes)) for tag, attributes in page.tags] == [
        (tag, set(attributes)) for tag, attributes in plain.tags
    ]
    assert nothing_hidden("".join(page.texts))
    assert safe(name).strip() in "".join(page.texts)


def hostile(found, name, value, path, concept):
    """The findings with other names for class 0, its groups, an unreadable file and a neuron's concept."""
    evaluation = found.evaluation
    classes = (replace(evaluation.classes[0], name=name), *evaluation.classes[1:])
    groups = tuple(replace(row, value=value, class_name=name) for row in evaluation.groups)
    unreadable = (replace(evaluation.unreadable[0], path=path, reason=value), *evaluation.unreadable[1:])
    (debugged,) = found.debugged
    culprits = debugged.culprits
    first = replace(culprits.excessive[0], concept=concept or "x", spurious_reason=value)
    culprits = replace(
        culprits, target=replace(culprits.target, name=name), excessive=(first, *culprits.excessive[1:])
    )
    exemplars = tuple(replace(row, path=path) for row in debugged.exemplars)
    illusions = tuple(replace(row, target=culprits.target) for row in debugged.illusions)
    return replace(
        found,
        opened=replace(
            found.opened, classes=(name, *found.opened.classes[1:]), model=value or "x", data=path or "x"
        ),
        evaluation=replace(
            evaluation, classes=classes, groups=groups, worst_group=groups[1], unreadable=unreadable
        ),
        debugged=(replace(debugged, culprits=culprits, exemplars=exemplars, illusions=illusions),),
    )
