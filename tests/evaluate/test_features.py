from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hsi.evaluate.features import FeatureNetwork
from hsi.model.checkpoint import load_tensors
from hsi.model.vgg import vgg19_encoder
from hsi.runtime.errors import EngineError, OptionError, SourceError
from hsi.runtime.frame import Image

Invented = Callable[..., Image]


def test_levels_are_those_of_the_encoder_for_bgr_planes(vgg: Path, invented: Invented) -> None:
    picture = invented(3, 64, 64)
    encoder = vgg19_encoder()
    encoder.load_convs(load_tensors(vgg), "vgg.pth")
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255

    levels = FeatureNetwork(vgg, "cpu").levels(picture)

    assert [tuple(level.shape) for level in levels] == [
        (64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8),
    ]  # fmt: skip
    with torch.no_grad():
        for level, expected in zip(levels, encoder(planes), strict=True):
            torch.testing.assert_close(level, expected[0])


def test_another_network_s_file_is_refused(tmp_path: Path) -> None:
    torch.save({"0.weight": torch.zeros(3, 3, 1, 1), "0.bias": torch.zeros(3)}, tmp_path / "a.pth")

    with pytest.raises(SourceError, match=r"a\.pth: expected VGG-19 normalised as AdaIN's with 10"):
        FeatureNetwork(tmp_path / "a.pth")


def test_an_unknown_device_is_refused(vgg: Path) -> None:
    with pytest.raises(OptionError, match="--device must be one torch has here, got 'abacus'"):
        FeatureNetwork(vgg, "abacus")
    with pytest.raises(OptionError, match="--device must be one that computes, got 'meta'"):
        FeatureNetwork(vgg, "meta")


def test_too_little_memory_is_said(
    vgg: Path, invented: Invented, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FeatureNetwork(vgg, "cpu")

    def forward(*planes: object) -> None:
        raise torch.OutOfMemoryError("not enough memory: you tried to allocate 9 GB\nat")

    monkeypatch.setattr(network._encoder, "forward", forward)
    with pytest.raises(
        EngineError, match=r"VGG-19 on cpu: expected memory for a picture of 88x72, .* lower --size"
    ):
        network.levels(invented(0))


@pytest.mark.gpu
def test_a_gpu_gives_the_cpu_s_features(vgg: Path, invented: Invented) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    picture = invented(3, 64, 64)
    on_cpu, on_gpu = (FeatureNetwork(vgg, name).levels(picture) for name in ("cpu", "cuda"))
    for a, b in zip(on_cpu, on_gpu, strict=True):
        torch.testing.assert_close(a, b.cpu(), rtol=1e-3, atol=1e-3)
