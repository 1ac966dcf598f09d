"""The report as one HTML page, without scripts and with nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from hsi.evaluate.evaluation import LEGEND, Evaluation
from hsi.evaluate.measures import Scores
from hsi.evaluate.score_table import ScoreTable

LABELS = {
    "content_loss": "content loss",
    "style_loss": "style loss",
    "ssim": "SSIM",
    "vgg_distance": "VGG distance",
}

CSS = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --faint: #666; --line: #ddd }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #161616; --faint: #a0a0a0; --line: #3a3a3a }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 100rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.45 system-ui, sans-serif }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; overflow-wrap: anywhere }
p, figcaption { color: var(--faint) }
a { color: inherit }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .75rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child { text-align: left }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)) }
figure { margin: 0 }
img { display: block; width: 100%; height: auto }
figcaption { font-size: .85rem; padding-top: .35rem; overflow-wrap: anywhere }
figcaption b { color: var(--ink); font-weight: 600 }
dl { display: grid; grid-template-columns: 1fr auto; margin: .15rem 0 0;
  font-variant-numeric: tabular-nums }
dd { margin: 0 }
"""


def page(evaluation: Evaluation) -> str:
    """The page of a report, whose pictures lie beside it.

    Args:
        evaluation: Its first table is the one whose results are shown.
    """
    table = evaluation.tables[0]
    title = escape(f"{table.method}: style transfer scored")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>",
            *_summary(evaluation),
            *_contents(evaluation, table),
            *(line for s in range(len(table.styles)) for line in _style(evaluation, table, s)),
            "</body>\n</html>",
        ]
    )


def _summary(evaluation: Evaluation) -> Iterator[str]:
    options = evaluation.options
    pairs = options.pairs
    yield (
        f"<p>{len(pairs.styles)} styles by {len(pairs.contents)} content pictures at "
        f"{options.size}x{options.size}; {evaluation.heading()}. {LEGEND[0].upper()}{LEGEND[1:]}. "
        f'<a href="sheet.png">Contact sheet</a>, <a href="scores.json">all scores</a>.</p>'
    )
    heads = "".join(f"<th>{label}</th>" for label in LABELS.values())
    yield f'<div class="wide"><table>\n<tr><th></th>{heads}</tr>'
    for table in evaluation.tables:
        error = table.standard_error(options.resamplings, options.seed)
        cells = "".join(f"<td>{cell}</td>" for cell in _cells(table.mean(), error))
        yield f"<tr><th>{escape(table.method)}</th>{cells}</tr>"
    yield "</table></div>"


def _cells(mean: Scores, error: Scores | None) -> Iterator[str]:
    for name in LABELS:
        behind = "" if error is None else f" ± {getattr(error, name):.3f}"
        yield f"{getattr(mean, name):.3f}{behind}"


def _contents(evaluation: Evaluation, table: ScoreTable) -> Iterator[str]:
    yield '<section>\n<h2>Content pictures</h2>\n<div class="grid">'
    for name in table.contents:
        yield _figure(evaluation, f"content/{name}.png", name, f"<b>{escape(name)}</b>")
    yield "</div>\n</section>"


def _style(evaluation: Evaluation, table: ScoreTable, style: int) -> Iterator[str]:
    name = table.styles[style]
    mean = _scores(table.style_mean(style))
    yield f'<section>\n<h2>{escape(name)}</h2>\n<div class="grid">'
    yield _figure(evaluation, f"style/{name}.png", name, f"<b>the style</b>, mean of its row{mean}")
    for number, content in enumerate(table.contents):
        caption = f"<b>{escape(content)}</b>{_scores(table.scores(style, number))}"
        path = f"results/{content}__{name}.png"
        yield _figure(evaluation, path, f"{content} in the style of {name}", caption)
    yield "</div>\n</section>"


def _figure(evaluation: Evaluation, path: str, alt: str, caption: str) -> str:
    side = evaluation.options.size
    return (
        f'<figure><img src="{quote(path)}" alt="{escape(alt)}" width="{side}" height="{side}" '
        f'loading="lazy"><figcaption>{caption}</figcaption></figure>'
    )


def _scores(scores: Scores) -> str:
    rows = (
        f"<dt>{label}</dt><dd>{getattr(scores, name):.3f}</dd>" for name, label in LABELS.items()
    )
    return f"<dl>{''.join(rows)}</dl>"
