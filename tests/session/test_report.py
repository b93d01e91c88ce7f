import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Evaluation
from neuroinspect_tui.session import report as report_module
from neuroinspect_tui.session.report import Debugged, Findings, build_report, read_report, write_reports
from neuroinspect_tui.session.store import Session

from . import synthetic

SCHEMA = json.loads((Path(report_module.__file__).parent / "schema" / "report.schema.json").read_text())


@pytest.fixture
def report():
    return build_report(synthetic.findings())


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
        (("schema",), "neuroinspect.report/2"),
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
        "worst_group": {"column": "background", "value": "grass", "class": "star", "accuracy": 0.78},
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


def test_an_empty_report_keeps_to_the_schema():
    found = synthetic.findings()
    nothing = Evaluation("val", 0, (), None, None, ())
    empty = build_report(Findings(found.opened, found.config, {}, {}, nothing))
    jsonschema.validate(empty, closed(SCHEMA))
    assert empty["evaluation"]["worst_group"] is None


def test_nan_becomes_null():
    found = synthetic.findings()
    (debugged,) = found.debugged
    row = replace(debugged.culprits.insufficient[0], importance=float("nan"))
    culprits = replace(debugged.culprits, insufficient=(row,))
    written = build_report(replace(found, debugged=(Debugged(culprits),)))
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
    assert json.dumps(build_report(again)) == json.dumps(build_report(found))


def test_times_stand_in_their_places_only(report):
    def times(value, place=""):
        if isinstance(value, dict):
            return [found for key, item in value.items() for found in times(item, f"{place}.{key}")]
        if isinstance(value, list):
            return [found for item in value for found in times(item, place)]
        return [place] if "seconds" in place or "created" in place else []

    assert set(times(report)) == {".environment.created", ".environment.seconds", ".debugged.repairs.seconds"}


def test_reports_are_read_back(session, report):
    write_reports(session, report, synthetic.samples())
    assert read_report(Session.view(session.root)) == report


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "{root} has no report yet"),
        ("{", "{root}/report.json is damaged (Expecting property name enclosed in double quotes"),
        ("[]", "{root}/report.json is no report that this version can read"),
        ('{"schema": "neuroinspect.report/9"}', "{root}/report.json is no report that this version can read"),
    ],
)
def test_a_report_that_cannot_be_read_is_named(session, content, line):
    if content is not None:
        (session.root / "report.json").write_text(content)
    with pytest.raises(InputError) as caught:
        read_report(session)
    assert str(caught.value).startswith(line.format(root=session.root))
    assert str(caught.value).endswith("press e in the interface, to write one")
