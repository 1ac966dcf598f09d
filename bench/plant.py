"""What MQTT and OPC UA cost a line: frames a second with neither, and with both and their clients.

    python -m bench.plant clip_720p.mp4 [--frames 120] [--rounds 3]

Each round plays the clip once without, and once with a broker (Mosquitto, on this machine), a
listener at every topic, an OPC UA server and a client that watches the frames shown. Both clients
are processes of their own. Only the time of the run itself counts, not that of loading.
"""

import argparse
import asyncio
import logging
import multiprocessing
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncua import Client as OpcUaClient
from paho.mqtt.client import Client as MqttClient
from paho.mqtt.enums import CallbackAPIVersion

from bench.port import free_port
from hsi.runtime.arguments import Request
from hsi.runtime.attachment import AttachmentOptions
from hsi.runtime.plant.mqtt_options import MqttOptions
from hsi.runtime.plant.opcua_options import OpcUaOptions
from hsi.runtime.plant.vision_types import OWN_URI, URI
from hsi.runtime.player import play


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("clip")
    p.add_argument("--frames", type=int, default=120)
    p.add_argument("--rounds", type=int, default=3)
    args = p.parse_args()
    mqtt, opcua = MqttOptions(port=free_port(), every_s=1), OpcUaOptions(port=free_port())
    times: dict[str, list[float]] = {"neither": [], "both": []}
    with _broker(mqtt.port):
        for _ in range(args.rounds):
            times["neither"].append(_ms(args.clip, args.frames, ()))
            with _clients(mqtt.port, opcua.port):
                times["both"].append(_ms(args.clip, args.frames, (mqtt, opcua)))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{Path(args.clip).name}, {args.frames} frames, medians of {args.rounds} rounds")
    for name, median in medians.items():
        print(f"  {name:8s} {median:8.2f} ms a frame  x{median / medians['neither']:.3f}")


def _ms(clip: str, frames: int, attachments: tuple[AttachmentOptions, ...]) -> float:
    request = Request(sources=(clip,), outputs=("null:",), frames=frames, attachments=attachments)
    summary = play(request, lambda progress: None, stop=threading.Event()).summary
    return 1e3 * summary.elapsed_s / summary.shown


@contextmanager
def _broker(port: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        process = subprocess.Popen(["mosquitto", "-c", str(settings)], stderr=subprocess.DEVNULL)
        try:
            while _is_closed(port):
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def _clients(mqtt_port: int, opcua_port: int) -> Iterator[None]:
    spawn = multiprocessing.get_context("spawn")
    clients = [
        spawn.Process(target=listen, args=(mqtt_port,), daemon=True),
        spawn.Process(target=watch, args=(opcua_port,), daemon=True),
    ]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.kill()
            client.join()


def listen(port: int) -> None:
    """Hear everything at a broker, for ever."""
    client = MqttClient(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.subscribe("#")
    client.loop_forever()


def watch(port: int) -> None:
    """Watch the frames shown at an OPC UA server, for ever."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # the end of a round is no news
    while _is_closed(port):
        time.sleep(0.1)
    asyncio.run(_watch(port))


async def _watch(port: int) -> None:
    async with OpcUaClient(f"opc.tcp://127.0.0.1:{port}", 60, 60) as client:
        standard, own = [await client.get_namespace_index(uri) for uri in (URI, OWN_URI)]
        path = [f"{standard}:VisionSystem"] + [f"{own}:{n}" for n in ("Line", "Cameras", "1")]
        while True:
            try:
                node = await client.nodes.objects.get_child([*path, f"{own}:Shown"])
                break
            except Exception:  # the line is not there yet
                await asyncio.sleep(0.2)
        subscription = await client.create_subscription(100, _Watcher())
        await subscription.subscribe_data_change(node)
        await asyncio.Event().wait()


class _Watcher:
    def datachange_notification(self, node: object, value: object, data: object) -> None:
        pass


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    main()
