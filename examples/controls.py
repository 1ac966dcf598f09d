"""The look controls side by side: ``python examples/controls.py -o docs/controls.jpg``."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

import hsi.runtime
from hsi.runtime import Look, Region, Stream

PHOTOGRAPH = Path(__file__).resolve().parents[1] / "export" / "data" / "frame.jpg"
PART = Region(x=30, y=30, width=40, height=40, percent=True)
LOOKS = {
    "the style": Look(),
    "--keep-colour": Look(keep_colour=True),
    "--protect 30%,30%,40%,40%": Look(protect=(PART,)),
    "--style-scale 4": Look(style_scale=4),
}


def main() -> int:
    """Make the picture."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--style", default="great-wave")
    p.add_argument("-o", "--out", type=Path, required=True)
    args = p.parse_args()
    picture = cv2.imread(str(PHOTOGRAPH))
    if picture is None:
        sys.exit(f"{PHOTOGRAPH}: expected a picture, found none")
    frame = np.asarray(picture, np.uint8)
    cells = [labelled(frame, "the frame")]
    with hsi.runtime.load() as stylizer:
        stylizer.set_style(args.style)
        for name, look in LOOKS.items():
            cells.append(labelled(Stream(stylizer, look=look)(frame), name))
        stylizer.strength = 0.5
        cells.append(labelled(Stream(stylizer)(frame), "--strength 0.5"))
    sheet = np.vstack([np.hstack(cells[:3]), np.hstack(cells[3:])])
    cv2.imwrite(str(args.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return 0


def labelled(picture: hsi.runtime.frame.Image, text: str) -> hsi.runtime.frame.Image:
    """A picture at half size with a line of text below."""
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(small, 4, 26, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    place = (6, framed.shape[0] - 8)
    cv2.putText(framed, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
