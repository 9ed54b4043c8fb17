"""The failures that the whole house knows. An adapter decides which one happened."""


class PoisonError(Exception):
    """Will never parse, so retrying is useless: dead-letter it, then commit its offset."""


class TemporaryError(Exception):
    """May work later: retry, after `retry_after` seconds if the other side named a time."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UncertainError(TemporaryError):
    """May have worked already: the answer was lost. Look before repeating what repeats badly."""


class PermanentError(Exception):
    """Will fail however often it is tried."""


class StartupError(Exception):
    """The process cannot start; the message says in one sentence what is wrong."""
