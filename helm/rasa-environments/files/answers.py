# ruff: noqa: INP001 - no module of a package, but what a pod runs
"""What `helm test` runs in the image: every address given has to answer with 200."""

import sys
import time
import urllib.error
import urllib.request

SECONDS = 60.0


def answer(address: str) -> str:
    """Return the status that the address answers with, such as "200", or what went wrong."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 - the chart gives http addresses
            return str(response.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(200).decode(errors='replace').strip()}"
    except OSError as error:
        return str(error)


def main() -> int:
    """Request each address until it answers with 200 or the time is up, and return the exit code."""
    deadline = time.monotonic() + SECONDS
    for address in sys.argv[1:]:
        while (said := answer(address)) != "200" and time.monotonic() < deadline:
            time.sleep(1)
        sys.stdout.write(f"{address}: {said}\n")
        if said != "200":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
