"""List the layers of one model's networks, from the live modules."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.models import configured, family
from pipeline.models.base import count
from pipeline.networks import describe
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="describe", description=__doc__)
    cli.add_argument("--model", required=True, help="its name in params.yaml")
    cli.add_argument("--family", required=True, help="the file in pipeline/models/")
    cli.add_argument("--config", type=json.loads, required=True, help="what differs from the family's defaults")
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--networks", type=Path, required=True)
    args = cli.parse_args(argv)

    kind = family(args.family)
    classes = len(artifacts.read_dataset(args.dataset).class_names)
    model = kind(configured(kind, args.config, classes, f"models.{args.model}"))
    artifacts.write_json(
        args.networks,
        {"model": args.model, "family": args.family, "parameters": count(model), "networks": describe(model)},
    )


if __name__ == "__main__":
    run(main)
