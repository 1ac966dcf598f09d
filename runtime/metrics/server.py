"""The HTTP server of metrics and health."""

from __future__ import annotations

import json
import logging
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from hsi.runtime.errors import OutputError
from hsi.runtime.health import Health, health_of
from hsi.runtime.live_run import LiveRun
from hsi.runtime.metrics.collector import RunCollector
from hsi.runtime.metrics.options import MetricsOptions

logger = logging.getLogger(__name__)

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_POLL_S = 0.1  # until the end of the run is noticed
_ASKING_S = 5.0  # a client that takes longer to ask is hung up on

Answer = tuple[HTTPStatus, str, bytes]


class MetricsServer:
    """Serves `/metrics`, `/healthz` and `/readyz`. See :mod:`hsi.runtime.attachment`.

    Args:
        options: Where.

    Raises:
        OutputError: The port is taken, or the address is none of this machine.
    """

    def __init__(self, options: MetricsOptions) -> None:
        try:
            self._server = _Server(options)
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(
                f"--metrics {options}: cannot listen there: {reason}: choose another"
            ) from error
        self.port: int = self._server.server_address[1]
        self.name = f"http://{MetricsOptions(host=options.host, port=self.port)}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_POLL_S,),
            name="hsi-metrics",
            daemon=True,
        )
        self._thread.start()

    def attach(self, live: LiveRun) -> None:
        """Tell of this run."""
        self._server.live = live
        self._server.registry.register(RunCollector(live))
        logger.info("metrics at %s", self.name)

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a scraper that reads slowly does not hold up the end of a run

    def __init__(self, options: MetricsOptions) -> None:
        self.address_family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        self.live: LiveRun | None = None  # before the model is loaded
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        super().__init__((options.host, options.port), _Handler)

    def metrics(self, accept: str) -> Answer:
        encode, kind = choose_encoder(accept)
        return HTTPStatus.OK, kind, encode(self.registry)

    def health(self) -> Health:
        return health_of(None if self.live is None else self.live.status())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "hsi-run", ""
    timeout = _ASKING_S

    def do_GET(self) -> None:
        status, kind, body = self._answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        logger.debug(format, *args)

    def _answer(self, path: str) -> Answer:
        if path == "/metrics":
            return self.server.metrics(self.headers.get("Accept", ""))
        if path in ("/healthz", "/readyz"):
            health = self.server.health()
            good = health.alive if path == "/healthz" else health.ready
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            return status, _JSON, json.dumps(health.as_dict()).encode()
        return HTTPStatus.NOT_FOUND, _TEXT, b"see /metrics, /healthz and /readyz\n"
