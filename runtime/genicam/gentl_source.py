"""Cameras behind a GenTL producer as a source."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from hsi.runtime.closing import Closing
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.genicam.camera_settings import CameraSettings, settings_from
from hsi.runtime.genicam.gentl_producer import (
    PATHS,
    Device,
    Producer,
    failures,
    known_producers,
    load_harvesters,
    reason_of,
)
from hsi.runtime.genicam.pixel_format import chosen_format
from hsi.runtime.source import SourceLost

_FEATURES = {"fps": "AcquisitionFrameRate", "exposure": "ExposureTime", "gain": "Gain"}


class GenTlSource(Closing):
    """A camera or frame grabber behind a GenTL producer. See :class:`hsi.runtime.source.Source`.

    A damaged picture never comes: harvesters throws it away.

    Args:
        uri: `gentl://` and the camera's serial number, name or id, looked for in the producers that
            GENICAM_GENTL64_PATH names; or a producer and the camera,
            `gentl:///opt/maker/producer.cti?id=SERIAL`; without a camera, the first. Options set
            the camera up: `format=BayerRG8&size=1280x720&fps=30&exposure=5000&gain=6`. The
            producer's code runs in this process.

    Raises:
        OptionError: The address is malformed, or asks for a pixel format that the camera does not
            have.
        SourceError: harvesters is not installed, a producer does not load, the camera is not there,
            belongs to another program, or refuses an option.
    """

    live = True
    frame_count = None

    def __init__(self, uri: str) -> None:
        self.name = uri
        settings, others = settings_from(uri, id="SERIAL")
        parts = urlsplit(uri)
        place = unquote(parts.netloc + parts.path)
        is_producer = place.endswith(".cti")
        wanted = others.get("id", "" if is_producer else place)
        self._number = 0
        self._stack = contextlib.ExitStack()
        try:
            load_harvesters()
            self._acquirer = self._found(
                [Path(place)] if is_producer else known_producers(), wanted
            )
            self._set_up(settings)
            self._acquirer.start()
        except OptionError:
            self.close()
            raise
        except failures() as error:
            self.close()
            raise SourceError(f"{uri}: {reason_of(error)}") from error
        except BaseException:
            self.close()
            raise
        self._opened = time.monotonic()

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None.

        Raises:
            SourceLost: The producer gave it up.
        """
        try:
            buffer = self._acquirer.try_fetch(timeout=timeout_s)
            if buffer is None:
                return None
            with buffer:
                return self._frame_from(buffer.payload.components[0])
        except failures() as error:
            raise SourceLost(
                f"{self.name}: the camera was lost after {self._number} frames: "
                f"{reason_of(error)}: check the cable"
            ) from error

    def close(self) -> None:
        """Give the camera and its producer back."""
        self._stack.close()

    def _found(self, paths: list[Path], wanted: str) -> Any:
        """Return the camera, in our control."""
        if not paths:
            raise SourceError(
                f"{PATHS} names no folder with a producer (*.cti): install the camera maker's "
                "software, or give gentl:///path/to/producer.cti"
            )
        there: list[str] = []
        for path in paths:
            with contextlib.ExitStack() as stack:
                producer = stack.enter_context(Producer(path))
                for device in producer.devices():
                    if _is(device, wanted):
                        acquirer = producer.open(device)
                        self._stack = stack.pop_all()
                        self._stack.callback(_give_back, acquirer)
                        return acquirer
                    there.append(device.id)
        raise SourceError(
            f"no such camera, found {', '.join(there) or 'none'}: check the cable, or whether its "
            "maker's own viewer sees it"
        )

    def _set_up(self, settings: CameraSettings) -> None:
        camera = self._acquirer.remote_device.node_map
        self._pixels = chosen_format(
            self.name,
            settings.pixel_format,
            given=camera.PixelFormat.value,
            available=camera.PixelFormat.symbolics,
        )
        if settings.pixel_format is not None:
            camera.PixelFormat.value = settings.pixel_format
        if settings.size is not None:
            camera.Width.value, camera.Height.value = settings.size
        for name, value in settings.numbers.items():
            _feature(camera, _FEATURES[name]).value = value
        self.size = (camera.Width.value, camera.Height.value)
        self.fps: float | None = None
        if camera.has_node(_FEATURES["fps"]):
            self.fps = float(camera.AcquisitionFrameRate.value) or None

    def _frame_from(self, component: Any) -> Frame:
        number = self._number
        self._number += 1
        data = np.asarray(component.data).view(np.uint8).ravel()
        return Frame(
            image=self._pixels.image_from(data, (component.width, component.height)),
            number=number,
            time_s=time.monotonic() - self._opened,
            source=self.name,
        )


def _is(device: Device, wanted: str) -> bool:
    return not wanted or wanted in (device.id, device.serial, device.user_name)


def _feature(camera: Any, name: str) -> Any:
    if not camera.has_node(name):
        raise SourceError(f"the camera has no {name}: leave this option out")
    return camera.get_node(name)


def _give_back(acquirer: Any) -> None:
    with contextlib.suppress(*failures()):
        acquirer.destroy()
