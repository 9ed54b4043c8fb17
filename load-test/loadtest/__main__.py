"""`python -m loadtest`: run a load test, print the report, and say with the exit code how it went.

0: nothing lost. 1: something was. 2: it could not be found out.
"""

import asyncio
import json
import sys

from loadtest.options import parse
from loadtest.report import render, verdict
from loadtest.run import UnreachableError, run
from loadtest.selftest import self_test

EXIT = {"ok": 0, "lost": 1, "unknown": 2}


def main() -> int:
    """Return the exit code."""
    options = parse()
    if options.self_test:
        return asyncio.run(self_test(options))
    asked = f"{options.rate:,.0f} logs/s" if options.rate else "as many logs as it takes"
    print(f"Posting {asked} for {options.duration:g} s to {options.gateway},")
    print(f"in batches of {options.batch_size} over {options.connections} connections.")
    try:
        report = asyncio.run(run(options, say=lambda line: print(line, flush=True)))
    except UnreachableError as exc:
        print(f"The load test cannot run: {exc}.", file=sys.stderr)
        return EXIT["unknown"]
    except KeyboardInterrupt:
        return 130
    print(render(report))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return EXIT[verdict(report)]


if __name__ == "__main__":
    sys.exit(main())
