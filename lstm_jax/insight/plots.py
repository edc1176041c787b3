"""Pictures as arrays of pixels, [height, width, 3] bytes: no window, no file."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK = "#2f5d8a"


def bars(values: dict[int, float], name: str, measure: str) -> np.ndarray:
    """A bar for each value.

    Args:
        values: what is drawn, by its place on the horizontal axis.
        name: of the horizontal axis.
        measure: of the vertical axis; shares (0..1) are shown as percentages.
    """
    figure, axes = _new_figure()
    axes.bar(list(values), [100 * value for value in values.values()], color=INK)
    axes.set_xlabel(name)
    axes.set_ylabel(f"{measure} (%)")
    axes.set_xlim(min(values) - 0.6, max(values) + 0.6)  # or there would be ticks where there are no values
    axes.set_ylim(bottom=0)
    if not any(values.values()):
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "no mistakes", transform=axes.transAxes, ha="center", va="center", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"{measure} by {name}")
    return _pixels(figure)


def accuracy_by_length(accuracy: dict[int, float], trained: int) -> np.ndarray:
    """How far it carries: the share of right answers at each length.

    Args:
        accuracy: by length.
        trained: the longest length that was learned.
    """
    figure, axes = _new_figure()
    axes.plot(list(accuracy), [100 * share for share in accuracy.values()], color=INK)
    axes.axvline(trained, color="0.5", linestyle=":", label=f"learned up to {trained}")
    axes.set_xlabel("length")
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(-2, 102)
    axes.legend(frameon=False)
    axes.set_title("accuracy by length")
    return _pixels(figure)


def answers_over_time(
    said: Sequence[tuple[int, Sequence[float]]], title: str, name: str, right: int, lowest: int = 0
) -> np.ndarray:
    """How an answer forms while the network learns.

    Args:
        said: (step, outputs [C]) in the order of steps: probabilities of all answers, or a single number.
        title: above the picture.
        name: what an answer is called.
        right: the true answer.
        lowest: the answer that the first of several outputs stands for.
    """
    figure, axes = _new_figure()
    steps = [step for step, _ in said]
    outputs = np.array([outputs for _, outputs in said])
    if outputs.shape[1] == 1:
        axes.plot(steps, outputs[:, 0], color=INK, marker="o" if len(steps) == 1 else None, label="said")
        axes.set_ylim(min(outputs.min() - 0.25, right - 1), max(outputs.max() + 0.25, right + 1))
    else:
        middle = [(a + b) / 2 for a, b in itertools.pairwise(steps)]
        edges = [0, *middle, steps[-1]] if len(steps) > 1 else [0, steps[-1]]
        mesh = axes.pcolormesh(
            edges, lowest + np.arange(outputs.shape[1] + 1) - 0.5, outputs.T, vmin=0, vmax=1, cmap="Blues"
        )
        figure.colorbar(mesh, ax=axes, label="probability")
    axes.axhline(right, color="0.5", linestyle=":", label=f"right: {right}")
    axes.legend(frameon=False)
    axes.set_xlabel("step")
    axes.set_ylabel(name)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title, fontsize=8)
    return _pixels(figure)


def _new_figure():
    figure = Figure(figsize=(4.8, 3.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _pixels(figure: Figure) -> np.ndarray:
    canvas = figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]
