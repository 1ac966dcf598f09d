import pytest

from hsi.runtime.command_parser import CommandParser
from hsi.runtime.errors import OptionError


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--stpes", "3"], "unrecognized arguments: --stpes 3: see hsi-x --help"),
        (["--steps", "many"], "argument --steps: invalid int value: 'many': see hsi-x --help"),
    ],
)
def test_a_wrong_word_is_an_error_of_one_line(words: list[str], match: str) -> None:
    parser = CommandParser("hsi-x")
    parser.add_argument("--steps", type=int)

    with pytest.raises(OptionError, match=match) as caught:
        parser.parse_args(words)
    assert "\n" not in str(caught.value)


def test_a_password_among_wrong_words_is_not_told() -> None:
    with pytest.raises(OptionError, match="unrecognized arguments: rtsp://") as caught:
        CommandParser("hsi-x").parse_args(["rtsp://me:secret@camera/1"])
    assert "secret" not in str(caught.value)
