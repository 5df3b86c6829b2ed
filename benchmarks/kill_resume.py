"""Kill training runs with SIGKILL at random moments, half of them inside a save, and resume them until they are done.

    python benchmarks/kill_resume.py --kills 1000 --seed 0

Every finished run must have the weights, running statistics and history of a run that was never stopped, bit for bit.
Exits with 1 at the first that has not. A thousand kills take about ten minutes on one core.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from training.killing import campaign


def main() -> None:
    """Parse the arguments, run, and print one line of counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()

    def report(counts: dict[str, int]) -> None:
        done = counts["killed"] + counts["saving"]
        if done % 50 == 0:
            print(f"{done}/{options.kills} kills, {counts['runs']} runs done", file=sys.stderr, flush=True)

    try:
        counts = campaign(options.kills, options.seed, report)
    except AssertionError as error:
        sys.exit(f"FAILED: {error}")
    print(
        f"{counts['killed']} kills at random moments and {counts['saving']} inside a save: all {counts['runs']} runs "
        f"ended with bit-identical weights and history ({time.perf_counter() - began:.0f} s, seed {options.seed})"
    )


if __name__ == "__main__":
    main()
