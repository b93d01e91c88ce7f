import json
import math
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.config import RunConfig
from neuroinspect_tui.results import (
    Cue,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    FailureMode,
    Illusion,
    Repair,
    Sample,
    Verdict,
)
from neuroinspect_tui.session.stored import from_json, to_json

from . import synthetic


@dataclass(frozen=True)
class Leaf:
    kind: Literal["a", "b"]
    rate: float | None
    pair: tuple[int, float]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    by_row: dict[int, str]
    mixed: dict[str, float | int | str]
    best: Leaf | None = None
    size: float = 1.0


leaves = st.builds(
    Leaf,
    st.sampled_from(["a", "b"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(st.text(st.characters(codec=None, exclude_categories=()))).map(tuple),
)
trees = st.builds(
    Tree,
    st.lists(leaves).map(tuple),
    st.dictionaries(st.integers(), st.text()),
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | leaves,
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(trees)
def test_every_value_comes_back_equal_through_json_text(tree):
    assert from_json(Tree, json.loads(json.dumps(to_json(tree), allow_nan=False))) == tree


def test_the_results_come_back_equal():
    found = synthetic.findings()
    debugged = found.debugged[0]
    for kind, value in (
        (RunConfig, found.config),
        (Evaluation, found.evaluation),
        (CulpritReport, debugged.culprits),
        (tuple[Illusion, ...], debugged.illusions),
        (tuple[Exemplar, ...], debugged.exemplars),
        (tuple[Repair, ...], debugged.repairs),
        (tuple[Sample, ...], tuple(synthetic.samples())),
        (tuple[FailureMode, ...], found.failure_modes),
        (tuple[Cue, ...], found.cues),
    ):
        assert from_json(kind, json.loads(json.dumps(to_json(value), allow_nan=False))) == value


def test_whole_numbers_keep_their_kind_but_in_a_float():
    tree = from_json(Tree, {"leaves": [], "by_row": {}, "mixed": {"k": 5, "s": 5.0}, "size": 3})
    assert json.dumps(tree.mixed) == '{"k": 5, "s": 5.0}'
    assert isinstance(tree.size, float)


def test_numbers_that_are_not_finite_become_null_and_come_back_as_nan():
    stored = to_json(Culprit(3, "excessive", 50.0, math.inf, math.nan, 0.0))
    assert (stored["importance"], stored["mended"]) == (None, None)
    back = from_json(Culprit, stored)
    assert math.isnan(back.importance) and math.isnan(back.mended) and back.mended_random == 0.0


def test_a_missing_key_takes_the_default_and_an_unknown_one_is_passed_over():
    stored = {"kind": "a", "rate": 1, "pair": [1, 2], "from_the_future": 3}
    leaf = from_json(Leaf, stored)
    assert leaf == Leaf("a", 1.0, (1, 2.0))
    assert isinstance(leaf.rate, float)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"kind": "c"}, "value.kind: Input should be 'a' or 'b'"),
        ({"rate": "high"}, "value.rate: Input should be a valid number, unable to parse string as a number"),
        ({"pair": [1]}, "value.pair.1: Field required"),
        ({"pair": [1, []]}, "value.pair.1: Input should be a valid number"),
        ({"names": {"0": "a"}}, "value.names: Input should be a valid tuple"),
        ({"names": ["a", 1]}, "value.names.1: Input should be a valid string"),
    ],
)
def test_what_does_not_fit_is_refused_by_place(change, line):
    with pytest.raises(ValueError) as caught:
        from_json(Leaf, {"kind": "a", "rate": None, "pair": [1, 2.0], **change})
    assert str(caught.value) == line


def test_a_missing_key_without_default_is_named():
    with pytest.raises(ValueError, match=r"^value\.pair: Field required$"):
        from_json(Leaf, {"kind": "a", "rate": None})


def test_other_objects_are_refused():
    with pytest.raises(ValueError, match="Unable to serialize unknown type"):
        to_json({"a": object()})


def test_nulls_deep_inside_come_back_as_nan_and_the_rest_stays():
    stored = {
        "leaves": [{"kind": "a", "rate": None, "pair": [1, None]}],
        "by_row": {"4": "x"},
        "mixed": {},
        "size": None,
    }
    tree = from_json(Tree, stored)
    assert tree.leaves[0].rate is None and math.isnan(tree.leaves[0].pair[1]) and math.isnan(tree.size)
    assert tree.by_row == {4: "x"}
    assert stored["size"] is None, "the given value is left alone"


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("helps", "helps"),
        ("hurts others", "hurts"),
        ("no better than the control", "no_better"),
        ("too few images to tell", "too_few"),
    ],
)
def test_a_repair_of_version_0_1_opens_with_its_outcome_and_no_comparisons(words, outcome):
    stored = to_json(replace(synthetic.repair(), request="ab12"))
    for name in ("choice", "classes", "cues"):
        del stored[name]
    old = from_json(Repair, {**stored, "verdict": words, "reason": "accuracy 84.0 → 90.0 %"})
    assert old.verdict == Verdict(outcome, ())
    assert old.request == "", "the same request is answered anew"
    assert (old.classes, old.cues, old.method, old.fixed) == ((), (), "ridge", 41)


def test_culprits_of_version_0_1_open_without_their_sentence():
    stored = to_json(Culprit(3, "excessive", 50.0, 1.0, 0.5, 0.0, spurious=0.4))
    del stored["pull"], stored["outside"]
    back = from_json(Culprit, {**stored, "spurious_reason": "pushes images of other classes"})
    assert (back.spurious, back.pull, back.outside) == (0.4, None, None)
