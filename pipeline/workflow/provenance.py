"""Collect which code, settings, packages and machine made a site, and when."""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core.params import Params
from pipeline.workflow.job_history import History

PACKAGES = ("torch", "torchvision", "snakemake", "dvc", "numpy", "pandas", "matplotlib")


@dataclass(frozen=True)
class Provenance:
    """Hold when, where and from what this site was made."""

    commit: str
    settings: str  # digest of the resolved parameters
    versions: Mapping[str, str]
    platform: str
    date: str
    rules: Mapping[str, str] = field(default_factory=dict)  # of the Snakefile, in its order: name to what each does
    history: History = field(default_factory=History)


def collect(params: Params, rules: Mapping[str, str], jobs: History) -> Provenance:
    """Return the provenance of a site that is made now."""
    canonical = json.dumps(params.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    date = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return Provenance(
        commit=commit(),
        settings=hashlib.sha256(canonical.encode()).hexdigest()[:12],
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        platform=f"{platform.system()} {platform.machine()}, {processor()}",
        date=date.strftime("%Y-%m-%d %H:%M UTC"),
        rules=rules,
        history=jobs,
    )


def commit() -> str:
    """Return the commit of the working folder, with `-dirty` if files differ from it."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        described = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown (git is not installed)"
    return described.stdout.strip() or "not a git checkout"


def version(package: str) -> str:
    """Return the installed version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the name of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return named[1] if named else platform.processor() or "unknown processor"
