"""From pictures to scores."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi.evaluate.evaluation import Evaluation
from hsi.evaluate.features import FeatureNetwork
from hsi.evaluate.measures import (
    Moments,
    Scores,
    content_loss,
    moments,
    ssim,
    style_loss,
    vgg_distance,
)
from hsi.evaluate.options import EvaluationOptions, check_size
from hsi.evaluate.pair_list import PairList
from hsi.evaluate.picture import read_picture, squared
from hsi.evaluate.report import Report, folder_beside, write_inputs
from hsi.evaluate.results import ContentResults, Results, open_results
from hsi.evaluate.score_table import BASELINE, MEASURES, ScoreTable
from hsi.runtime.frame import Image


def evaluate(
    options: EvaluationOptions, on_pair: Callable[[int], None] = lambda done: None
) -> Evaluation:
    """Score every pair, and write the report if one is wanted.

    Args:
        options: What to score.
        on_pair: Called with the number of scored results, :func:`result_count` in the end.

    Raises:
        SourceError: A picture, a result, the weights or the method cannot be read.
        BundleError, EngineError, QualityError: The bundle cannot be run, or memory is short.
        OptionError, OutputError: The report cannot be written there.
    """
    contents, styles = squares(options.pairs, options.size)
    network = FeatureNetwork(options.vgg, options.device)
    with (
        _open_report(options, contents, styles) as report,
        _open_methods(options, contents, styles) as methods,
    ):
        values = _values(network, methods, contents, styles, report, on_pair)
        evaluation = _evaluation(options, methods, values)
        if report is not None:
            report.finish(evaluation)
    return evaluation


def result_count(options: EvaluationOptions) -> int:
    """How many results will be scored."""
    return len(options.pairs) * (int(options.method is not None) + int(options.baseline))


def prepare(pairs: PairList, size: int, out: Path, *, force: bool = False) -> None:
    """Write the pictures as the protocol has them, for another method to work on.

    Raises:
        SourceError: A picture cannot be read.
        OptionError, OutputError: The size is out of range, or they cannot be written there.
    """
    check_size(size)
    contents, styles = squares(pairs, size)
    with folder_beside(out, force=force) as folder:
        write_inputs(folder, pairs, contents, styles)


def squares(pairs: PairList, size: int) -> tuple[list[Image], list[Image]]:
    """All content and all style pictures, `(size, size, 3) uint8 BGR` each.

    They are read before anything is scored, so a damaged one is told at once. 1,000 pictures of 512
    pixels take 0.8 GB.
    """
    contents, styles = (
        [squared(read_picture(path), size) for path in paths]
        for paths in (pairs.contents, pairs.styles)
    )
    return contents, styles


@contextmanager
def _open_report(
    options: EvaluationOptions, contents: list[Image], styles: list[Image]
) -> Iterator[Report | None]:
    if options.out is None:
        yield None
        return
    with folder_beside(options.out, force=options.force) as folder:
        report = Report(folder, options.pairs)
        report.add_inputs(contents, styles)
        yield report


@contextmanager
def _open_methods(
    options: EvaluationOptions, contents: list[Image], styles: list[Image]
) -> Iterator[list[Results]]:
    baseline: list[Results] = [ContentResults(BASELINE, contents)] if options.baseline else []
    if options.method is None:
        yield baseline
        return
    with open_results(options.method, options, contents, styles) as results:
        yield [results, *baseline]


def _values(
    network: FeatureNetwork,
    methods: Sequence[Results],
    contents: Sequence[Image],
    styles: Sequence[Image],
    report: Report | None,
    on_pair: Callable[[int], None],
) -> npt.NDArray[np.float64]:
    """Scores by method, style and content picture: `(methods, S, C, 4)`."""
    values = np.zeros((len(methods), len(styles), len(contents), len(MEASURES)))
    of_styles = [moments(network.levels(style)) for style in styles]
    done = 0
    # Features of a picture take 126 MB, moments of a style 8 kB: so contents are the outer loop,
    # one at a time, and every picture still passes through VGG-19 once.
    for number, content in enumerate(contents):
        judge = _Judge(network, content)
        for place, results in enumerate(methods):
            for style, of_style in enumerate(of_styles):
                made = results.made(number, style)
                if report is not None and place == 0:
                    report.add_result(number, style, made)
                values[place, style, number] = list(vars(judge.scores(made, of_style)).values())
                done += 1
                on_pair(done)
    return values


class _Judge:
    """Scores results of one content picture."""

    def __init__(self, network: FeatureNetwork, content: Image) -> None:
        self._network = network
        self._content = content
        self._levels = network.levels(content)

    def scores(self, made: Image, style: Moments) -> Scores:
        # The baseline hands out the content picture itself, whose features are known.
        levels = self._levels if made is self._content else self._network.levels(made)
        return Scores(
            content_loss=content_loss(levels, self._levels),
            style_loss=style_loss(moments(levels), style),
            ssim=ssim(made, self._content),
            vgg_distance=vgg_distance(levels, self._levels),
        )


def _evaluation(
    options: EvaluationOptions, methods: Sequence[Results], values: npt.NDArray[np.float64]
) -> Evaluation:
    names = [tuple(p.stem for p in side) for side in (options.pairs.styles, options.pairs.contents)]
    return Evaluation(
        options=options,
        vgg_sha256=hashlib.sha256(options.vgg.read_bytes()).hexdigest(),
        tables=tuple(
            ScoreTable(method=results.name, styles=names[0], contents=names[1], values=of_method)
            for results, of_method in zip(methods, values, strict=True)
        ),
    )
