from contextlib import nullcontext

import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.device import (
    autocast,
    by_halves,
    choose_device,
    choose_painting_precision,
    choose_precision,
    describe,
    is_out_of_memory,
)


@pytest.fixture
def bare(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_auto_takes_the_cpu_where_there_is_nothing_else(bare):
    assert choose_device("auto") == torch.device("cpu")


def test_auto_prefers_cuda(two_gpus):
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("cuda", "--device cuda is not there: use --device auto or cpu"),
        ("mps", "--device mps is not there: use --device auto or cpu"),
        ("cuda:x", "--device 'cuda:x' is not a device: write auto, cpu, cuda, cuda:1 or mps"),
        ("gpu", "--device 'gpu' is not known: did you mean \"cpu\"? use one of auto, cpu, cuda, mps"),
    ],
)
def test_a_device_that_is_not_there_is_refused_in_one_line(bare, name, line):
    with pytest.raises(InputError) as error:
        choose_device(name)
    assert str(error.value) == line


def test_an_index_past_the_last_gpu_is_refused(two_gpus):
    with pytest.raises(InputError) as error:
        choose_device("cuda:2")
    assert str(error.value) == "--device cuda:2 is not there: there are 2, counted from cuda:0"


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_automatic_precision(monkeypatch, supported, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: supported)
    assert choose_painting_precision(torch.device("cuda")) == dtype
    assert choose_painting_precision(torch.device("cpu")) == torch.float32
    assert choose_painting_precision(torch.device("mps")) == torch.float32
    assert choose_painting_precision(torch.device("cuda"), "fp32") == torch.float32
    assert choose_painting_precision(torch.device("cpu"), "fp16") == torch.float16


def test_what_is_measured_is_measured_in_single_precision_unless_told():
    assert choose_precision() == choose_precision("fp32") == torch.float32
    assert choose_precision("bf16") == torch.bfloat16


def test_autocast_computes_in_the_type_and_leaves_float32_alone():
    layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    assert isinstance(autocast(torch.device("cpu"), torch.float32), nullcontext)
    with autocast(torch.device("cpu"), torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered (out of memory?)"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


def test_a_real_failed_allocation_counts_as_out_of_memory():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**61, dtype=torch.uint8)
    assert is_out_of_memory(error.value)


def test_work_that_does_not_fit_is_done_by_halves():
    sizes = []

    def work(values, weights):
        if len(values) > 3:
            raise torch.OutOfMemoryError("no")
        sizes.append(len(values))
        return values * weights, values + weights

    values, weights = torch.arange(10.0), torch.arange(10.0) % 3
    product, total = by_halves(work, values, weights)
    assert sizes == [2, 3, 2, 3]
    assert torch.equal(product, values * weights) and torch.equal(total, values + weights)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no"), RuntimeError("illegal memory access")])
def test_work_that_cannot_be_done_by_halves_says_why(error):
    def work(values):
        raise error

    with pytest.raises(RuntimeError) as caught:
        by_halves(work, torch.ones(4))
    assert caught.value is error


def test_describe_names_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Card {index}")
    assert describe(torch.device("cuda:1")) == "cuda:1 Card 1"
    assert describe(torch.device("cpu")) == "cpu"
