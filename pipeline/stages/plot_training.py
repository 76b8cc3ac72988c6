"""Plot a model's networks, its losses, and the diagnostics, snapshots and film of its first training."""

from pathlib import Path

from pipeline.analysis.alarms import Alarm, Trained
from pipeline.core import artifacts
from pipeline.figures import diagnostics, film, losses, networks, snapshots
from pipeline.figures.style import svg
from pipeline.stages.cli import run


def main(
    *,
    networks_file: Path,
    history_files: list[Path],
    record_file: Path,
    diagnostics_file: Path,
    snapshot_labels_file: Path,
    alarms_file: Path,
    snapshots_file: Path,
    losses_picture: Path,
    networks_picture: Path,
    diagnostics_picture: Path,
    snapshots_picture: Path,
    film_picture: Path,
    film_table: Path,
) -> None:
    """Write the plots of one model.

    Args:
        networks_file: the layers of its networks.
        history_files: the logged terms of each training, the first one first.
        record_file: a training record, for the terms of each objective.
        diagnostics_file: the diagnostics of the first training.
        snapshot_labels_file: the shares of predicted labels in its snapshots.
        alarms_file: its alarms.
        snapshots_file: samples at several of its steps.
        losses_picture: to write.
        networks_picture: to write.
        diagnostics_picture: to write.
        snapshots_picture: to write: samples of a few steps.
        film_picture: to write: samples during the training, as frames of a film.
        film_table: to write.
    """
    histories = [artifacts.read_table(path) for path in history_files]
    objectives = artifacts.read_json(record_file)["objectives"]
    architecture = artifacts.read_json(networks_file)["networks"]
    artifacts.write_bytes(losses_picture, svg(losses.losses(histories, objectives)))
    artifacts.write_bytes(networks_picture, svg(networks.diagram(architecture)))
    trained = Trained(histories[0], artifacts.read_table(diagnostics_file), artifacts.read_table(snapshot_labels_file))
    alarms = [Alarm(*row) for row in artifacts.read_table(alarms_file).itertuples(index=False)]
    artifacts.write_bytes(diagnostics_picture, svg(diagnostics.diagnostics(trained, alarms)))
    per_epoch = histories[0]["step"].iloc[-1] / histories[0]["epoch"].iloc[-1]
    seen = artifacts.read_arrays(snapshots_file)
    artifacts.write_bytes(snapshots_picture, svg(snapshots.snapshots(seen["steps"], seen["images"], per_epoch)))
    sheet, table = film.film(seen["steps"], seen["images"], per_epoch)
    artifacts.write_bytes(film_picture, sheet)
    artifacts.write_table(film_table, table)


if __name__ == "__main__":
    run(main)
