"""`python -m release.chart`: writes the generated files of the Helm chart, or compares them with --check."""

import argparse
import sys
from collections.abc import Sequence

from local.helm import CHART
from release.chart.files import ROOT, differences, generated, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the files; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release.chart", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file differs")
    options = parser.parse_args(arguments)
    if options.check:
        problems = differences(CHART, generated())
        for problem in problems:
            sys.stderr.write(f"{CHART.relative_to(ROOT)}/{problem}; run `make generate` and commit the result\n")
        return 1 if problems else 0
    write(CHART, generated())
    return 0


if __name__ == "__main__":
    sys.exit(main())
