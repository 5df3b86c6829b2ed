"""kill -9 at any moment, during a save too: the resumed run ends with the bits of the run that never stopped.

In a process of its own, which forks. benchmarks/kill_resume.py does the same a thousand times.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_twenty_killed_runs_end_with_the_same_bits():
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, script, str(KILLS), "1"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["killed"] >= 5 and counts["saving"] >= 5 and counts["killed"] + counts["saving"] >= KILLS
    assert counts["runs"] >= 1 and counts["resumed"] >= KILLS // 2, (
        "the kills must hit runs that have something to lose"
    )


def test_the_comparison_of_bits_can_fail(tmp_path):
    import numpy as np

    from training.killing import same

    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, value in zip(folders, (1.0, 1.0, np.nextafter(1.0, 2)), strict=True):
        folder.mkdir()
        (folder / "result.json").write_text("{}")
        np.savez(folder / "result.npz", theta=np.array([value]), buffers=np.zeros(1))
    assert same(folders[0], folders[1]) and not same(folders[0], folders[2])
