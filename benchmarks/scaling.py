"""How time and memory of the layer grow with the length, the width, the batch, and the members of a population.

python -m benchmarks.scaling                                    four curves of time and memory, and long sequences
python -m benchmarks.scaling --members= --hidden=64,256,1024    without members; other widths
python -m benchmarks.scaling --time= --hidden= --batch= --members=   a million symbols with recomputation, no curves
python -m benchmarks.scaling --json=scaling.json --plot=scaling.png --markdown=SCALING.md
"""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import curves, long, record, settings, tables, work
from benchmarks.curves import Curve, Point
from benchmarks.long import Run
from benchmarks.process import ROOT, NotMeasuredError
from experiments import options
from lstm_jax.runs import folder as folders
from lstm_jax.settings import SettingError, check_ranges, setting


@dataclasses.dataclass(frozen=True)
class Settings:
    """From where each curve starts, its points, and where the results go."""

    base: str = setting("B128,T64,D1,H64", "layer of which one size at a time is changed")
    time: str = setting("16,32,64,128,256,512,1024,2048", "lengths T; empty: no such curve")
    hidden: str = setting("16,32,64,128,256,512,1024", "hidden units H; empty: no such curve")
    batch: str = setting("16,64,256,1024,4096,16384", "batches B; empty: no such curve")
    members: str = setting("1,2,4,8,16,32", "members of a population; empty: no such curve")
    long: str = setting("10000,100000,1000000", "lengths T of one sequence, with --remat and without; empty: none")
    remat: int = setting(1000, "symbols of a segment that is computed anew, in long sequences", minimum=1)
    cell: str = setting("lstm", "kind of layer", choices=work.CELLS)
    repetitions: int = setting(5, "repetitions of each point", minimum=1, maximum=10_000)
    platform: str = setting("auto", "where to compute", choices=("auto", "cpu", "gpu", "tpu"))
    json: str = setting("", "file for every number that was measured")
    plot: str = setting("", "file for the picture, .png or .svg")
    markdown: str = setting("", "file for the tables as a document")

    def check(self) -> None:
        """Raises SettingError for the first setting that cannot be used."""
        check_ranges(self)
        if len(work.parse_shapes("base", self.base)) > 1:
            raise SettingError("base", self.base, "must be one shape like B128,T64,D1,H64")
        wanted = [self.lengths, *self.points.values()]
        if not any(wanted):
            raise SettingError("time", self.time, "must name a length at least, or another curve or --long some sizes")
        settings.check_file("json", self.json)
        settings.check_file("plot", self.plot, settings.PICTURES)
        settings.check_file("markdown", self.markdown)

    @property
    def points(self) -> dict[str, list[int]]:
        """The sizes of each curve."""
        return {name: sorted(set(settings.parse_integers(name, getattr(self, name)))) for name in curves.AXES}

    @property
    def lengths(self) -> list[int]:
        """Those of the long sequences."""
        return sorted(set(settings.parse_integers("long", self.long)))


def main() -> int:
    """Measures, shows and writes; the exit status is 1 if a point could not be measured."""
    chosen: Settings = settings.read_flags(Settings())
    chosen.check()
    console = Console(highlight=False)
    try:
        idle = measure_point("idle", {}, chosen)
    except NotMeasuredError as error:
        raise SettingError("platform", chosen.platform, f"cannot be used here: {error}") from None
    content: dict[str, Any] = {
        **record.occasion(),
        "machine": record.machine({"lstm_jax": idle}),
        "settings": dataclasses.asdict(chosen),
        "platform": idle["platform"],
        "idle_bytes": idle["peak_bytes"],
    }
    console.print("\n".join(curves.describe(content)), soft_wrap=True)
    found, failed = [], False
    for name in (name for name, sizes in chosen.points.items() if sizes):
        curve, reasons = measure_curve(name, chosen, idle["peak_bytes"], console)
        failed = failed or bool(reasons)
        console.print("", tables.for_terminal(curve.title, curve.table()), *reasons, sep="\n")
        found.append(curve)
    runs, reasons = measure_long(chosen, console) if chosen.lengths else ([], [])
    if any(run.points for run in runs):
        console.print("", tables.for_terminal(long.title(runs), long.table(runs)), sep="\n")
        console.print(long.verdict(runs), soft_wrap=True)
    console.print(*reasons, sep="\n", end="\n" if reasons else "", soft_wrap=True)
    write(chosen, content, found, [run for run in runs if run.points])
    return 1 if failed or reasons else 0


def measure_curve(name: str, chosen: Settings, idle: int, console: Console) -> tuple[Curve, list[str]]:
    """The points of one curve from small to large, and why some are missing; after a failure no larger one is tried."""
    base = dataclasses.asdict(work.parse_shapes("base", chosen.base)[0])
    kind = "population" if name == "members" else "layer"
    curve = Curve(name, curves.base_of(name, base))
    for size in chosen.points[name]:
        with console.status(f"{curve.title}: {size}"):
            try:
                answer = measure_point(kind, {**curve.base, name: size}, chosen)
            except NotMeasuredError as error:
                return curve, [f"not measured from {size} on: {error}"]
        curve.points.append(Point(size, answer["seconds"], max(0, answer["peak_bytes"] - idle)))
    return curve, []


def measure_long(chosen: Settings, console: Console) -> tuple[list[Run], list[str]]:
    """One sequence, all kept and computed anew in turn, and why points are missing; after a failure none longer."""
    base = {**dataclasses.asdict(work.parse_shapes("base", chosen.base)[0]), "batch": 1}
    runs, reasons = [Run(remat, base) for remat in (0, chosen.remat)], {}
    for length in chosen.lengths:
        for run in (run for run in runs if run.label not in reasons):
            with console.status(f"long sequences: {length:,}, {run.label}"):
                try:
                    answer = measure_point("long", {**base, "time": length}, chosen, remat=run.remat)
                except NotMeasuredError as error:
                    reasons[run.label] = f"not measured from T = {length:,} on, {run.label}: {error}"
                    continue
            run.points.append(Point(length, answer["seconds"], answer["peak_bytes"]))
    return runs, list(reasons.values())


def measure_point(kind: str, sizes: dict[str, int], chosen: Settings, **more: int) -> dict[str, Any]:
    """What a process of its own measures.

    Raises:
        NotMeasuredError: it failed; the message is the reason.
    """
    told = {"cell": chosen.cell, "repetitions": chosen.repetitions, "platform": chosen.platform, **more}
    request = json.dumps({"kind": kind, "sizes": sizes, "settings": told})
    command = [sys.executable, "-m", "benchmarks.point", request]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        ended = f"its process ended by signal {-done.returncode}" if done.returncode < 0 else ""
        raise NotMeasuredError(ended or (lines[-1] if lines else f"its process ended with status {done.returncode}"))
    return json.loads(done.stdout.splitlines()[-1])


def write(chosen: Settings, content: dict[str, Any], found: list[Curve], runs: list[Run]) -> None:
    """Writes the files that were asked for."""
    if chosen.json:
        measured = {"curves": [curve.record() for curve in found], "long": [run.record() for run in runs]}
        folders.write_json(Path(chosen.json), {**content, **measured})
    if chosen.plot:
        column = (lambda above, below: long.draw(above, below, runs)) if runs else None
        curves.draw(found, column).savefig(chosen.plot)
    if chosen.markdown:
        document = curves.markdown(content, found, record.link(chosen.plot, chosen.markdown))
        Path(chosen.markdown).write_text(document + ("\n" + long.markdown(runs) if runs else ""))


if __name__ == "__main__":
    settings.define_flags(Settings())
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
