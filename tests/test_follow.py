"""Following a session that another process works in, and taking it over."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.events import (
    Elsewhere,
    Event,
    Failed,
    Finished,
    Note,
    Progress,
    Reporter,
    Started,
    Stopped,
)
from neuroinspect_tui.pipeline.journalling import journalled
from neuroinspect_tui.results import (
    Carried,
    ClassRef,
    Concept,
    Cue,
    DifferingImage,
    Evaluation,
    Exemplar,
    FailureMode,
    Illusion,
    MoreImages,
    Prescription,
    ProbeQuality,
    Pull,
    Repair,
    SampledCell,
    SplitDuplicates,
    StressResult,
    TagCounts,
    Verification,
    states,
)
from neuroinspect_tui.results.stored_cues import StoredCue
from neuroinspect_tui.resume import follow
from neuroinspect_tui.resume.restore import saved_state
from neuroinspect_tui.runtime.worker import Worker
from neuroinspect_tui.session.lock import Holder
from neuroinspect_tui.session.store import Session
from tests.tui.fake_worker import culprits as fake_culprits
from tests.tui.fake_worker import opened as fake_opened
from tests.tui.fake_worker import repair as fake_repair

CONFIG = RunConfig(ModelConfig("m"), DataConfig("d"))
EVALUATION = Evaluation("val", 4, (), 0.5, 0.5, ())


class Echo:
    """A runner whose jobs yield their own name."""

    def run(self, job: jobs.Job, reporter: Reporter) -> Any:
        return type(job).__name__

    def close(self) -> None:
        return None


class Other:
    """Another process, as the test plays it: at work until `ended`."""

    def __init__(self, root: Path) -> None:
        self.session = Session.open(root)
        self.ended = False
        self.followers: list[follow.Follower] = []

    def holder(self, directory: Path) -> Holder | None:
        return None if self.ended else Holder(4321, "elsewhere", "x")

    def end(self) -> None:
        self.session.close()
        self.ended = True


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    made = Other(tmp_path / "session")
    monkeypatch.setattr(follow, "_worker_elsewhere", made.holder)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.01)
    yield made
    for follower in made.followers:
        follower.close()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


def begin(other: Other, events: queue.SimpleQueue[Event]) -> follow.Follower:
    past = follow.journal_of_another(other.session.root)
    assert past is not None
    begun = follow.Follower(other.session.root, CONFIG, past, lambda heard: Worker(Echo, heard), events.put)
    other.followers.append(begun)
    return begun


def heard(events: queue.SimpleQueue[Event], count: int) -> list[Event]:
    return [events.get(timeout=10) for _ in range(count)]


def test_a_session_that_nobody_works_in_is_not_followed(tmp_path: Path) -> None:
    with Session.open(tmp_path / "session"):
        pass
    assert follow.journal_of_another(tmp_path / "session") is None
    assert follow.journal_of_another(tmp_path / "nowhere") is None


def test_what_the_other_process_does_is_told_with_its_results(other: Other, events: Any) -> None:
    other.session.journal("started", job="Open")
    other.session.journal("finished", job="Open")
    other.session.journal("started", job="Evaluate", split=None)
    follower = begin(other, events)
    there, said, begun = heard(events, 3)
    assert there == Elsewhere("4321")
    assert isinstance(said, Note) and said.level == "warning"
    assert said.text.startswith("process 4321 on elsewhere works in this session")
    assert begun == Started(jobs.Evaluate())
    other.session.journal("progress", job="Evaluate", done=2, total=4, unit="images", seconds=1.5)
    assert heard(events, 1) == [Progress(jobs.Evaluate(), 2, 4, "images", 1.5)]
    other.session.save(jobs.Evaluate("val").key(CONFIG), EVALUATION)
    other.session.journal("finished", job="Evaluate")
    assert heard(events, 1) == [Finished(jobs.Evaluate(), EVALUATION)]
    other.session.journal("started", job="Illustrate", target=1, neurons=[3, 5], iters=None, pictures=2)
    other.session.journal("stopped", job="Illustrate")
    painting = jobs.Illustrate(1, (3, 5), None, 2)
    assert heard(events, 2) == [Started(painting), Stopped(painting)]
    other.session.journal("started", job="FindCulprits", target=9)
    other.session.journal("failed", job="FindCulprits", line="no: way", detail="", bad_input=True)
    culprits = jobs.FindCulprits(9)
    assert heard(events, 2) == [Started(culprits), Failed(culprits, "no: way", "", True)]
    assert follower.close()
    other.end()


def test_what_was_asked_for_is_done_when_the_other_process_has_ended(other: Other, events: Any) -> None:
    other.session.journal("started", job="Evaluate", split="train")
    follower = begin(other, events)
    follower.submit(jobs.Open())
    follower.submit(jobs.WriteReport())
    heard(events, 3)
    other.end()
    stopped, gone, said, *rest = heard(events, 7)
    assert stopped == Stopped(jobs.Evaluate("train"))
    assert gone == Elsewhere("")
    assert isinstance(said, Note) and said.text == "the other process has ended: this session is yours"
    assert rest == [
        Started(jobs.Open()),
        Finished(jobs.Open(), "Open"),
        Started(jobs.WriteReport()),
        Finished(jobs.WriteReport(), "WriteReport"),
    ]
    follower.submit(jobs.Evaluate())
    assert heard(events, 2)[1] == Finished(jobs.Evaluate(), "Evaluate")
    assert follower.close()


def test_a_session_that_has_only_begun_is_followed_too(other: Other, events: Any) -> None:
    (other.session.root / "session.json").unlink()
    follower = begin(other, events)
    assert isinstance(heard(events, 2)[1], Note)
    other.session.set_stage("x", "done")
    other.session.journal("started", job="Open")
    assert heard(events, 1) == [Started(jobs.Open())]
    assert follower.close()
    other.end()


def test_a_result_that_cannot_be_read_is_told_and_the_session_taken_over(other: Other, events: Any) -> None:
    follower = begin(other, events)
    heard(events, 2)
    other.session.journal("started", job="Evaluate", split=None)
    damaged = other.session.root / "state" / f"{jobs.Evaluate('val').key(CONFIG)}.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    other.session.journal("finished", job="Evaluate")
    other.session.journal("progress", job="Evaluate")
    begun, told = heard(events, 2)
    assert begun == Started(jobs.Evaluate())
    assert isinstance(told, Note) and told.text.startswith(
        "what the other process found cannot be read here: "
    )
    other.end()
    assert isinstance(heard(events, 2)[1], Note)
    follower.submit(jobs.Open())
    assert heard(events, 2)[1] == Finished(jobs.Open(), "Open")


def replay(session: Session, job: jobs.Job, answer: object) -> dict[str, Any]:
    """Do `job` as the pipeline of another process would; return the last entry of the journal."""
    if job.key(CONFIG) == states.CUES:
        session.save(states.CUES, STORED_CUES)
    elif job.key(CONFIG) is not None:
        session.save(job.key(CONFIG), answer)
    elif isinstance(answer, Repair):
        session.save(states.repair(answer.number), answer)
    heard: Any = SimpleNamespace(job=job)
    assert journalled(session, job, heard, lambda reporter: answer) is answer
    return session.events()[0][-1]


PROBE = ProbeQuality(0.75, False, 3, 1, 2, more=8)
STORED_CUES = (
    StoredCue("sky", left_out=True),
    StoredCue(
        "water", "mode", "2", tags={"val": {"a.png": "has", "b.png": "not", "c.png": "has"}}, probe=PROBE
    ),
)
VERIFICATION = Verification(
    4, "repairs/4-ridge/model.pt", "test", 9, 8, 0.75, 0.625, (DifferingImage("a.png", 0, 1, None),)
)
PRESCRIPTION = Prescription(
    4,
    "train",
    ("water",),
    20.0,
    (SampledCell(0, ("has",), 9, 2, 1.5, 0.25),),
    (MoreImages(0, "water", "not", 20, 30, 60, 0.09, (0.05, 0.13)),),
    "repairs/4-ridge/prescription",
)
WATER = Cue("water", TagCounts(2, 1), "mode", "2", PROBE)
CUES = (Cue("sky", TagCounts(), left_out=True), WATER)
CASES: list[tuple[jobs.Job, object]] = [
    (jobs.Open(), fake_opened()),
    (jobs.Evaluate("test"), EVALUATION),
    (jobs.FindDuplicates(), (SplitDuplicates("train", "test", 1, (("a.png", "b.png"),)),)),
    (
        jobs.FindFailureModes(),
        (FailureMode(0, None, None, False, False, 3, 1.0, (), (), Carried((2, 3), (0, 9), 0.05)),),
    ),
    (
        jobs.ExamineFailureModes(),
        (FailureMode(0, None, None, False, False, 3, 1.0, (), (), Carried((2, 3), (0, 9), 0.05)),),
    ),
    (
        jobs.RunStress(),
        StressResult("val", 9, ("blur", "mode 0"), (Pull("mode 0", 1, 6, 4, 1, 0.5, 0.03, 0),)),
    ),
    (jobs.FindCulprits(1), fake_culprits(1)),
    (jobs.FindExemplars(1, 7), (Exemplar(7, "class", "a.png", 1, 8.5, 2.0, "a.png"),)),
    (jobs.NameNeurons(1, (7,)), (Concept(7, "sky", 0.3),)),
    (
        jobs.Illustrate(1, (7,)),
        (Illusion(7, ClassRef(1, "b"), 0, "x.png", None, 1.0, 1.0, 1.0, 1, 0.5, 1.0, None, None),),
    ),
    (jobs.SetTag("val", 3, "has", "water"), WATER),
    (jobs.ListCues(), CUES),
    (jobs.AddCue("water", "mode", "2"), CUES),
    (jobs.RenameCue("lake", "water"), CUES),
    (jobs.MergeCues("lake", "water"), CUES),
    (jobs.ClearCue("sky"), CUES),
    (jobs.LeaveOutCue("sky"), CUES),
    (jobs.RepairHead(0, "ridge"), fake_repair(4, jobs.RepairHead(0, "ridge"))),
    (jobs.ExportRepair(4), fake_repair(4, jobs.RepairHead(0, "ridge"))),
    (jobs.VerifyRepair(4), VERIFICATION),
    (jobs.Prescribe(4), PRESCRIPTION),
    (jobs.DiscardRepair(4), 4),
    (jobs.WriteReport(), "/out"),
]


@pytest.mark.parametrize(("job", "answer"), CASES, ids=lambda value: type(value).__name__)
def test_a_follower_finds_the_very_answer(tmp_path: Path, job: jobs.Job, answer: object) -> None:
    with Session.open(tmp_path) as session:
        entry = replay(session, job, answer)
        assert follow.answer_of(session, CONFIG, job, entry) == answer


def test_every_job_is_followed_or_private() -> None:
    followed = {type(job) for job, _ in CASES}
    public = {kind for kind in jobs.Job.kinds.values() if not kind.private}
    assert followed == {kind for kind in public if kind.__module__.startswith(jobs.__name__)}


def test_the_repair_that_was_made_is_the_one_reported_not_the_newest(tmp_path: Path) -> None:
    with Session.open(tmp_path) as session:
        first, second = (fake_repair(number, jobs.RepairHead(0, "ridge")) for number in (1, 2))
        session.save(states.repair(2), second)
        entry = replay(session, jobs.RepairHead(0, "ridge"), first)
        assert follow.answer_of(session, CONFIG, jobs.RepairHead(0, "ridge"), entry) == first


def test_culprits_have_their_concepts_whether_followed_or_reopened(other: Other, events: Any) -> None:
    report, job = fake_culprits(1), jobs.FindCulprits(1)
    neuron = report.insufficient[0].neuron
    session = other.session
    session.save(jobs.Open().key(CONFIG), fake_opened())
    session.save(jobs.NameNeurons(1).key(CONFIG), (Concept(neuron, "trellis", 0.31, 0.9),))
    begin(other, events)
    heard(events, 2)
    replay(session, job, report)
    begun, finished = heard(events, 2)
    assert begun == Started(job) and isinstance(finished, Finished)
    (reopened,) = [answer for answer in saved_state(CONFIG, session.root).answers if answer.job == job]
    assert finished == reopened
    named = finished.value.insufficient[0]
    assert (named.concept, named.concept_score, named.spurious) == ("trellis", 0.31, 0.9)
    other.end()


def test_private_answers_are_not_reported(other: Other, events: Any) -> None:
    begin(other, events)
    heard(events, 2)
    for entry in ("started", "finished"):
        other.session.journal(entry, job="ListSamples", target=1, predicted=None, only_mistakes=True)
    other.session.journal("started", job="Open")
    assert heard(events, 1) == [Started(jobs.Open())]
    other.end()
