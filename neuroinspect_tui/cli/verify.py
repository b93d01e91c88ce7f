"""`neuroinspect verify`: whether a repair's exported weights do what its verdict counted."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import ExitCode
from ..runtime.allocator import keep_freed_memory
from ..runtime.cpu import choose_threads
from ..runtime.imports import load_image_libraries
from ..text import safe


def verify_repair(folder: Path, number: int | None = None, as_json: bool = False) -> int:
    """Print what came of it and return the exit code: 1 where an image differs; raises InputError.

    The repair lies in `folder`, or is repair `number` of the session there.
    """
    keep_freed_memory()
    choose_threads(os.environ)
    load_image_libraries()
    from ..pipeline.verifying import repair_in, verify_here
    from ..session.stored import to_json
    from ..wording.verifications import differing_lines, verification_sentence

    def on_progress(done: int, total: int) -> None:
        if as_json:
            print(json.dumps({"done": done, "total": total}), flush=True)

    session, made = repair_in(folder, number)
    found = verify_here(session, made, on_progress)
    if as_json:
        print(json.dumps({"verification": to_json(found)}), flush=True)
    else:
        names = tuple(change.name for change in made.classes)
        for line in (verification_sentence(found), *differing_lines(found, names)):
            print(safe(line))
    return ExitCode.DONE if found.holds else ExitCode.CHECK_FAILED
