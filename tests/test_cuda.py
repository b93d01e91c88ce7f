"""What runs on a GPU gives what it gives on the CPU; a GPU that is full makes it slower, not wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from neuroinspect_tui import jobs
from neuroinspect_tui.cli.main import app
from neuroinspect_tui.config import ComputeConfig
from neuroinspect_tui.data.transforms import Preprocess, as_pixels
from neuroinspect_tui.demo import demo_config
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.device import is_out_of_memory
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.pipeline.picturing import framed
from neuroinspect_tui.pipeline.pipeline import Pipeline
from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.stages.evaluation import evaluate_rows
from neuroinspect_tui.stages.illusion_optimizer import IllusionOptimizer, Pair
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import DEFAULT
from neuroinspect_tui.stages.repair.methods import fit, task_for
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import no_progress
from tests.benchmarks.networks import plain_resnet
from tests.stages.repair.worlds import CULPRITS, make_world

DEVICE = "cuda"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA"),
]


class Quiet:
    """A reporter to nobody."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def opened(folder: Path, compute: ComputeConfig) -> Pipeline:
    pipeline = Pipeline(replace(demo_config(), compute=compute), folder)
    for job in (jobs.Open(), jobs.Evaluate()):
        pipeline.run(job, Quiet())
    return pipeline


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    pipeline = opened(tmp_path_factory.mktemp("cpu") / "session", ComputeConfig(device="cpu"))
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module", params=["auto", "bf16"])
def on_gpu(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    compute = ComputeConfig(device=DEVICE, precision=request.param)
    pipeline = opened(tmp_path_factory.mktemp("gpu") / "session", compute)
    yield pipeline
    pipeline.close()


@pytest.fixture
def small_memory() -> Iterator[None]:
    """Leave this process half a gigabyte more of the GPU than it holds."""
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (1 << 29)) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def error_of(found: Tensor, wanted: Tensor) -> float:
    """‖found − wanted‖ / ‖wanted‖."""
    wanted = wanted.double()
    return float((found.double().cpu() - wanted).norm() / wanted.norm())


def half_as_exact(pipeline: Pipeline) -> float:
    """The error that its precision may make: of TF32 convolutions, or of bfloat16."""
    return 2e-3 if pipeline.project.dtype == torch.float32 else 2e-2


def test_features_and_predictions_are_those_of_the_cpu(on_cpu: Pipeline, on_gpu: Pipeline) -> None:
    own, wanted = (pipeline.project.features("val") for pipeline in (on_gpu, on_cpu))
    assert own.paths == wanted.paths
    assert error_of(own.features, wanted.features) < half_as_exact(on_gpu)
    assert error_of(own.top_logits, wanted.top_logits) < half_as_exact(on_gpu)
    assert (own.predicted == wanted.predicted).double().mean() > 0.98


def test_the_culprits_are_those_of_the_cpu(on_cpu: Pipeline, on_gpu: Pipeline) -> None:
    target = on_cpu.project.names.index("boat")
    own, wanted = (pipeline.run(jobs.FindCulprits(target), Quiet()) for pipeline in (on_gpu, on_cpu))
    assert [row.neuron for row in own.excessive[:3]] == [row.neuron for row in wanted.excessive[:3]]


def test_maps_and_clip_see_what_they_see_on_the_cpu(on_cpu: Pipeline, on_gpu: Pipeline) -> None:
    pixels = as_pixels(framed(on_cpu.project, range(8)))
    found = []
    for project in (on_gpu.project, on_cpu.project):
        images = project.preprocess.normalise(pixels.to(project.device))
        assert project.clip is not None
        maps = project.classifier.feature_map(images, torch.arange(16))
        found.append((maps.cpu(), project.clip.encode_image(pixels.to(project.device)).cpu()))
    (own_maps, own_embeddings), (maps, embeddings) = found
    assert error_of(own_maps, maps) < 2 * half_as_exact(on_gpu)
    assert ((own_embeddings * embeddings).sum(1) > 0.999).all()


def test_pictures_identify_their_neurons(on_gpu: Pipeline) -> None:
    target = on_gpu.project.names.index("boat")
    weight = on_gpu.project.head.weight[target]
    spread = on_gpu.project.features("val").features.float().std(0)
    neurons = tuple((weight * spread).argsort(descending=True)[:8].tolist())
    made = on_gpu.run(jobs.Illustrate(target, neurons, iters=64), Quiet())
    assert [picture.neuron for picture in made] == list(neurons)
    assert sum(picture.rank == 1 and picture.robust_ratio > 1 for picture in made) >= 7


def test_a_repair_is_worth_what_it_is_on_the_cpu(on_cpu: Pipeline, on_gpu: Pipeline) -> None:
    job = jobs.RepairHead(on_cpu.project.names.index("boat"), "ridge")
    own, wanted = (pipeline.run(job, Quiet()) for pipeline in (on_gpu, on_cpu))
    assert (own.verdict.outcome, own.before.split) == (wanted.verdict.outcome, "test") == ("helps", "test")
    assert own.after.accuracy == pytest.approx(wanted.after.accuracy, abs=0.02)


def test_what_the_gpu_says_when_it_is_full_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 45, device=DEVICE)
    assert is_out_of_memory(caught.value)


def test_a_batch_that_the_gpu_does_not_hold_is_halved(on_cpu: Pipeline, small_memory: None) -> None:
    split, preprocess = on_cpu.project.split, Preprocess(image_size=224)
    source = ModelSource("resnet18", plain_resnet(8))
    classifier = prepare(source, 8, 224, torch.device(DEVICE))
    wanted = evaluate_rows(classifier, split, preprocess, range(256), 16)
    torch.cuda.reset_peak_memory_stats()
    progress: list[int] = []
    found = evaluate_rows(
        classifier, split, preprocess, range(256), 256, on_progress=lambda done, total: progress.append(done)
    )
    assert progress[0] < 256, "all at once needs more than half a gigabyte"
    assert torch.equal(found.rows, wanted.rows)
    assert error_of(found.features, wanted.features) < 2e-3


def test_pictures_that_the_gpu_does_not_hold_are_painted_in_portions(small_memory: None) -> None:
    source = ModelSource("resnet18", plain_resnet(8))
    classifier = prepare(source, 8, 224, torch.device(DEVICE)).differentiable()
    pairs = [Pair(neuron, 0) for neuron in range(64)]
    seen = []
    for together in (64, 4):
        statistics = NeuronStatistics(torch.ones(512))
        optimizer = IllusionOptimizer(
            classifier, Preprocess(image_size=224), None, pairs, statistics, DEFAULT, together
        )
        optimizer.step(0)
        assert optimizer.batch_size < 64, "all at once need more than half a gigabyte"
        seen.append(optimizer.tracker.own.cpu())
    assert error_of(*seen) < 2e-3


@pytest.mark.parametrize("method", ["afr", "neurontune", "dfr"])
def test_a_head_is_fitted_as_on_the_cpu(method: RepairMethod) -> None:
    splits, head = make_world()
    task = task_for(method, plan_parts(splits, "val", {}), head, 0, CULPRITS, 0, no_progress)
    (own, score), (wanted, _) = fit(method, replace(task, device=torch.device(DEVICE))), fit(method, task)
    assert own.parameters == wanted.parameters
    assert score == task.score(own.head)
    torch.testing.assert_close(own.head.weight, wanted.head.weight, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(own.head.bias, wanted.head.bias, rtol=1e-2, atol=1e-3)


def test_the_doctor_names_the_gpu() -> None:
    answer = CliRunner().invoke(app, ["doctor"])
    assert f"cuda:0 {torch.cuda.get_device_name()}, " in " ".join(answer.stdout.split())


def test_processes_that_decode_change_nothing(
    on_gpu: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuroinspect_tui.data.loader.MANY_IMAGES", 1)
    compute = replace(on_gpu.project.config.compute, workers=6)
    pipeline = opened(tmp_path / "session", compute)
    own, wanted = (one.project.features("val") for one in (pipeline, on_gpu))
    pipeline.close()
    assert error_of(own.features, wanted.features.float()) < half_as_exact(on_gpu)
    assert own.paths == wanted.paths
