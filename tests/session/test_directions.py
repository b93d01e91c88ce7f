import torch

from neuroinspect_tui.session.directions import read_directions, write_directions
from neuroinspect_tui.session.store import Session

from . import synthetic


def test_directions_are_written_in_the_order_of_the_report(tmp_path):
    modes = synthetic.findings().failure_modes
    assert [mode.id for mode in modes] == [1, 3], "the larger mode comes second"
    directions = {1: torch.tensor([0.0, 1.0], dtype=torch.float64), 3: torch.tensor([2.0, -3.0])}
    with Session.open(tmp_path / "session") as session:
        assert read_directions(session) is None
        assert write_directions(session, modes, directions) == "failure_modes.safetensors"
        found = read_directions(session)
        assert found.dtype == torch.float32
        assert found.tolist() == [[2.0, -3.0], [0.0, 1.0]]
        write_directions(session, (), {})
        assert read_directions(session).numel() == 0
