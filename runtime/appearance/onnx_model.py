"""A diffusion model from a bundle, by ONNX Runtime."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hsi.runtime.appearance.denoiser import (
    Array,
    Controls,
    LayerFeatures,
    Pictures,
    Prediction,
    StepFeatures,
)
from hsi.runtime.appearance.manifest import KINDS, AppearanceManifest
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.archive import Archive
from hsi.runtime.errors import BundleError, EngineError, FrameError
from hsi.runtime.manifest import Graph
from hsi.runtime.onnxruntime_engine import providers, translated

Feed = Mapping[str, npt.NDArray[Any]]


class OnnxModel:
    """See :class:`hsi.runtime.appearance.Model`, which this is.

    Args:
        path: A bundle of family cross-image.
        engine: `auto`, `onnxruntime-cpu` or `onnxruntime-cuda`.
        threads: CPU threads within an operator; None: all cores.

    Raises:
        BundleError: The file is no such bundle, damaged, unsafe or too new.
        EngineError: A graph does not load, or the engine is not there.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, engine: str = "auto", threads: int | None = None
    ) -> None:
        archive = Archive(path, AppearanceManifest.from_json)
        self.manifest = archive.manifest
        self.schedule = self.manifest.schedule
        self.layers = self.manifest.layers
        self.stride = self.manifest.stride
        self._contexts = _contexts(archive)
        self._encoder, self._decoder, self._unet = (
            _session(archive, graph, engine, threads or 0)
            for graph in (self.manifest.encoder, self.manifest.decoder, self.manifest.unet)
        )
        shapes = {tensor.name: tensor.shape[1:] for tensor in self.manifest.unet.inputs}
        self._foreign_shapes = [
            {kind: shapes[f"{kind}_{i}"] for kind in KINDS} for i in range(len(self.layers))
        ]

    def predict(
        self,
        latents: Latents,
        timesteps: npt.NDArray[np.int64],
        *,
        prompted: bool = True,
        controls: Controls | None = None,
        bank: StepFeatures = (),
        record: bool = False,
    ) -> Prediction:
        """See :meth:`hsi.runtime.appearance.Model.predict`."""
        rows = len(latents)
        controls = controls or Controls.plain(rows)
        context = self._contexts[0 if prompted else 1]
        feed: Feed = {
            "latents": latents,
            "timesteps": timesteps,
            "context": np.tile(context, (rows, 1, 1)),
            "kv_index": controls.kv_index,
            "contrast": controls.contrast,
            "temperature": controls.temperature,
            "query_weight": controls.query_weight,
            "clip": np.array(controls.clip, np.float32),
            "renormalise": np.array(controls.renormalise, np.float32),
            **self._foreign(bank, rows),
        }
        names = self.manifest.unet.names()[1] if record else ("output",)
        found = dict(zip(names, _run(self._unet, feed, names), strict=True))
        return Prediction(
            output=found["output"],
            features=self._recorded(found) if record else (),
            noun_map=found.get("noun_map"),
        )

    def encode(self, pictures: Pictures) -> Latents:
        """See :meth:`hsi.runtime.appearance.Model.encode`.

        Raises:
            FrameError: The pictures are not of the bundle's size.
        """
        wanted = (self.manifest.height, self.manifest.width, 3)
        if pictures.shape[1:] != wanted:
            raise FrameError(
                f"pictures must be (N, {wanted[0]}, {wanted[1]}, 3) for this bundle, got "
                f"{pictures.shape}"
            )
        return np.concatenate(
            [_run(self._encoder, {"pictures": one[None]}, ("latents",))[0] for one in pictures]
        )

    def decode(self, latents: Latents) -> Pictures:
        """See :meth:`hsi.runtime.appearance.Model.decode`."""
        return np.concatenate(
            [_run(self._decoder, {"latents": one[None]}, ("pictures",))[0] for one in latents]
        )

    def fingerprint(self) -> str:
        """See :meth:`hsi.runtime.appearance.Model.fingerprint`."""
        return self.manifest.fingerprint

    def _foreign(self, bank: StepFeatures, rows: int) -> dict[str, Array]:
        """Foreign features of every layer: nothing where no row asks for them."""
        given = bank or (LayerFeatures(),) * len(self.layers)
        feed: dict[str, Array] = {}
        foreign = max((len(layer.key) for layer in given if layer.key is not None), default=1)
        for number, (layer, shapes) in enumerate(zip(given, self._foreign_shapes, strict=True)):
            for kind, shape in shapes.items():
                array = getattr(layer, kind)
                if array is None:
                    # What nobody looks at has as many rows as what is looked at.
                    count = rows if kind == "query" else foreign
                    array = np.zeros((count, *map(int, shape)), np.float32)
                feed[f"{kind}_{number}"] = array
        return feed

    def _recorded(self, found: Mapping[str, Array]) -> StepFeatures:
        return tuple(
            LayerFeatures(**{kind: found[f"own_{kind}_{i}"] for kind in KINDS})
            for i in range(len(self.layers))
        )


def _run(session: ort.InferenceSession, feed: Feed, names: Sequence[str]) -> list[Any]:
    try:
        return list(session.run(list(names), dict(feed)))
    except Exception as error:
        raise translated(error) from error


def _session(
    archive: Archive[AppearanceManifest], graph: Graph, engine: str, threads: int
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(
            archive.read(graph.part), options, providers=providers(engine)
        )
    except (BundleError, EngineError):
        raise
    except Exception as error:
        raise translated(error, f"{archive.path}: {graph.part} does not load: ") from error
    found = tuple(tuple(x.name for x in of()) for of in (session.get_inputs, session.get_outputs))
    if found != graph.names():
        raise BundleError(
            f"{archive.path}: expected {graph.part} to have the tensors of the manifest, found "
            f"{', '.join(found[0])[:100]}: export it again"
        )
    return session


def _contexts(archive: Archive[AppearanceManifest]) -> Array:
    """Embeddings of the prompt and of the empty one, `(2, L, D)`."""
    manifest = archive.manifest
    data = archive.read(manifest.context)
    if len(data) != 4 * int(np.prod(manifest.context_shape)):
        raise BundleError(
            f"{archive.path}: expected {manifest.context} of shape {manifest.context_shape}, found "
            f"{len(data)} bytes: export it again"
        )
    return np.frombuffer(data, "<f4").reshape(manifest.context_shape).astype(np.float32)
