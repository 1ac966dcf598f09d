"""What the commands' argument parsers have in common."""

import argparse
from typing import NoReturn

from hsi.runtime.errors import OptionError
from hsi.runtime.uri import redact_words


class CommandParser(argparse.ArgumentParser):
    """A parser whose complaint is an :class:`OptionError` of one line, without passwords.

    argparse itself prints the whole usage, ends the process, and quotes the words it does not
    like, which may be a camera's address.
    """

    def error(self, message: str) -> NoReturn:
        """Raise OptionError."""
        raise OptionError(f"{redact_words(message)}: see {self.prog} --help")
