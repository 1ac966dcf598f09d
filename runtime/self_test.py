"""Whether an engine gives the golden picture of its bundle."""

import logging

import cv2
import numpy as np

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine
from hsi.runtime.errors import BundleError, QualityError
from hsi.runtime.manifest import Golden

log = logging.getLogger(__name__)


def self_test(bundle: Bundle, golden: Golden, engine: Engine) -> None:
    """Stylise a golden frame and compare.

    Args:
        bundle: Whose pictures they are.
        golden: The pictures, and how far the result may be off.
        engine: What is tested.

    Raises:
        BundleError: The pictures differ in size.
        QualityError: The result is not the one the bundle was exported with.
    """
    frame, style, wanted = (
        bundle.read_picture(name)[np.newaxis]
        for name in (golden.frame, golden.style, golden.stylised)
    )
    if wanted.shape != frame.shape:
        raise BundleError(
            f"{bundle.path}: expected golden pictures of one size, found {frame.shape} "
            f"and {wanted.shape}: export the bundle again"
        )
    made = np.empty_like(frame)
    nothing = np.zeros((1, bundle.manifest.statistics_size), np.float32)
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    engine.stylize(frame, engine.encode_style(style), nothing, zero, one, made)
    difference = cv2.absdiff(made[0], wanted[0])
    worst, share = int(difference.max()), float((difference > 1).mean())
    log.debug("self-test: worst difference %d of 255, share over 1: %.2g", worst, share)
    if worst > golden.max_difference or share > golden.max_share_over_one:
        raise QualityError(
            f"{bundle.path}: self-test failed on {engine.name}: expected at most "
            f"{golden.max_difference} of 255 and {golden.max_share_over_one:.2%} of values "
            f"over 1, found {worst} and {share:.2%}: try another --engine, or export the model here"
        )
