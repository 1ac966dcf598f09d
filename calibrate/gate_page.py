"""The gate's report as one HTML page, pictures inside."""

import base64
import html
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from hsi.calibrate.gate import Candidate, Gate
from hsi.calibrate.gate_result import GateResult, GateScore
from hsi.calibrate.gate_table import NO_LOSSES, decibel_text, share_text
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
    measured = any(one.losses for result in results for one in result.scores)
    head = ["precision", "engine", "frame", "style", "PSNR, dB", "SSIM", "worst tile, dB"]
    head += ["to the first engine, dB"]
    head += ["style loss, of FP32's", "content loss, of FP32's"] if measured else []
    rows = ["".join(f"<th>{name}</th>" for name in head)]
    for result in results:
        for one in result.scores:
            cells = [result.precision, result.engine, *_cells(one)]
            rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
    note = "" if measured else f"<p>{html.escape(NO_LOSSES)}</p>"
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>" + note


def _cells(score: GateScore) -> list[str]:
    cells = [score.frame, score.style, f"{score.psnr:.1f}", f"{score.ssim:.4f}"]
    cells += [f"{score.worst_tile_psnr:.1f}", decibel_text(score.agreement)]
    if score.losses and score.reference_losses:
        made, wanted = score.losses, score.reference_losses
        cells += [f"{made.style:.3f} of {wanted.style:.3f}"]
        cells += [f"{made.content:.3f} of {wanted.content:.3f}"]
    return cells


def _sheet(gate: Gate, candidate: Candidate, result: GateResult) -> str:
    place = result.scores.index(result.worst)
    pair, wanted = gate.pairs[place], gate.wanted[place]
    made = candidate.stylise(pair.image, pair.code)
    pictures = {
        "FP32": wanted,
        result.precision.upper(): made,
        f"difference times {GAIN}": difference_picture(made, wanted),
    }
    title = f"{result.precision}: {'passes' if result.passed else 'FAILS'}"
    words = f"Worst picture: {pair.frame} in {pair.style}, {result.psnr:.1f} dB. {_told(result)}"
    figures = (
        f'<figure><img src="{_data_url(picture)}"><figcaption>{name}</figcaption></figure>'
        for name, picture in pictures.items()
    )
    return f"<h2>{html.escape(title)}</h2><p>{html.escape(words)}</p>" + "".join(figures)


def _told(result: GateResult) -> str:
    steps, rest = result.banding, result.flicker
    words = [
        f"A smooth ramp has {steps.levels} colours of {steps.reference_levels}, its longest run of "
        f"one is {steps.longest_run} columns, FP32's {steps.reference_run}.",
        f"A scene at rest with sensor noise changes by {rest.change:.2f} grey levels from frame to "
        f"frame, FP32's by {rest.reference_change:.2f}.",
    ]
    if result.style_change is not None:
        words.append(
            f"Over all pictures the style loss is {share_text(result.style_change)} off FP32's, "
            f"the content loss {share_text(result.content_change)}."
        )
    return " ".join(words)


def _data_url(picture: Image) -> str:
    good, data = cv2.imencode(".png", picture)
    if not good:
        raise QualityError("gate page: expected a PNG, found OpenCV without an encoder for it")
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode()
