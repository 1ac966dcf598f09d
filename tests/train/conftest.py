"""Invented pictures, and a VGG-19 of random weights in the file format of the compressed one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from hsi.model import EdgeNetwork, InjectorOptions, NetworkOptions, StyleNetwork, build_network
from hsi.model.checkpoint import Checkpoint, save_checkpoint
from hsi.model.vgg import SMALL_LAYERS
from hsi.train.options import LossWeights, TrainOptions

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, so that two runs can be compared to the bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(number: int, height: int = 80, width: int = 96) -> npt.NDArray[np.uint8]:
    """Coloured blocks and noise, another for every number."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    large = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
    noise = rng.normal(0, 12, large.shape)
    return np.asarray(np.clip(large + noise, 0, 255), np.uint8)


@pytest.fixture
def make_pictures(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of invented pictures."""

    def make(name: str, count: int = 3, first: int = 0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            cv2.imwrite(str(folder / f"{number}.png"), picture(first + number))
        return folder

    return make


def compressed_state() -> dict[str, Tensor]:
    """A state dict with the names and shapes of the compressed VGG-19's file."""
    generator = torch.Generator().manual_seed(5)
    state = {}

    def add(name: str, width_in: int, width_out: int, side: int) -> None:
        # Kaiming's scale: features keep their size through sixteen layers.
        scale = (2 / (width_in * side * side)) ** 0.5
        shape = (width_out, width_in, side, side)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * scale
        state[f"{name}.bias"] = torch.zeros(width_out)

    add("conv0", 3, 3, 1)
    width, stage, number = 3, 1, 1
    for layer in SMALL_LAYERS:
        if isinstance(layer, str):
            stage, number = stage + 1, 1
            continue
        add(f"conv{stage}{number}", width, layer, 3)
        width, number = layer, number + 1
    for stage, (small, whole) in enumerate(((16, 64), (32, 128), (64, 256), (128, 512)), 1):
        add(f"conv{stage}1_aux", small, whole, 1)
    return state


@pytest.fixture(scope="session")
def loss_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that passes for the compressed VGG-19."""
    path = tmp_path_factory.mktemp("vgg") / "compressed.pth"
    torch.save(compressed_state(), path)
    return path


@pytest.fixture
def make_options(
    make_pictures: Callable[..., Path], loss_network: Path, tmp_path: Path
) -> Callable[..., TrainOptions]:
    """Options of a run that takes a second."""
    content, style = make_pictures("photos"), make_pictures("paintings", first=10)

    def make(**changes: Any) -> TrainOptions:
        values: dict[str, Any] = {
            "content": (content,),
            "style": (style,),
            "out": tmp_path / "model.pt",
            "loss_network": loss_network,
            "steps": 4,
            "batch": 2,
            "crop": 64,
            "style_ramp": 0,
            "weights": LossWeights(adversarial=0, grey_content=0),
        }
        return TrainOptions(**values | changes)

    return make


def tiny_network(loss_network: Path) -> StyleNetwork:
    """An hsi-edge of a few channels; the same one every time."""
    torch.manual_seed(1)
    network = build_network(
        NetworkOptions(
            injector=InjectorOptions(residual="instance"),
            modules=1,
            stem_width=8,
            body_width=8,
            style_hidden=8,
        )
    )
    assert isinstance(network, EdgeNetwork)
    network.style_encoder.load_convs(torch.load(loss_network, weights_only=True), "compressed.pth")
    return network


@pytest.fixture
def tiny(loss_network: Path) -> Callable[[], StyleNetwork]:
    """Make the tiny network anew: a trainer trains it in place."""
    return lambda: tiny_network(loss_network)


@pytest.fixture
def teacher(tiny: Callable[[], StyleNetwork], tmp_path: Path) -> Path:
    """A checkpoint whose pictures are another palette's than the tiny network's."""
    network, path = tiny(), tmp_path / "teacher.pt"
    with torch.no_grad():
        network.picture_weights()[1].mul_(-0.2)
    save_checkpoint(path, Checkpoint(network=network, provenance={}))
    return path


@pytest.fixture
def vgg_files() -> tuple[Path, Path]:
    """The published VGG-19 and its compressed version."""
    folder = SHARED / "data" / "vgg"
    files = folder / "vgg_normalised_relu4_1.pth", folder / "vgg19_16x_small_relu5_1_CD.pth"
    if not all(path.is_file() for path in files):
        pytest.skip("needs the published VGG-19 weights in ../shared/data/vgg")
    return files


@pytest.fixture
def photograph() -> Tensor:
    """`(1, 3, 128, 128)` BGR in [0, 1] of a real photograph."""
    path = SHARED / "data" / "content" / "kodak" / "05.jpg"
    if not path.is_file():
        pytest.skip("needs a photograph in ../shared/data/content/kodak")
    values = cv2.imread(str(path))
    assert values is not None
    return torch.from_numpy(values[100:228, 300:428]).permute(2, 0, 1)[None].float() / 255
