"""Times what a user waits for, in a fresh clone with this environment: `python bench/end_to_end.py`.

Writes bench/results/end_to_end.json: the whole run of the shipped preset, both tools with nothing to do, and the
rebuild after an edit of a template. Installing is not counted; downloading the data is.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from pipeline.workflow import provenance

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def seconds(folder: Path, *command: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stdout=sys.stderr)
    return round(time.perf_counter() - started, 2)


def median(folder: Path, *command: str) -> float:
    return sorted(seconds(folder, *command) for _ in range(3))[1]


def about(command: str) -> dict[str, str]:
    """What every result file says of how it was made."""
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": provenance.commit(),
        "hardware": f"{provenance.processor()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    made = about("python bench/end_to_end.py")
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        measured = {"whole run": seconds(clone, "snakemake", "--cores", "4")}
        measured["snakemake, nothing to do (median of 3)"] = median(clone, "snakemake", "--cores", "4")
        measured["dvc repro, nothing to do (median of 3)"] = median(clone, "dvc", "repro")
        with open(clone / "site_templates" / "base.html.jinja", "a") as opened:
            opened.write("{# edited #}\n")
        measured["snakemake after an edit of a template"] = seconds(clone, "snakemake", "--cores", "4")
    made |= {"seconds": measured}
    (ROOT / "bench" / "results" / "end_to_end.json").write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps(made, indent=2))
