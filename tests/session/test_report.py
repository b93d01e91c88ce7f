import json
from dataclasses import replace

import jsonschema
import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Evaluation
from neuroinspect_tui.session.atomic import json_text
from neuroinspect_tui.session.report import (
    Debugged,
    Findings,
    build_report,
    read_report,
    report_json,
    write_reports,
)
from neuroinspect_tui.session.report_model import json_schema
from neuroinspect_tui.session.store import Session
from tests.report_schema import FILE

from . import synthetic

SCHEMA = json.loads(FILE.read_text())


@pytest.fixture
def report():
    return report_json(build_report(synthetic.findings()))


@pytest.fixture
def session(tmp_path):
    with Session.open(tmp_path / "session") as opened:
        yield opened


def closed(schema):
    """The schema without room for keys that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {key: closed(value) for key, value in schema.items()}
    return {**shut, "additionalProperties": False} if "properties" in shut and "type" in shut else shut


def test_the_shipped_schema_is_the_one_of_the_types():
    assert FILE.read_text() == json_text(json_schema()), "run make schema"


def test_the_schema_is_one_and_the_report_keeps_to_it(report):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA)


def test_the_schema_names_every_key_that_is_written(report):
    jsonschema.validate(report, closed(SCHEMA))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("evaluation", "accuracy"), 84.7),
        (("evaluation", "classes", 0, "interval"), [0.1]),
        (("debugged", 0, "illusions", 0, "image"), "/abs/1.png"),
        (("debugged", 0, "illusions", 0, "image"), "a/../../1.png"),
        (("debugged", 0, "repairs", 0, "after", "worst_class"), "star"),
        (("debugged", 0, "repairs", 0, "verdict", "outcome"), "helps a bit"),
        (("failure_modes", 0, "carried", "mistakes"), [19]),
        (("cues", 0, "from"), "nowhere"),
        (("schema",), "neuroinspect.report/1"),
    ],
)
def test_the_schema_refuses_what_breaks_the_contract(report, place, value):
    owner = report
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA)


def test_the_evaluation_is_as_in_the_contract(report):
    found = report["evaluation"]
    star = found["classes"][0]
    assert star == {
        "index": 0,
        "name": "star",
        "count": 36,
        "correct": 12,
        "accuracy": 12 / 36,
        "precision": 0.875,
        "f1": 0.5,
        "interval": [12 / 36 - 0.14, 12 / 36 + 0.12],
        "confusions": [{"index": 1, "name": "ring", "count": 15}, {"index": 2, "name": "moon", "count": 9}],
    }
    group = {"column": "background", "value": "grass", "class": "star", "class_index": 0}
    assert (
        found["worst_group"] == found["groups"][1] == {**group, "count": 18, "correct": 1, "accuracy": 1 / 18}
    )
    assert found["unreadable"][0] == {"path": "val/star/0093.png", "reason": "truncated file"}
    assert (found["split"], found["samples"]) == ("val", 288)


def test_a_debugged_class_is_as_in_the_contract(report):
    (found,) = report["debugged"]
    assert found["class"] == {"index": 0, "name": "star"}
    assert (found["mistakes"], found["unflipped"], found["mode"]) == (24, 1, "default")
    assert [row["neuron"] for row in found["neurons"]["insufficient"]] == [17, 40]
    grass = found["neurons"]["excessive"][0]
    assert {key: grass[key] for key in ("neuron", "prec_at_5", "importance", "concept")} == {
        "neuron": 5,
        "prec_at_5": 75.0,
        "importance": 0.93,
        "concept": "grass",
    }
    illusion = found["illusions"][3]
    assert (illusion["neuron"], illusion["class"], illusion["ratio"], illusion["shown"]) == (
        17,
        "star",
        0.62,
        False,
    )
    exemplar = found["exemplars"][0]
    assert (exemplar["path"], exemplar["activation"]) == ("val/star/0000.png", 5.0)
    assert exemplar["label"] == {"index": 0, "name": "star"}


def test_a_repair_is_as_in_the_contract(report):
    repair = report["debugged"][0]["repairs"][0]
    assert repair["after"] == {
        "split": "test",
        "accuracy": 0.9,
        "class_accuracy": 0.86,
        "class_precision": 0.9,
        "class_f1": 2 * 0.86 * 0.9 / (0.86 + 0.9),
        "worst_class": {"index": 0, "name": "star", "accuracy": 0.86},
        "worst_group": {
            "column": "background",
            "value": "grass",
            "class": "star",
            "accuracy": 0.78,
            "count": 0,
            "estimated": False,
            "estimate": None,
        },
        "accuracy_interval": [0.9 - 0.03, 0.9 + 0.03],
        "class_interval": [0.86 - 0.1, 0.86 + 0.1],
    }
    assert set(repair["controls"]) == {"bias", "finetune"}
    assert repair["controls"]["bias"]["class_accuracy"] == 0.71
    assert (repair["method"], repair["neurons"], repair["parameters"]) == (
        "ridge",
        [17, 5],
        {"strength": 0.01},
    )
    assert (repair["fixed"], repair["broken"], repair["weights"]) == (
        41,
        6,
        "repairs/1-ridge/weights.safetensors",
    )


def test_a_failure_mode_is_as_in_the_contract(report):
    first, second = report["failure_modes"]
    assert (first["id"], first["mistakes"], second["id"], second["mistakes"]) == (3, 24, 1, 9), (
        "largest first"
    )
    assert {key: first[key] for key in ("name", "name_auroc", "spurious", "share")} == {
        "name": "grass",
        "name_auroc": 0.93,
        "spurious": True,
        "share": 24 / 44,
    }
    assert first["pairs"] == [
        {"label": 0, "predicted": 1, "count": 15},
        {"label": 0, "predicted": 2, "count": 9},
    ]
    assert first["neurons"] == [{"neuron": 5, "weight": 0.61}, {"neuron": 17, "weight": -0.4}]
    assert first["carried"] == {"mistakes": [19, 24], "right": [3, 12], "p": 0.0021}
    assert first["cover"] == {"mended": 0.68, "elsewhere": 0.06, "images": 20, "by": "region"}
    assert first["projected"] == {"mended": 0.55, "broken": 0.02, "random": 0.01}
    assert first["statistic"] == {"name": "mean green", "effect": 0.64, "p": 0.0004}
    exemplar = first["exemplars"][0]
    assert {key: exemplar[key] for key in ("path", "score", "label", "predicted", "image")} == {
        "path": "val/star/0000.png",
        "score": 3.0,
        "label": 0,
        "predicted": 1,
        "image": "modes/0/wrong-0.png",
    }
    assert "neuron" not in first["illusions"][0]
    assert (first["illusions"][0]["class"], first["illusions"][0]["ratio"]) == ("star", 1.3)
    assert (second["name"], second["cover"], second["projected"], second["statistic"]) == (
        None,
        None,
        None,
        None,
    )


def test_the_verdict_is_as_in_the_contract(report):
    repair = report["debugged"][0]["repairs"][0]
    verdict = repair["verdict"]
    assert (verdict["outcome"], verdict["estimated"]) == ("helps", True)
    assert verdict["comparisons"][0] == {
        "metric": "class",
        "against": "untouched",
        "n": 72,
        "fixed": 40,
        "broken": 2,
        "before": 0.33,
        "after": 0.86,
        "interval": [0.4, 0.65],
        "p": 3.1e-8,
    }
    assert verdict["losers"] == [{"class": "ring", "before": 0.75, "after": 0.71}]
    assert repair["classes"][0] == {"index": 0, "name": "star", "count": 72, "before": 0.33, "after": 0.86}
    assert repair["cues"] == ["grass"]
    assert repair["sentence"].startswith("Helps: star 33.0 → 86.0 % of 72 images (40 fixed, 2 broken")
    assert repair["reason"] == ""


def test_cues_and_copies_between_splits_are_as_in_the_contract(report):
    assert report["cues"][1] == {"name": "blur", "tags": {"has": 3, "not": 0}, "from": "hand", "probe": None}
    assert report["cues"][0]["tags"] == {"has": 24, "not": 20}
    assert report["cues"][0]["probe"] == {
        "accuracy": 0.93,
        "enough": True,
        "has": 140,
        "not": 130,
        "unclear": 18,
        "cells": [],
    }
    assert report["data"]["duplicates"] == {
        "between_splits": [
            {"a": "val", "b": "test", "count": 12, "examples": [["val/star/0001.png", "test/star/0007.png"]]}
        ]
    }


def test_the_stress_battery_lists_pulls_with_their_counts(report):
    assert report["stress"]["images"] == 288
    assert report["stress"]["changes"] == ["text top left", "yellow cast", "mode 3"]
    assert report["stress"]["pulls"][1] == {
        "change": "mode 3",
        "target": 2,
        "images": 252,
        "gained": 12,
        "lost": 9,
        "pull": 3 / 252,
        "p": 1.0,
        "mode": 3,
        "strength": 0.25,
    }


def test_the_reason_of_a_suspicion_is_made_of_its_numbers(report):
    grass = report["debugged"][0]["neurons"]["excessive"][0]
    assert grass["spurious_reason"] == (
        "pushes images of other classes towards “star” (r = +0.64); "
        "CLIP sees the class outside its region in 75 % of its exemplars"
    )


def test_a_report_of_version_0_1_is_read_with_its_verdict_as_the_sentence(session, report):
    report["schema"] = "neuroinspect.report/1"
    for name in ("failure_modes", "cues"):
        del report[name]
    del report["data"]["duplicates"]
    repair = report["debugged"][0]["repairs"][0]
    for name in ("sentence", "classes", "cues"):
        del repair[name]
    repair["verdict"] = "hurts others"
    report["debugged"][0]["repairs"] = [repair]
    (session.root / "report.json").write_text(json.dumps(report))
    old = read_report(session)
    (found,) = old.repairs
    assert (found.verdict.outcome, found.verdict.comparisons, found.sentence) == ("hurts", (), "hurts others")
    assert (old.failure_modes, old.cues, old.data.duplicates.between_splits) == ((), (), ())
    assert old.evaluation.classes[0].name == "star"


def test_an_empty_report_keeps_to_the_schema():
    found = synthetic.findings()
    nothing = Evaluation("val", 0, (), None, None, ())
    empty = report_json(build_report(Findings(found.opened, found.config, {}, {}, nothing)))
    jsonschema.validate(empty, closed(SCHEMA))
    assert empty["evaluation"]["worst_group"] is None


def test_nan_becomes_null():
    found = synthetic.findings()
    (debugged,) = found.debugged
    row = replace(debugged.culprits.insufficient[0], importance=float("nan"))
    culprits = replace(debugged.culprits, insufficient=(row,))
    written = report_json(build_report(replace(found, debugged=(Debugged(culprits),))))
    assert written["debugged"][0]["neurons"]["insufficient"][0]["importance"] is None
    jsonschema.validate(written, SCHEMA)


def test_the_same_findings_give_the_same_bytes(tmp_path):
    texts = []
    for name in ("a", "b"):
        with Session.open(tmp_path / name) as session:
            found = synthetic.findings()
            synthetic.draw_pictures(session, found)
            write_reports(session, build_report(found), synthetic.samples())
            files = ("report.json", "report.html", "report.md", "classes.csv", "neurons.csv", "samples.csv")
            texts.append([session.path(file).read_bytes() for file in files])
    assert texts[0] == texts[1]


def test_findings_that_went_through_the_session_give_the_same_report(session):
    found = synthetic.findings()
    session.save("evaluation", found.evaluation)
    (debugged,) = found.debugged
    session.save("debugged", debugged)
    again = replace(
        found,
        evaluation=session.load("evaluation", Evaluation),
        debugged=(session.load("debugged", Debugged),),
    )
    assert json_text(report_json(build_report(again))) == json_text(report_json(build_report(found)))


def test_times_stand_in_their_places_only(report):
    def times(value, place=""):
        if isinstance(value, dict):
            return [found for key, item in value.items() for found in times(item, f"{place}.{key}")]
        if isinstance(value, list):
            return [found for item in value for found in times(item, place)]
        return [place] if "seconds" in place or "created" in place else []

    assert set(times(report)) == {".environment.created", ".environment.seconds", ".debugged.repairs.seconds"}


def test_reports_are_read_back(session, report):
    write_reports(session, build_report(synthetic.findings()), synthetic.samples())
    assert read_report(Session.view(session.root)) == build_report(synthetic.findings())
    assert json.loads((session.root / "report.json").read_text()) == report


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "{root} has no report yet"),
        ("{", "{root}/report.json is damaged (Expecting property name enclosed in double quotes"),
        ("[]", "{root}/report.json is not a report that this version can read"),
        ('{"schema": "neuroinspect.report/2"}', "{root}/report.json is damaged (model: Field required)"),
        (
            '{"schema": "neuroinspect.report/9"}',
            "{root}/report.json is not a report that this version can read",
        ),
    ],
)
def test_a_report_that_cannot_be_read_is_named(session, content, line):
    if content is not None:
        (session.root / "report.json").write_text(content)
    with pytest.raises(InputError) as caught:
        read_report(session)
    assert str(caught.value).startswith(line.format(root=session.root))
    assert str(caught.value).endswith("press e in the interface, to write one")
