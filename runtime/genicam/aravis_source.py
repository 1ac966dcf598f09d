"""GigE Vision and USB3 Vision cameras as a source."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt

from hsi.runtime.closing import Closing
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Frame
from hsi.runtime.genicam.aravis import Device, load_aravis
from hsi.runtime.genicam.camera_settings import CameraSettings, settings_from
from hsi.runtime.genicam.pixel_format import chosen_format
from hsi.runtime.source import CorruptFrame, SourceLost

_NUMBERS = {
    "fps": "arv_camera_set_frame_rate",
    "exposure": "arv_camera_set_exposure_time",
    "gain": "arv_camera_set_gain",
}
_BUFFERS = 6  # pictures that may be on their way
_GOOD = 0  # ARV_BUFFER_STATUS_SUCCESS


class AravisSource(Closing):
    """A camera on the network or on USB. See :class:`hsi.runtime.source.Source`.

    Args:
        uri: `gige://` and the camera's IP address, serial number, MAC address or name; nothing for
            the first that answers. Options set the camera up:
            `gige://192.168.1.20?format=BayerRG8&size=1280x720&fps=30&exposure=5000&gain=6`. The
            camera may choose another size and rate; `size` and `fps` tell which.

    Raises:
        OptionError: The address is malformed, or asks for a pixel format that the camera does not
            have.
        SourceError: Aravis is not installed, the camera is not there, belongs to another program,
            or refuses an option.
    """

    live = True
    frame_count = None

    def __init__(self, uri: str) -> None:
        self.name = uri
        settings, _ = settings_from(uri)
        self._number = 0
        self._stream: int | None = None
        self._lost = False
        try:
            self._aravis = load_aravis()
            self._camera: int | None = self._found(unquote(urlsplit(uri).netloc))
            try:
                self._set_up(settings)
                self._start()
            except BaseException:
                self.close()
                raise
        except OptionError:
            raise
        except SourceError as error:
            raise SourceError(f"{uri}: {error}") from error

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None.

        Raises:
            CorruptFrame: Packets of it are missing.
            SourceLost: The camera no longer answers, or another program took it.
        """
        buffer = self._call("arv_stream_timeout_pop_buffer", self._stream, int(1e6 * timeout_s))
        if buffer is None:
            self._check_there()
            return None
        try:
            return self._frame_from(buffer)
        finally:
            self._call("arv_stream_push_buffer", self._stream, buffer)

    def close(self) -> None:
        """Give the camera back. Takes seconds where it no longer answers."""
        stream, self._stream = self._stream, None
        camera, self._camera = self._camera, None
        if stream is not None:
            if not self._lost:
                with contextlib.suppress(SourceError):
                    self._call("arv_camera_stop_acquisition", camera)
            self._call("g_object_unref", stream)
        if camera is not None:
            self._call("g_object_unref", camera)

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._aravis.call(name, *arguments)

    def _found(self, wanted: str) -> int:
        """Return the camera, in our control."""
        identity = wanted
        # Addresses are asked at once, also where no broadcast goes; names take a look around.
        if not _is_address(wanted):
            identity = _device_named(wanted, self._aravis.devices()).id
        try:
            camera: int = self._call("arv_camera_new", identity.encode())
        except SourceError as error:
            raise SourceError(f"cannot open it: {error}: check the cable and the subnet") from error
        return camera

    def _set_up(self, settings: CameraSettings) -> None:
        # The format first: the largest size and the rate may depend on it.
        self._set_format(settings.pixel_format)
        if settings.size is not None:
            self._call("arv_camera_set_region", self._camera, 0, 0, *settings.size)
        for name, value in settings.numbers.items():
            self._call(_NUMBERS[name], self._camera, value)
        region = [ctypes.c_int() for _ in range(4)]
        self._call("arv_camera_get_region", self._camera, *map(ctypes.byref, region))
        self.size = (region[2].value, region[3].value)
        self.fps: float | None = None
        with contextlib.suppress(SourceError):  # a triggered camera has no rate
            self.fps = float(self._call("arv_camera_get_frame_rate", self._camera)) or None

    def _set_format(self, wanted: str | None) -> None:
        given = self._call("arv_camera_get_pixel_format_as_string", self._camera) or b""
        self._pixels = chosen_format(
            self.name, wanted, given=given.decode(), available=self._formats()
        )
        if wanted is not None:
            self._call("arv_camera_set_pixel_format_from_string", self._camera, wanted.encode())

    def _formats(self) -> list[str]:
        count = ctypes.c_uint()
        names = self._call(
            "arv_camera_dup_available_pixel_formats_as_strings",
            self._camera,
            ctypes.byref(count),
        )
        found = [names[number].decode() for number in range(count.value)]
        self._call("g_free", names)
        return found

    def _start(self) -> None:
        try:
            self._stream = self._call("arv_camera_create_stream", self._camera, None, None)
        except SourceError as error:
            raise SourceError(
                f"cannot be read: {error}: check whether another program has it"
            ) from error
        size = self._call("arv_camera_get_payload", self._camera)
        for _ in range(_BUFFERS):
            buffer = self._call("arv_buffer_new_allocate", size)
            self._call("arv_stream_push_buffer", self._stream, buffer)
        self._call("arv_camera_start_acquisition", self._camera)
        self._opened = time.monotonic()

    def _frame_from(self, buffer: int) -> Frame:
        number = self._number
        self._number += 1
        if self._call("arv_buffer_get_status", buffer) != _GOOD:
            raise CorruptFrame(self.name)
        size = (
            self._call("arv_buffer_get_image_width", buffer),
            self._call("arv_buffer_get_image_height", buffer),
        )
        return Frame(
            image=self._pixels.image_from(self._bytes_of(buffer), size),
            number=number,
            time_s=time.monotonic() - self._opened,
            source=self.name,
        )

    def _bytes_of(self, buffer: int) -> npt.NDArray[np.uint8]:
        count = ctypes.c_size_t()
        address = self._call("arv_buffer_get_data", buffer, ctypes.byref(count))
        return np.ctypeslib.as_array((ctypes.c_uint8 * count.value).from_address(address))

    def _check_there(self) -> None:
        # Of USB Aravis does not tell: there, silence is all that shows.
        if not self._call("arv_camera_is_gv_device", self._camera):
            return
        device = self._call("arv_camera_get_device", self._camera)
        if not self._call("arv_gv_device_is_controller", device):
            self._lost = True
            raise SourceLost(
                f"{self.name}: the camera went away after {self._number} frames: check the cable, "
                "or whether another program took it"
            )


def _is_address(text: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.IPv4Address(text)
        return True
    return False


def _device_named(wanted: str, there: list[Device]) -> Device:
    for device in there:
        names = (device.id, device.serial, device.physical_id, device.address)
        if not wanted or wanted.lower() in (name.lower() for name in names):
            return device
    found = ", ".join(f"{device.id} at {device.address}" for device in there)
    raise SourceError(
        f"no such camera answers, found {found or 'none'}: check the cable and the subnet, or give "
        "its IP address"
    )
