"""What Snakemake remembers of the jobs that made some files: rules, times, and digests of what they took in."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One job that ended well."""

    rule: str
    takes_from: frozenset[str]  # the rules whose files it took in
    seconds: float


@dataclass(frozen=True)
class History:
    """The jobs behind some files; empty where Snakemake's records are not here."""

    jobs: Sequence[Job] = ()
    last: frozenset[str] = frozenset()  # the rules that made the files themselves
    digests: Mapping[str, str] = field(default_factory=dict)  # sha256, in hex, of each file that a job took in


def history(files: Iterable[str], folder: Path) -> History:
    """All jobs that these files (as the Snakefile spells their paths) are made of, and no job of another run.

    Args:
        files: what to go back from, through the inputs of the jobs.
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
    """The records of jobs that ended well, by the file that each is of."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                record = json.loads(path.read_text("utf-8"))
            except json.JSONDecodeError:
                continue  # Another job ends at this moment, and Snakemake is writing.
            if not record.get("incomplete") and record.get("endtime"):
                found[file_of(path.relative_to(folder))] = record
    return found


def file_of(record: Path) -> str:
    """The file that a record is of: its path in base64, cut into folders that begin with @ where it is long."""
    encoded = "".join(part.removeprefix("@") for part in record.parts)
    return base64.urlsafe_b64decode(encoded).decode()


def ended(record: Mapping[str, Any]) -> float:
    return record["endtime"]


def job(record: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> Job:
    """A job, with the rules before it."""
    before = {records[file]["rule"] for file in record["input"] if file in records}
    return Job(record["rule"], frozenset(before - {record["rule"]}), record["endtime"] - record["starttime"])


def digests(in_time: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The sha256 of each file that a job took in, as the last of them found it."""
    found = {}
    for record in in_time:
        for file, digest in record.get("input_checksums", {}).items():
            kind, _, value = digest.partition(":")
            if kind == "sha256":
                found[file] = value
    return found
