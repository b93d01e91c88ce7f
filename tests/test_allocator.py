"""Memory that was freed is used again without a page fault for every page, also on other threads."""

import subprocess
import sys

import pytest

CODE = """
import resource, threading
if {kept}:
    from neuroinspect_tui.runtime.allocator import keep_freed_memory
    keep_freed_memory()
import torch
torch.set_num_threads(1)

def work():
    layers = [torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 16, 3), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers)
    images = torch.rand(16, 3, 160, 160)
    with torch.inference_mode():
        for _ in range(3):
            network(images)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            network(images)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def faults(kept: bool) -> int:
    """Page faults of five passes of a small network on a thread, whose activations have 26 MB each."""
    code = CODE.format(kept=kept)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_activations_use_the_memory_of_those_before() -> None:
    plain = faults(kept=False)
    if plain < 1000:
        pytest.skip("the kernel hands out large pages here")
    # The kernel takes pages back where memory is short: the fewest of three are what the setting does.
    assert min(faults(kept=True) for _ in range(3)) < plain / 10
