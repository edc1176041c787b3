"""The layer beside other libraries' layers: the same work, in turn, in one run.

python -m benchmarks.peers                                      LSTM and GRU, six shapes, all libraries that are here
python -m benchmarks.peers --torch_python=PATH                  PyTorch from another environment
python -m benchmarks.peers --cells=lstm --shapes="B1000,T20,D1,H24;B32,T100,D32,H512" --passes=both
python -m benchmarks.peers --json=peers.json --plot=peers.png --markdown=RESULTS.md
"""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import plots, record, settings, tables, work
from benchmarks.participants import MATMUL, PEERS
from benchmarks.process import NotMeasuredError
from benchmarks.results import Measurement, best_rate, exit_status
from benchmarks.tournament import Conditions, Tournament
from experiments import options
from lstm_jax.runs import folder as folders
from lstm_jax.settings import SettingError, check_ranges, setting

GRID = "B1000,T20,D1,H24;B100,T20,D1,H24;B256,T64,D1,H128;B128,T128,D64,H256;B32,T100,D32,H512;B1,T3,D1,H512"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is compared, under which conditions, and where the results go."""

    peers: str = setting(",".join(PEERS), f"who takes part: some of {', '.join(PEERS)}")
    shapes: str = setting(GRID, "batch, time, features and hidden units of each piece of work")
    cells: str = setting(",".join(work.CELLS), f"kinds of layer: some of {', '.join(work.CELLS)}")
    passes: str = setting(",".join(work.PASSES), f"what is timed: some of {', '.join(work.PASSES)}")
    repetitions: int = setting(9, "turns of each contestant", minimum=1, maximum=10_000)
    starts: int = setting(3, "processes of each one after another, which share its turns", minimum=1, maximum=1_000)
    dtype: str = setting("float32", "type of weights and inputs", choices=("float32", "bfloat16"))
    matmul_precision: str = setting("default", "highest: no TF32 on a GPU, for anyone", choices=("default", "highest"))
    matmul_size: int = setting(4096, "rows of the large matrix product", minimum=16, maximum=65_536)
    platform: str = setting("auto", "where to compute", choices=("auto", "cpu", "gpu"))
    torch_python: str = setting(sys.executable, "interpreter that has torch and NumPy")
    json: str = setting("", "file for every number that was measured")
    plot: str = setting("", "file for the picture, .png or .svg")
    markdown: str = setting("", "file for the tables as a document")

    def check(self) -> None:
        """Raises SettingError for the first setting that cannot be used."""
        check_ranges(self)
        settings.parse_names("peers", self.peers, list(PEERS))
        work.parse_shapes("shapes", self.shapes)
        settings.parse_names("cells", self.cells, work.CELLS)
        settings.parse_names("passes", self.passes, list(work.PASSES))
        settings.check_file("json", self.json)
        settings.check_file("plot", self.plot, settings.PICTURES)
        settings.check_file("markdown", self.markdown)

    @property
    def conditions(self) -> Conditions:
        """What holds for all contestants."""
        turns = self.repetitions, min(self.starts, self.repetitions)
        return Conditions(self.platform, self.dtype, self.matmul_precision, *turns, self.torch_python)


def main() -> int:
    """Measures, shows and writes; the exit status is 1 if a contestant computes something else, or none could."""
    chosen: Settings = settings.read_flags(Settings())
    chosen.check()
    console = Console(highlight=False)
    names = settings.parse_names("peers", chosen.peers, list(PEERS))
    with tempfile.TemporaryDirectory() as folder, Tournament(names, chosen.conditions, Path(folder)) as tournament:
        try:
            platform = tournament.platform
        except NotMeasuredError as error:
            raise SettingError("platform", chosen.platform, f"cannot be used here: {error}") from None
        with console.status("measuring a large matrix product"):
            matmul = tournament.matmul_gflops(chosen.matmul_size)
        content: dict[str, Any] = {
            **record.occasion(),
            "machine": record.machine(tournament.about),
            "platform": platform,
            "conditions": {key: getattr(chosen.conditions, key) for key in record.CONDITIONS},
            "matmul_gflops": matmul,
            "matmul_not_measured": {way: tournament.missing[way] for way in MATMUL if way in tournament.missing},
        }
        console.print("\n".join(record.describe(content)), soft_wrap=True)
        measurements = measure_all(tournament, chosen, console, best_rate(matmul))
    for heading, rows in tables.summaries(measurements):
        console.print("", tables.for_terminal(f"{heading}: time, and relative to lstm_jax", rows))
    console.print("", *tables.remarks(measurements), sep="\n", style="bold red", soft_wrap=True)
    write(chosen, content, measurements)
    return exit_status(measurements)


def measure_all(tournament: Tournament, chosen: Settings, console: Console, matmul: float | None) -> list[Measurement]:
    """Every cell, shape and pass; each is shown as soon as it is known."""
    found = []
    for cell in settings.parse_names("cells", chosen.cells, work.CELLS):
        for shape in work.parse_shapes("shapes", chosen.shapes):
            for which in settings.parse_names("passes", chosen.passes, list(work.PASSES)):
                with console.status("") as status:
                    group = tournament.measure(cell, which, shape, lambda doing: status.update(doing))
                found.extend(group)
                if group:
                    console.print("", tables.for_terminal(tables.title(group[0]), tables.details(group, matmul)))
    return found


def write(chosen: Settings, content: dict[str, Any], measurements: list[Measurement]) -> None:
    """Writes the files that were asked for."""
    best = best_rate(content["matmul_gflops"])
    if chosen.json:
        results = [one.record(best) for one in measurements]
        folders.write_json(Path(chosen.json), {**content, "results": results})
    if chosen.plot:
        plots.relative_times(measurements).savefig(chosen.plot)
    if chosen.markdown:
        picture = record.link(chosen.plot, chosen.markdown)
        others = record.beside(Path(chosen.markdown).absolute())
        Path(chosen.markdown).write_text(record.markdown(content, measurements, picture, others))


if __name__ == "__main__":
    settings.define_flags(Settings())
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
