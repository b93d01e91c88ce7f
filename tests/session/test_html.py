import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session.html import flat, mode_pictures, neuron_cards, picture, render_html
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
    assert {
        "class-0",
        "neuron-0-5",
        "neuron-0-17",
        "modes",
        "cues",
        "repairs",
        "caveats",
        "classes",
        "groups",
        "run",
        "unreadable",
    } <= anchors


def test_real_images_come_before_illusions_and_these_before_the_concept(page):
    text = words(page)
    card = text[text.index("Neuron 17 ") : text.index("Neuron 5 ")]
    places = [
        card.index(word)
        for word in ("Real images, among the mistakes", "Illusions, optimised", "Concept", "five points")
    ]
    assert places == sorted(places)


def test_the_pictures_are_embedded_with_their_masks(page, session):
    embedded = [attributes["href"] for attributes in page.all("image")]
    assert len(embedded) == 16 + 2 * (30 + 4)
    first = session.path("exemplars/0/17-mistakes-0.png").read_bytes()
    assert base64.b64decode(embedded[16].removeprefix("data:image/png;base64,")) == first
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
        "41 fixed, 6 broken",
    ):
        assert number in text
    bars = [(rect["class"], rect["width"]) for rect in page.all("rect") if rect["class"] == "fill"]
    assert bars[:4] == [("fill", width) for width in ("79.17", "25.0", "68.0", "6.0")], (
        "who carries it, covered"
    )
    assert ("fill", "33.33") in bars
    lines = [path["d"] for path in page.all("path")]
    assert lines[:2] == ["M59.53 6H90.76"] * 2, "19 of 24 with its Wilson interval"
    assert lines.count("M19.33 6H45.33") == 2


def test_the_verdict_comes_before_its_comparisons_and_these_before_the_classes(page):
    text = words(page)
    repair = text[text.index("Repair 1: ridge") :]
    order = [
        "Helps: star 33.0 → 86.0 %",
        "star untouched 72 40 2 33.0 → 86.0 % +53.0 (+40.0 to +65.0) < 0.0001",
        "bias shift 72 14 3 71.0 → 86.0 % +15.0 (+4.0 to +26.0) 0.013",
        "without groups",
        "all images untouched 576",
        "worst group before: star, background grass (estimated) untouched 18 13 0",
        "Classes before and after",
        "ring 75.0 % → 71.0 % 72",
        "5 classes unchanged",
        "control: bias",
    ]
    places = [repair.index(word) for word in order]
    assert places == sorted(places)
    marks = [attributes["class"] for attributes in page.all("article") if "repair" in attributes["class"]]
    assert marks == ["card repair good", "card repair even"]


def test_the_page_argues_from_modes_to_neurons(page):
    text = words(page)
    order = [
        "Why it fails",
        "1 grass 24 mistakes, 55 % of all spurious cue",
        "19 of 24 mistakes on star, predicted as ring and moon, carry this cue, 3 of 12 right answers too "
        "(p = 0.0021); covering it fixes 68 %, covering elsewhere 6 % (n = 20).",
        "Mistakes that carry it most",
        "covered: star 91 %",
        "Right answers of the same classes",
        "Other classes that carry it",
        "Illusions: pictures optimised to excite it",
        "2 ring → star 9 mistakes, 20 % of all weak",
        "Cues",
        "24 images tagged with it, 20 without",
        "Repair 1: ridge for star",
        "Before you rely on it",
        "12 images of test have a copy in val",
        "All classes",
        "Groups class group",
        "Neurons behind the mistakes on star",
        "How it was made",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_pictures_of_a_mode_are_told_apart_by_what_they_show():
    mode = build_report(synthetic.findings()).failure_modes[0]
    seen = mode_pictures(mode)
    assert [row.path for row in seen.mistakes] == [f"val/star/{place:04d}.png" for place in range(6)]
    assert [row.covered for row in seen.covered] == [f"modes/0/covered-{place}.png" for place in range(4)]
    assert [row.score for row in seen.right] == [1.0, 0.75, 0.5, 0.25]
    assert [row.path for row in seen.others] == ["val/moon/0001.png"]


def test_a_report_without_modes_cues_and_repairs_has_no_empty_sections(tmp_path):
    found = synthetic.findings()
    debugged = (replace(found.debugged[0], repairs=()),)
    bare = replace(found, failure_modes=(), cues=(), duplicates=(), stress=None, debugged=debugged)
    page = Page(render_html(build_report(bare), tmp_path.joinpath))
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert not {"modes", "cues", "repairs", "stress"} & targets
    assert {"caveats", "classes", "class-0"} <= targets
    assert page.open == []


def test_each_kind_of_weights_has_its_loading_line(session):
    found = synthetic.findings()
    text = words(Page(render_html(build_report(found), session.path)))
    assert 'safetensors.torch.load_file("repairs/1-ridge/weights.safetensors")' in text
    pickled = replace(synthetic.repair(), weights="repairs/1-ridge/model.pt")
    found = replace(found, debugged=(replace(found.debugged[0], repairs=(pickled,)),))
    text = words(Page(render_html(build_report(found), session.path)))
    assert 'model.load_state_dict(torch.load("repairs/1-ridge/model.pt", weights_only=True))' in text
    assert "load_file" not in text


def test_without_clip_no_concept_is_claimed(session):
    found = synthetic.findings()
    text = words(Page(render_html(build_report(found), session.path)))
    assert (text.count("no clear concept"), text.count(" Concept ")) == (0, 2), "neuron 40 was not looked at"
    culprits = found.debugged[0].culprits
    first = replace(culprits.insufficient[0], concept=None)
    culprits = replace(culprits, insufficient=(first, *culprits.insufficient[1:]))
    found = replace(found, debugged=(replace(found.debugged[0], culprits=culprits),))
    text = words(Page(render_html(build_report(found), session.path)))
    assert text.count("no clear concept") == 2, "in the table and on the card"
    found = replace(found, opened=replace(found.opened, clip=None))
    text = words(Page(render_html(build_report(found), session.path)))
    assert (text.count("no clear concept"), text.count(" Concept ")) == (0, 0)


def test_a_missing_picture_leaves_a_note(session):
    session.path("illusions/0/5-0.png").unlink()
    page = Page(render_html(build_report(synthetic.findings()), session.path))
    assert words(page).count("no picture") == 1


def test_where_there_are_no_pictures_none_is_missed(session):
    found = synthetic.findings()
    found = replace(found, failure_modes=tuple(map(synthetic.without_pictures, found.failure_modes)))
    page = Page(render_html(build_report(found), session.path))
    assert "no picture" not in words(page)
    assert "val/star/0000.png" in words(page)


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
    (found,) = synthetic.findings().debugged
    extra = replace(found.illusions[0], neuron=63)
    found = replace(found, illusions=(extra, *found.illusions))
    cards = neuron_cards(build_report(replace(synthetic.findings(), debugged=(found,))).debugged[0])
    assert [card.neuron for card in cards] == [17, 5, 63]
    assert [(card.kind, card.culprit is None) for card in cards] == [
        ("insufficient", False),
        ("excessive", False),
        ("", True),
    ]
    assert [len(cards[0].exemplars[kind]) for kind in ("mistakes", "class", "overall")] == [5, 5, 5]


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
    first = replace(culprits.excessive[0], concept=concept or "x")
    culprits = replace(
        culprits, target=replace(culprits.target, name=name), excessive=(first, *culprits.excessive[1:])
    )
    exemplars = tuple(replace(row, path=path) for row in debugged.exemplars)
    illusions = tuple(replace(row, target=culprits.target) for row in debugged.illusions)
    first_mode, mode = found.failure_modes
    exemplars_of_mode = tuple(replace(row, path=path) for row in mode.exemplars)
    statistic = replace(mode.statistic, name=value)
    mode = replace(mode, name=concept or "x", exemplars=exemplars_of_mode, statistic=statistic)
    cue = replace(found.cues[0], name=value)
    repairs = tuple(
        replace(row, cues=(value,), classes=(replace(row.classes[0], name=name), *row.classes[1:]))
        for row in debugged.repairs
    )
    debugged = replace(debugged, culprits=culprits, exemplars=exemplars, illusions=illusions, repairs=repairs)
    return replace(
        found,
        opened=replace(
            found.opened, classes=(name, *found.opened.classes[1:]), model=value or "x", data=path or "x"
        ),
        evaluation=replace(
            evaluation, classes=classes, groups=groups, worst_group=groups[1], unreadable=unreadable
        ),
        debugged=(debugged,),
        failure_modes=(first_mode, mode),
        cues=(cue, *found.cues[1:]),
        duplicates=(replace(found.duplicates[0], a=value),),
    )
