"""Whether a run that was cut off ended as one that was not."""

import json
from pathlib import Path

import numpy as np
import orbax.checkpoint as ocp
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def final_arrays(folder: Path) -> dict[str, np.ndarray]:
    """What the newest checkpoint holds."""
    manager = ocp.CheckpointManager(folder / "checkpoints")
    return manager.restore(manager.latest_step(), args=ocp.args.Composite(arrays=ocp.args.StandardRestore())).arrays


def assert_equal_runs(folder: Path, other: Path) -> None:
    """Two finished runs have the same weights, optimizer, metrics, results and curves, whatever happened to them."""
    ours, theirs = final_arrays(folder), final_arrays(other)
    assert ours.keys() == theirs.keys()
    assert any("optimizer" in name for name in ours)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    results = [json.loads((place / "result.json").read_text()) for place in (folder, other)]
    assert results[0]["seeds"] == results[1]["seeds"]
    rows = [
        [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()] for place in (folder, other)
    ]
    timeless = [[{k: v for k, v in row.items() if k != "steps_per_second"} for row in lines] for lines in rows]
    assert timeless[0] == timeless[1]
    logged = [row["step"] for row in timeless[0] if row["split"] == "train" and row["seed"] == timeless[0][0]["seed"]]
    assert steps_on_board(folder) == steps_on_board(other) == logged


def steps_on_board(folder: Path) -> list[int]:
    """The steps at which TensorBoard shows a training loss."""
    events = EventAccumulator(str(folder / "tb" / "train"))
    events.Reload()
    return [point.step for point in events.Scalars("loss")]
