"""The gate's report as one HTML page, pictures inside."""

import base64
import html
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from hsi.calibrate.gate import Candidate, Gate, GateResult
from hsi.runtime.errors import QualityError
from hsi.runtime.frame import Image

GAIN = 8  # of the difference, to be seen at all
HEAD = """<!doctype html><meta charset="utf-8"><title>hsi quality gate</title><style>
body{font:14px sans-serif;margin:2em}td,th{padding:2px 10px;text-align:right}
img{max-width:30vw;display:block}figure{display:inline-block;margin:4px}</style>
"""


def gate_page(
    gate: Gate, candidates: Mapping[str, Candidate], results: Sequence[GateResult]
) -> str:
    """A table of all scores, and each candidate's worst frame beside FP32's.

    Args:
        gate: Which judged.
        candidates: By precision, those with pictures to show.
        results: What it found.

    Raises:
        EngineError: A candidate does not run.
    """
    parts = [HEAD, "<h1>Quality gate</h1>", _table(results)]
    for precision, candidate in candidates.items():
        judged = [one for one in results if one.precision == precision]
        if judged:
            parts.append(_sheet(gate, candidate, judged[0]))
    return "\n".join(parts) + "\n"


def difference_picture(made: Image, wanted: Image) -> Image:
    """The absolute difference times ``GAIN``, `(H, W, 3) uint8`."""
    return np.asarray(cv2.convertScaleAbs(cv2.absdiff(made, wanted), alpha=GAIN), np.uint8)


def _table(results: Sequence[GateResult]) -> str:
    head = ("precision", "engine", "frame", "style", "PSNR, dB", "SSIM", "worst tile, dB")
    rows = ["".join(f"<th>{name}</th>" for name in head)]
    for result in results:
        for one in result.scores:
            cells = (
                result.precision,
                result.engine,
                one.frame,
                one.style,
                f"{one.psnr:.1f}",
                f"{one.ssim:.4f}",
                f"{one.worst_tile_psnr:.1f}",
            )
            rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _sheet(gate: Gate, candidate: Candidate, result: GateResult) -> str:
    place = result.scores.index(result.worst)
    pair, wanted = gate.pairs[place], gate.wanted[place]
    made = candidate.stylise(pair.image, pair.code)
    pictures = {
        "FP32": wanted,
        result.precision.upper(): made,
        f"difference times {GAIN}": difference_picture(made, wanted),
    }
    steps = result.banding
    title = f"{result.precision}: {'passes' if result.passed else 'FAILS'}"
    words = (
        f"Worst picture: {pair.frame} in {pair.style}, {result.psnr:.1f} dB. A smooth ramp has "
        f"{steps.levels} colours of {steps.reference_levels}, its longest run of one is "
        f"{steps.longest_run} columns, FP32's {steps.reference_run}."
    )
    figures = (
        f'<figure><img src="{_data_url(picture)}"><figcaption>{name}</figcaption></figure>'
        for name, picture in pictures.items()
    )
    return f"<h2>{html.escape(title)}</h2><p>{html.escape(words)}</p>" + "".join(figures)


def _data_url(picture: Image) -> str:
    good, data = cv2.imencode(".png", picture)
    if not good:
        raise QualityError("gate page: expected a PNG, found OpenCV without an encoder for it")
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode()
