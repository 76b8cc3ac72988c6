"""Times what a user waits for, in a fresh clone with this environment: `python bench/end_to_end.py [COMMIT]`.

Writes bench/results/end_to_end.json: the whole run of the shipped preset with its parts by rule, both tools with
nothing to do, and the rebuild after an edit of a template. With a commit the same is measured of it, in the same
session, and the ratios are given. Installing is not counted; downloading the data is.
"""

import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from pipeline.workflow import job_history, provenance

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
WHOLE = ("snakemake", "--cores", "4")


def seconds(folder: Path, *command: str) -> tuple[float, float]:
    """Return the wall-clock and the CPU seconds of a command and all its processes."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stdout=sys.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(time.perf_counter() - started, 2), round(spent, 1)


def median(folder: Path, *command: str) -> float:
    """Return the median wall-clock seconds of three runs."""
    return sorted(seconds(folder, *command)[0] for _ in range(3))[1]


def parts(folder: Path) -> dict[str, dict[str, float]]:
    """Return the number of jobs of each rule and their wall-clock seconds, added up, longest first."""
    records = job_history.read(folder / ".snakemake" / "metadata")
    jobs = {record["shellcmd"]: record for record in records.values()}
    found: dict[str, list[float]] = defaultdict(list)
    for record in jobs.values():
        found[record["rule"]].append(record["endtime"] - record["starttime"])
    ordered = sorted(found.items(), key=lambda rule: -sum(rule[1]))
    return {rule: {"jobs": len(spent), "seconds": round(sum(spent), 1)} for rule, spent in ordered}


def measured(commit: str, clone: Path) -> dict[str, object]:
    """Measure one commit in a fresh clone."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=clone, check=True)
    wall, cpu = seconds(clone, *WHOLE)
    found: dict[str, object] = {"whole run": wall, "whole run, CPU seconds": cpu}
    found["snakemake, nothing to do (median of 3)"] = median(clone, *WHOLE)
    found["dvc repro, nothing to do (median of 3)"] = median(clone, "dvc", "repro")
    with open(clone / "site_templates" / "base.html.jinja", "a") as opened:
        opened.write("{# edited #}\n")
    found["snakemake after an edit of a template"] = seconds(clone, *WHOLE)[0]
    return {"seconds": found, "seconds by rule": parts(clone)}


def about(command: str) -> dict[str, str]:
    """Return what every result file says of how it was made."""
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": provenance.commit(),
        "hardware": f"{provenance.processor()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    made: dict[str, object] = dict(about(f"python bench/end_to_end.py {' '.join(sys.argv[1:])}".strip()))
    with tempfile.TemporaryDirectory() as temporary:
        made |= measured("HEAD", Path(temporary) / "clone")
        for commit in sys.argv[1:]:
            before = measured(commit, Path(temporary) / commit)
            now, then = made["seconds"], before["seconds"]
            assert isinstance(now, dict) and isinstance(then, dict)
            made[f"commit {commit}"] = before
            made[f"ratio to {commit}"] = {name: round(now[name] / then[name], 2) for name in now}
    (ROOT / "bench" / "results" / "end_to_end.json").write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps(made, indent=2))
