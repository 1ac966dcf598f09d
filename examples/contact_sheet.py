"""A contact sheet: every style by every photograph, in one picture.

    python examples/contact_sheet.py --list docs/held_out.json --root DATA -o docs/contact_sheet.jpg
    python examples/contact_sheet.py --style *.jpg --content photos/*.png -o sheet.png

Pictures are cropped to a square at their centre and stylised at 512x512.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import hsi.runtime

SIDE = 512  # pixels: what the network sees
CELL = 256  # pixels: what the sheet shows
GAP = 6

Image = npt.NDArray[np.uint8]


def main() -> int:
    """Make one sheet."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--style", type=Path, nargs="+", default=[])
    p.add_argument("--content", type=Path, nargs="+", default=[])
    p.add_argument("--list", type=Path, help='JSON with lists "style" and "content"')
    p.add_argument(
        "--root", type=Path, default=Path(), help="folder that the list's paths start at"
    )
    p.add_argument("--model", help="bundle (default: the shipped one)")
    p.add_argument("-o", "--out", type=Path, required=True)
    args = p.parse_args()
    try:
        styles, contents = list(args.style), list(args.content)
        if args.list:
            listed = json.loads(args.list.read_text())
            styles += [args.root / name for name in listed["style"]]
            contents += [args.root / name for name in listed["content"]]
        sheet = contact_sheet(styles, contents, args.model)
    except hsi.runtime.HsiError as error:
        print(f"contact_sheet: {error}", file=sys.stderr)
        return error.exit_code
    cv2.imwrite(str(args.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return 0


def contact_sheet(styles: list[Path], contents: list[Path], model: str | None) -> Image:
    """Photographs along the top, styles down the side; `(H, W, 3) uint8 BGR`."""
    photographs = [square(path) for path in contents]
    rows = [[np.full((SIDE, SIDE, 3), 255, np.uint8), *photographs]]
    with hsi.runtime.load(model) as stylizer:
        for path in styles:
            stylizer.set_style(path)
            rows.append([square(path), *(stylizer(photograph) for photograph in photographs)])
    return np.vstack([np.hstack([cell(picture) for picture in row]) for row in rows])


def square(path: Path) -> Image:
    """The middle of a picture, `(SIDE, SIDE, 3)`."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise hsi.runtime.SourceError(f"{path}: expected a picture, found none")
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    middle = picture[top : top + side, left : left + side]
    return cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)


def cell(picture: Image) -> Image:
    """A picture at the sheet's size, with a white rim."""
    small = cv2.resize(picture, (CELL, CELL), interpolation=cv2.INTER_AREA)
    rim = (GAP // 2, GAP // 2, GAP // 2, GAP // 2)
    white = (255, 255, 255)
    framed = cv2.copyMakeBorder(small, *rim, cv2.BORDER_CONSTANT, value=white)
    return np.asarray(framed, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
