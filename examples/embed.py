"""Stylise one picture inside your own program: ``python examples/embed.py IN OUT [STYLE]``."""

import sys

import cv2
import numpy as np

import hsi.runtime

source, target, style = [*sys.argv[1:], "starry-night"][:3]
frame = cv2.imread(source)
if frame is None:
    sys.exit(f"{source}: expected a picture, found none that can be read")

with hsi.runtime.load() as stylizer:
    stylizer.set_style(style)
    cv2.imwrite(target, stylizer(np.asarray(frame, np.uint8)))
