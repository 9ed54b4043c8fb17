"""What Docker asks a container now and then: exit status 0 when the service takes work."""

import http.client
import os
import sys

ANSWER_SECONDS = 3


def address() -> tuple[int, str]:
    """Return the port and path to ask, from the same settings as the service itself."""
    prefix = os.environ.get("TOCSIN_SERVICE", "").upper().replace("-", "_")
    port = os.environ.get("TOCSIN_HEALTH_PORT") or os.environ[f"{prefix}_PORT"]
    return int(port), os.environ.get("TOCSIN_HEALTH_PATH", "/health/ready")


def main() -> int:
    port, path = address()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return int(answer.status != http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
