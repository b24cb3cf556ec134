"""`portal bench` runs from nothing, measures, and leaves its findings for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_a_quick_run_measures_a_cached_tile_beside_its_floor(tmp_path: Path) -> None:
    out = tmp_path / "findings.json"
    done = subprocess.run(
        [sys.executable, "-m", "portal.bench", "--quick", "--only", "cached-tile", "--json", str(out)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    report = json.loads(out.read_text())
    assert report["failed"] == {}
    found = report["findings"][0]
    assert (found["bench"], found["bar"]) == ("cached-tile", 1.4)
    assert found["ours"] > 0 < found["floor"]
    assert found["machine"]["cores"] >= 1
