"""How much of each source partition stage one has told for good."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Offsets before which every record's partials are stored, by source partition."""

    _settled: dict[int, int] = field(default_factory=dict)

    def settle(self, source: int, following: int) -> None:
        """Take note that all before `following` is told and stored, or is no more."""
        self._settled[source] = max(following, self.settled(source))

    def settled(self, source: int) -> int:
        """Return the offset before which all is settled."""
        return self._settled.get(source, 0)
