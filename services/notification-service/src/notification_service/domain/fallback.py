"""Who takes over when a receiver cannot be reached."""

from collections.abc import Sequence

from notification_service.domain.directory import Directory


def next_receiver(directory: Directory, visited: Sequence[str]) -> str | None:
    """Return the receiver that is tried after those in `visited`, or None at the chain's end.

    The list of the receiver that was ordered comes first, then the lists of those that took over.
    Nobody is asked twice, so that a chain that names itself still ends.
    """
    for name in visited:
        for candidate in directory.fallbacks.get(name, ()):
            if candidate not in visited and directory.receivers.get(candidate):
                return candidate
    return None
