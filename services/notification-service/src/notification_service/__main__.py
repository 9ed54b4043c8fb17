"""`python -m notification_service`."""

import sys

from notification_service.app import main

if __name__ == "__main__":
    sys.exit(main())
