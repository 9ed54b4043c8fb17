"""The names of an alert's labels."""

import re
from typing import Final

_NO_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")


def label_of(field: str) -> str:
    """Return the label that a field of `groupBy` becomes: `attributes.k8s.pod` is `k8s_pod`."""
    label = _NO_LABEL.sub("_", field.removeprefix("attributes."))
    return f"_{label}" if label[0].isdigit() else label
