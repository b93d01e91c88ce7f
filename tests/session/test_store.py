import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from neuroinspect_tui.config import DataConfig, DebugConfig, ModelConfig, RepairConfig, RunConfig
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Concept, Evaluation, Illusion
from neuroinspect_tui.session.atomic import TEMPORARY
from neuroinspect_tui.session.lock import NAME, SessionLocked
from neuroinspect_tui.session.store import Session, list_sessions

from . import synthetic
from .tmpfs import run_on_tmpfs

HASHES = {"model": "m" * 40, "weights": "w" * 40, "manifest": "d" * 40}


@pytest.fixture
def session(tmp_path):
    with Session.open(tmp_path / "session") as opened:
        yield opened


def bind(session, **changes):
    session.bind(synthetic.findings().config, {**HASHES, **changes}, {"torch": "2.13"})


def test_a_new_session_has_its_index(session):
    index = json.loads((session.root / "session.json").read_text())
    assert index.pop("created").endswith("Z")
    assert index == {
        "schema": "neuroinspect.session/1",
        "config": None,
        "folder": "",
        "versions": {},
        "hashes": {},
        "stages": {},
    }
    assert session.config is None


def test_results_come_back_equal_after_reopening(tmp_path):
    found = synthetic.findings()
    with Session.open(tmp_path) as session:
        session.save("evaluation/val", found.evaluation)
        session.save("illusions/0", found.debugged[0].illusions)
        session.set_stage("evaluation/val", "done")
        bind(session)
    with Session.open(tmp_path) as session:
        assert session.load("evaluation/val", Evaluation) == found.evaluation
        assert session.load("illusions/0", tuple[Illusion, ...]) == found.debugged[0].illusions
        assert session.load("evaluation/test", Evaluation) is None
        assert session.saved("illusions/") == ("illusions/0",)
        assert session.saved() == ("evaluation/val", "illusions/0")
        assert session.stages == {"evaluation/val": "done"}
        assert session.config == found.config
        session.forget("illusions/0")
        session.forget("illusions/0")
        assert session.saved() == ("evaluation/val",)


def test_values_are_added_to_what_another_job_stored_meanwhile(session):
    def concept(neuron, label):
        return Concept(neuron, label, 0.5)

    def add(*found):
        return session.add("concepts", tuple[Concept, ...], found, lambda concept: concept.neuron)

    assert add(concept(7, "sky")) == (concept(7, "sky"),)
    assert add(concept(3, "sea"), concept(7, "air")) == (concept(3, "sea"), concept(7, "air"))
    assert session.load("concepts", tuple[Concept, ...]) == (concept(3, "sea"), concept(7, "air"))


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "a//b", "", "a b"])
def test_names_of_results_stay_inside(session, name):
    with pytest.raises(ValueError):
        session.save(name, {})


def test_a_resume_against_other_inputs_is_refused_with_the_options_that_changed(session):
    bind(session)
    bind(session)
    given = synthetic.findings().config
    other = replace(
        given, model=replace(given.model, weights="b.pt"), data=replace(given.data, classes="names.txt")
    )
    with pytest.raises(InputError) as caught:
        session.bind(other, {**HASHES, "model": "m", "data": "d"}, {})
    assert str(caught.value) == (
        f"{session.root} was made from other inputs (--classes none → names.txt, -w {given.model.weights} → b.pt): "
        "choose another directory with -o, or give the inputs of that session"
    )
    assert session.hashes == HASHES


def test_the_same_options_with_other_files_behind_them_are_refused(session):
    bind(session)
    with pytest.raises(InputError) as caught:
        bind(session, data="d" * 64)
    assert f"{session.root} was made from other inputs (what -d names has changed): choose" in str(
        caught.value
    )


def test_other_options_may_change_between_runs(session):
    bind(session)
    config = synthetic.findings().config
    changed = replace(config, debug=replace(config.debug, iters=128))
    session.bind(changed, HASHES, {})
    assert session.config == changed


def test_a_second_writer_is_refused_while_a_reader_is_not(session):
    with pytest.raises(SessionLocked):
        Session.open(session.root)
    assert not Session.view(session.root).writable
    session.close()
    with Session.open(session.root) as again:
        assert again.writable


def test_a_new_session_whose_inputs_were_refused_leaves_nothing(tmp_path):
    def use(name, refused, bound=False):
        session = Session.open(tmp_path / name)
        session.journal("failed")
        if bound:
            bind(session)
        session.close(refused)

    use("new", refused=True)
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "log.txt").touch()
    use("mine", refused=True)
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["log.txt"]
    use("interrupted", refused=False)
    use("interrupted", refused=True)
    assert (tmp_path / "interrupted" / "session.json").is_file(), "it was there before"
    use("bound", refused=True, bound=True)
    assert Session.view(tmp_path / "bound").hashes == HASHES


def test_opening_cleans_up_after_a_killed_writer(tmp_path):
    with Session.open(tmp_path) as session:
        bind(session)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / f"{TEMPORARY}1").write_text("half")
    with Session.open(tmp_path):
        assert not any((tmp_path / "state").iterdir())


def test_files_of_others_in_a_new_session_directory_are_left_alone(tmp_path):
    (tmp_path / f"{TEMPORARY}mine").write_text("")
    with Session.open(tmp_path):
        assert (tmp_path / f"{TEMPORARY}mine").exists()


def test_viewing_what_is_no_session_is_refused(tmp_path):
    for open_it in (Session.view, lambda root: Session.open(root, create=False)):
        with pytest.raises(InputError) as caught:
            open_it(tmp_path / "nowhere")
        assert str(caught.value) == (
            f"{tmp_path}/nowhere is not a session: give a directory that neuroinspect wrote with -o"
        )
    assert not (tmp_path / "nowhere").exists()


def test_an_unwritable_place_is_refused_and_leaves_no_lock(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        Session.open(tmp_path / "file" / "session")
    assert str(caught.value) == (
        f"cannot create {tmp_path}/file/session (File exists): "
        "a file is in the way: choose another directory with -o"
    )


READ_ONLY = """
import sys
from pathlib import Path
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session.store import Session
try:
    Session.open(Path(sys.argv[1]))
except InputError as error:
    print(error)
"""


def test_a_read_only_directory_is_refused_in_one_line(tmp_path):
    assert run_on_tmpfs(tmp_path, "ro", READ_ONLY) == (
        f"cannot write {tmp_path} (Read-only file system): choose a directory that you may write to with -o\n"
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "is damaged (Expecting property name"),
        ('{"schema": "other/1"}', "is not a session of neuroinspect"),
        ("[]", "is not a session of neuroinspect"),
        ('{"schema": "neuroinspect.session/99"}', "was written by a newer neuroinspect (format 99): upgrade"),
    ],
)
def test_an_index_that_cannot_be_used_is_named(tmp_path, content, line):
    (tmp_path / "session.json").write_text(content)
    with pytest.raises(InputError) as caught:
        Session.open(tmp_path)
    assert f"{tmp_path}/session.json {line}" in str(caught.value)
    assert not (tmp_path / NAME).exists()


def test_a_damaged_result_is_named(session):
    path = session.root / "state" / "evaluation.json"
    path.parent.mkdir()
    path.write_text('{"split": 3}')
    with pytest.raises(InputError) as caught:
        session.load("evaluation", Evaluation)
    assert str(caught.value) == (
        f"{path} is damaged (value.split: Input should be a valid string): delete it: it is made anew by the next run"
    )


def test_paths_do_not_leave_the_session(session, tmp_path):
    (session.root / "link").symlink_to(tmp_path)
    for relative in ("../secret", "/etc/passwd", "a/../../secret", "link/secret"):
        with pytest.raises(InputError, match="lies outside the session"):
            session.path(relative)
    assert session.path("illusions/1.png") == session.root / "illusions" / "1.png"


def test_pictures_are_png(session):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert session.write_png("illusions/0/5.png", pixels) == "illusions/0/5.png"
    session.write_png("same.png", Image.fromarray(pixels))
    with Image.open(session.path("illusions/0/5.png")) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), pixels)
    assert session.path("same.png").read_bytes() == session.path("illusions/0/5.png").read_bytes()


def test_repairs_are_numbered_on(session):
    assert session.repair_directory("ridge") == (1, session.root / "repairs" / "1-ridge")
    assert session.repair_directory("paper")[0] == 2
    (session.root / "repairs" / "1-ridge").rmdir()
    assert session.repair_directory("dfr") == (3, session.root / "repairs" / "3-dfr")


def test_the_journal_keeps_events_with_their_time(session):
    session.journal("stage", name="evaluation", rows=(1, 2))
    (entry,), offset = session.events()
    assert entry.pop("time") > 1.7e9
    assert entry == {"event": "stage", "name": "evaluation", "rows": [1, 2]}
    assert session.events(offset) == ([], offset)


def test_sessions_are_listed_last_written_first(tmp_path):
    for name in ("old", "new"):
        with Session.open(tmp_path / name) as session:
            bind(session)
            session.set_stage("evaluation/val", "done")
    (tmp_path / "other").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "session.json").write_text("{")
    os.utime(tmp_path / "old" / "session.json", (1, 1))
    with Session.open(tmp_path / "new"):
        new, old = list_sessions(tmp_path)
    assert (new.root.name, new.busy, old.root.name, old.busy) == ("new", True, "old", False)
    assert (old.model, old.data, old.split) == ("demo.py:network", "manifest.csv", "val")
    assert (old.stages, old.updated) == ({"evaluation/val": "done"}, 1)
    assert list_sessions(tmp_path / "nowhere") == ()


def test_a_copied_session_opens_elsewhere(tmp_path):
    with Session.open(tmp_path / "a") as session:
        session.save("evaluation", synthetic.evaluation())
        shutil.copytree(tmp_path / "a", tmp_path / "b")
    with Session.open(tmp_path / "c"):
        pass
    (tmp_path / "b" / NAME).write_text(
        json.dumps({"pid": 0, "host": socket.gethostname(), "started": "gone"})
    )
    with Session.open(tmp_path / "b") as copy:
        assert copy.load("evaluation", Evaluation) == synthetic.evaluation()
    text = "".join(path.read_text() for path in (tmp_path / "b").rglob("*.json"))
    assert str(tmp_path) not in text


def test_reading_a_session_imports_no_torch_and_no_numpy():
    code = (
        "import sys\nimport neuroinspect_tui.session.store, neuroinspect_tui.session.report\n"
        "print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


KILLED = """
import sys
from pathlib import Path
from neuroinspect_tui.session.store import Session
with Session.open(Path(sys.argv[1])) as session:
    print("open", flush=True)
    for number in range(10**6):
        session.save("value", {"number": number, "padding": ["x" * 100] * 50})
        session.set_stage("count", str(number))
        session.journal("saved", number=number)
"""


@pytest.mark.parametrize("moment", range(20))
def test_a_kill_loses_nothing_that_was_finished(tmp_path, moment):
    child = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.0173 * moment)
    child.kill()
    child.communicate()
    with Session.open(tmp_path) as session:
        value = session.load("value", dict[str, int | list[str]]) or {"number": -1}
        assert value["number"] - int(session.stages.get("count", -1)) in (0, 1)
        numbers = [entry["number"] for entry in session.events()[0]]
        assert numbers == list(range(len(numbers)))
        assert value["number"] - len(numbers) in (-1, 0)
        assert not list(tmp_path.rglob(f"{TEMPORARY}*"))


def test_paths_of_a_session_hold_in_another_folder(tmp_path, monkeypatch):
    given, elsewhere = tmp_path / "given", tmp_path / "elsewhere"
    for folder in (given / "data", elsewhere):
        folder.mkdir(parents=True)
    for name in ("net.py", "w.pt", "clip.pt", "tags.csv"):
        (given / name).touch()
    config = RunConfig(
        ModelConfig("net.py:build", "w.pt"),
        DataConfig("data", classes="gone.txt"),
        debug=DebugConfig(clip="ViT-B-32:clip.pt"),
        repair=RepairConfig(tags="tags.csv"),
    )
    monkeypatch.chdir(given)
    with Session.open(tmp_path / "session") as session:
        session.bind(config, HASHES, {})
        assert session.config == config
    monkeypatch.chdir(elsewhere)
    found = Session.view(tmp_path / "session").config
    assert (found.model.spec, found.model.weights) == (f"{given}/net.py:build", f"{given}/w.pt")
    assert (found.data.source, found.data.classes) == (f"{given}/data", "gone.txt")
    assert (found.debug.clip, found.repair.tags) == (f"ViT-B-32:{given}/clip.pt", f"{given}/tags.csv")
