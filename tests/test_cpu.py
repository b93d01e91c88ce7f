"""How many cores may be used, and that the user's own settings stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroinspect_tui.runtime.cpu import WAITING, choose_threads, cpu_quota, usable_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_tightest_quota_of_the_groups_above_counts(tmp_path: Path) -> None:
    write(tmp_path / "a/b/cpu.max", "max 100000\n")
    write(tmp_path / "a/cpu.max", "150000 100000\n")
    assert cpu_quota("0::/a/b\n", tmp_path) == 1.5
    assert cpu_quota("0::/c\n", tmp_path) is None


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    write(tmp_path / "cpu/job/cpu.cfs_quota_us", "250000")
    write(tmp_path / "cpu/job/cpu.cfs_period_us", "100000")
    assert cpu_quota("4:cpu,cpuacct:/job\n3:memory:/job\n", tmp_path) == 2.5
    write(tmp_path / "cpu/job/cpu.cfs_quota_us", "-1")
    assert cpu_quota("4:cpu,cpuacct:/job\n", tmp_path) is None


def test_affinity_and_quota_limit_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.process_cpu_count", lambda: 64, raising=False)
    monkeypatch.setattr("neuroinspect_tui.runtime.cpu.cpu_quota", lambda: None)
    assert usable_cores() == 4
    monkeypatch.setattr("neuroinspect_tui.runtime.cpu.cpu_quota", lambda: 1.5)
    assert usable_cores() == 2
    monkeypatch.setattr("neuroinspect_tui.runtime.cpu.cpu_quota", lambda: 0.1)
    assert usable_cores() == 1


def test_the_users_settings_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.runtime.cpu.usable_cores", lambda: 4)
    environment: dict[str, str] = {}
    choose_threads(environment, spared=1)
    assert environment == {"OMP_NUM_THREADS": "3", **WAITING}
    environment = {"OMP_NUM_THREADS": "7", "OMP_WAIT_POLICY": "ACTIVE"}
    choose_threads(environment)
    assert environment == {"OMP_NUM_THREADS": "7", "OMP_WAIT_POLICY": "ACTIVE"}
