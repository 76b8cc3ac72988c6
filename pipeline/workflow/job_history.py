"""Read Snakemake's records of the jobs behind some files: rules, times, and digests of inputs."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Hold one job that succeeded."""

    rule: str
    takes_from: frozenset[str]  # the rules that made its inputs
    seconds: float


@dataclass(frozen=True)
class History:
    """Hold the jobs behind some files; empty if Snakemake's records are missing."""

    jobs: Sequence[Job] = ()
    last: frozenset[str] = frozenset()  # the rules that made the files themselves
    digests: Mapping[str, str] = field(default_factory=dict)  # sha256, in hex, of each input of a job


def history(files: Iterable[str], folder: Path) -> History:
    """Return all jobs behind some files, directly or through inputs of jobs, and no job of another run.

    Args:
        files: their paths, as the Snakefile spells them.
        folder: Snakemake's records, `.snakemake/metadata`.
    """
    records = read(folder)
    wanted = list(files)
    last = frozenset(records[file]["rule"] for file in wanted if file in records)
    jobs: dict[str, dict[str, Any]] = {}  # by command: a job has a record for each of its files
    seen: set[str] = set()
    while wanted:
        file = wanted.pop()
        if file in records and file not in seen:
            seen.add(file)
            record = records[file]
            jobs[record["shellcmd"]] = max(jobs.get(record["shellcmd"], record), record, key=ended)
            wanted += record["input"]
    in_time = sorted(jobs.values(), key=ended)
    return History([job(record, records) for record in in_time], last, digests(in_time))


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of jobs that succeeded, by output file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                record = json.loads(path.read_text("utf-8"))
            except json.JSONDecodeError:
                continue  # Snakemake is writing this record, as another job has just ended.
            if not record.get("incomplete") and record.get("endtime"):
                found[file_of(path.relative_to(folder))] = record
    return found


def file_of(record: Path) -> str:
    """Return the output file of a record, whose name is that path in base64, cut into @ folders if it is long."""
    encoded = "".join(part.removeprefix("@") for part in record.parts)
    return base64.urlsafe_b64decode(encoded).decode()


def ended(record: Mapping[str, Any]) -> float:
    """Return the time at which a job ended."""
    return record["endtime"]


def job(record: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> Job:
    """Return the job of a record, with the rules that made its inputs."""
    before = {records[file]["rule"] for file in record["input"] if file in records}
    return Job(record["rule"], frozenset(before - {record["rule"]}), record["endtime"] - record["starttime"])


def digests(in_time: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sha256 of each input of the jobs, as the last job found it."""
    found = {}
    for record in in_time:
        for file, digest in record.get("input_checksums", {}).items():
            kind, _, value = digest.partition(":")
            if kind == "sha256":
                found[file] = value
    return found
