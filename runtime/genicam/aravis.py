"""The C library Aravis, which speaks GigE Vision and USB3 Vision.

It is called through ctypes. Its own way for Python, PyGObject, has no wheels: every environment
would need a compiler and headers, while the library itself is one system package.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from ctypes import POINTER, c_char_p, c_double, c_int, c_size_t, c_uint, c_uint64, c_void_p
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any

from hsi.runtime.errors import SourceError

_PACKAGE = "apt-get install libaravis-0.8-0"

# Result, then arguments.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "arv_update_device_list": (None,),
    "arv_get_n_devices": (c_uint,),
    "arv_get_device_id": (c_char_p, c_uint),
    "arv_get_device_physical_id": (c_char_p, c_uint),
    "arv_get_device_address": (c_char_p, c_uint),
    "arv_get_device_vendor": (c_char_p, c_uint),
    "arv_get_device_model": (c_char_p, c_uint),
    "arv_get_device_serial_nbr": (c_char_p, c_uint),
    "arv_get_device_protocol": (c_char_p, c_uint),
    "arv_camera_get_device": (c_void_p, c_void_p),
    "arv_camera_is_gv_device": (c_int, c_void_p),
    "arv_gv_device_is_controller": (c_int, c_void_p),
    "arv_stream_push_buffer": (None, c_void_p, c_void_p),
    "arv_stream_timeout_pop_buffer": (c_void_p, c_void_p, c_uint64),
    "arv_buffer_new_allocate": (c_void_p, c_size_t),
    "arv_buffer_get_status": (c_int, c_void_p),
    "arv_buffer_get_data": (c_void_p, c_void_p, POINTER(c_size_t)),
    "arv_buffer_get_image_width": (c_int, c_void_p),
    "arv_buffer_get_image_height": (c_int, c_void_p),
    "g_object_unref": (None, c_void_p),
    "g_error_free": (None, c_void_p),
    "g_free": (None, c_void_p),
}

# The same, of functions whose last argument takes an error.
_FAILING: dict[str, tuple[Any, ...]] = {
    "arv_camera_new": (c_void_p, c_char_p),
    "arv_camera_create_stream": (c_void_p, c_void_p, c_void_p, c_void_p),
    "arv_camera_get_payload": (c_uint, c_void_p),
    "arv_camera_start_acquisition": (None, c_void_p),
    "arv_camera_stop_acquisition": (None, c_void_p),
    "arv_camera_get_frame_rate": (c_double, c_void_p),
    "arv_camera_set_frame_rate": (None, c_void_p, c_double),
    "arv_camera_set_exposure_time": (None, c_void_p, c_double),
    "arv_camera_set_gain": (None, c_void_p, c_double),
    "arv_camera_get_region": (None, c_void_p, *[POINTER(c_int)] * 4),
    "arv_camera_set_region": (None, c_void_p, c_int, c_int, c_int, c_int),
    "arv_camera_get_pixel_format_as_string": (c_char_p, c_void_p),
    "arv_camera_set_pixel_format_from_string": (None, c_void_p, c_char_p),
    "arv_camera_dup_available_pixel_formats_as_strings": (
        POINTER(c_char_p),
        c_void_p,
        POINTER(c_uint),
    ),
}


class _Error(ctypes.Structure):
    _fields_ = (("domain", ctypes.c_uint32), ("code", c_int), ("message", c_char_p))


@dataclass(frozen=True, kw_only=True)
class Device:
    """A camera that answered."""

    id: str  # vendor and serial number, as Aravis joins them
    physical_id: str  # its MAC address or place on the bus
    address: str  # its IP address, or what USB has instead
    vendor: str
    model: str
    serial: str
    protocol: str  # GigEVision or USB3Vision


class Aravis:
    """The loaded library. Calls wait without holding Python's lock.

    Args:
        library: As ctypes loads it.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = {}
        for table, last in ((_PLAIN, []), (_FAILING, [POINTER(POINTER(_Error))])):
            for name, (result, *arguments) in table.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, [*arguments, *last]
                self._functions[name] = function
        self._listing = threading.Lock()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the library.

        Raises:
            SourceError: It failed; the message is the library's.
        """
        if name in _PLAIN:
            return self._functions[name](*arguments)
        error = POINTER(_Error)()
        result = self._functions[name](*arguments, ctypes.byref(error))
        if error:
            message = (error.contents.message or b"").decode(errors="replace")
            self.call("g_error_free", error)
            raise SourceError(message)
        return result

    def devices(self) -> list[Device]:
        """Return the cameras that answer within a second, which this takes."""
        # The names that the library returns live until its list is made again.
        with self._listing:
            self.call("arv_update_device_list")
            return [self._device(number) for number in range(self.call("arv_get_n_devices"))]

    def _device(self, number: int) -> Device:
        def text(field: str) -> str:
            found: bytes | None = self.call(f"arv_get_device_{field}", number)
            return (found or b"").decode(errors="replace")

        return Device(
            id=text("id"),
            physical_id=text("physical_id"),
            address=text("address"),
            vendor=text("vendor"),
            model=text("model"),
            serial=text("serial_nbr"),
            protocol=text("protocol"),
        )


@functools.cache
def load_aravis() -> Aravis:
    """Load the library, once.

    Raises:
        SourceError: It is not installed.
    """
    name = "libaravis-0.8.so.0" if sys.platform == "linux" else find_library("aravis-0.8")
    try:
        if name is None:
            raise OSError("not found")
        return Aravis(ctypes.CDLL(name))
    except (OSError, AttributeError) as error:
        raise SourceError(
            f"GigE Vision and USB3 Vision cameras need the library Aravis 0.8 ({error}): install "
            f"it ({_PACKAGE})"
        ) from error
