"""The one failure that a user sees: a plain sentence, and where to read more."""

from pathlib import Path


class SetupError(Exception):
    """Something that the user must know.

    `sentence` says what is wrong and what to do about it; `log` is the file with the details.
    """

    def __init__(self, sentence: str, *, log: Path | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.log = log
