from neuroinspect_tui.session.journal import append_line, read_journal


def test_events_are_appended_and_followed(tmp_path):
    path = tmp_path / "journal.jsonl"
    assert read_journal(path) == ([], 0)
    append_line(path, {"event": "one"})
    append_line(path, {"event": "two", "name": "Übung\n\x1b"})
    entries, offset = read_journal(path)
    assert entries == [{"event": "one"}, {"event": "two", "name": "Übung\n\x1b"}]
    append_line(path, {"event": "three"})
    assert read_journal(path, offset) == ([{"event": "three"}], path.stat().st_size)


def test_a_torn_last_line_is_left_alone_until_it_is_whole(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event": "one"}\n{"event": "tw')
    entries, offset = read_journal(path)
    assert (entries, offset) == ([{"event": "one"}], 17)
    with path.open("ab") as file:
        file.write(b'o"}\n')
    assert read_journal(path, offset)[0] == [{"event": "two"}]


def test_appending_after_a_torn_line_loses_nothing_else(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event": "one"}\n{"event": "tw')
    append_line(path, {"event": "three"})
    assert path.read_bytes().startswith(b'{"event": "one"}\n{"event": "tw\n')
    assert read_journal(path)[0] == [{"event": "one"}, {"event": "three"}]


def test_lines_that_are_no_objects_are_passed_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'\x00\x00\x00\n[1]\n\xff\xfe\n{"event": "one"}\n')
    assert read_journal(path)[0] == [{"event": "one"}]
