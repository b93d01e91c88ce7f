import logging
import socket
from urllib.parse import urlsplit

import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models import downloads
from neuroinspect_tui.models.downloads import from_hub, from_url, reachable

URL = "https://host.example/models/net.pth"


@pytest.fixture
def no_proxy(monkeypatch):
    monkeypatch.setattr(downloads.urllib.request, "getproxies", dict)


@pytest.fixture
def off_line(monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "reachable", lambda url: False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path


def test_a_listening_host_is_reachable_and_a_closed_one_is_not(no_proxy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/x"
        assert reachable(url)
    assert not reachable(url)


def test_behind_a_proxy_the_attempt_decides(monkeypatch):
    monkeypatch.setattr(downloads.urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    assert reachable("https://no.such.host.example")


def test_off_line_nothing_is_tried_from_a_url(off_line):
    tried = []
    with pytest.raises(InputError) as error, from_url(URL, "the weights", "bring some"):
        tried.append(1)
    assert str(error.value) == "the weights could not be downloaded: host.example is out of reach: bring some"
    assert tried == []


def test_what_was_kept_is_used_off_line(off_line):
    (off_line / "checkpoints").mkdir()
    (off_line / "checkpoints" / "net.pth").write_bytes(b"kept")
    with from_url(URL, "the weights", "bring some"):
        pass


def test_off_line_the_hub_may_use_its_cache_and_its_switch_is_put_back(off_line):
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    with from_hub("the weights", "bring some"):
        assert constants.HF_HUB_OFFLINE is True
    with pytest.raises(InputError) as error, from_hub("the weights", "bring some"):
        raise FileNotFoundError("not in the cache")
    host = urlsplit(constants.ENDPOINT).hostname
    assert str(error.value) == f"the weights could not be downloaded: {host} is out of reach: bring some"
    assert constants.HF_HUB_OFFLINE is before


def test_what_was_not_asked_for_is_not_even_probed(monkeypatch):
    monkeypatch.setattr(downloads, "reachable", lambda url: pytest.fail("asked the network"))
    with (
        pytest.raises(InputError, match=r"^it could not be opened: two lines: x$"),
        from_hub("it", "x", asked=False),
    ):
        raise ValueError("two\nlines")


def test_retries_are_not_shown(off_line, caplog):
    with from_hub("the weights", "bring some"):
        logging.getLogger("huggingface_hub").warning("Retrying")
    logging.getLogger("huggingface_hub").warning("after")
    assert [record.message for record in caplog.records] == ["after"]
