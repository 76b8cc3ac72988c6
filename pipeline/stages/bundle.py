"""Bundle a site into one HTML file, to be mailed. No rule calls this: `make site-single` does."""

import sys
from pathlib import Path

from pipeline.core import artifacts
from pipeline.report.single_file import bundle
from pipeline.stages.cli import run

LARGE = 8_000_000  # bytes of a file that a mailbox may refuse


def main(*, site_folder: Path, single_file: Path) -> None:
    """Write the whole site as one HTML file, which must lie outside the site folder."""
    if site_folder.resolve() in single_file.resolve().parents:
        raise ValueError(
            f"{single_file} should lie outside of the site, because rendering removes other files there; found it "
            f"inside {site_folder}. Name another file with --single-file."
        )
    document = bundle(site_folder).encode()
    artifacts.write_bytes(single_file, document)
    if len(document) > LARGE:
        print(
            f"{single_file} has {len(document) / 1e6:.1f} MB, and a mailbox may refuse more than {LARGE / 1e6:.0f}: "
            f"send the folder {site_folder} as a zip file instead.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run(main)
