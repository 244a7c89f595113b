"""The report of `benchmarks.robustness`: tables in Markdown, and a plot."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from benchmarks.machine import commit
from benchmarks.queries import WAYS

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmarks.robustness import Outcome
    from benchmarks.transformations import Transformation
    from benchmarks.unrelated import Unrelated

_INTRODUCTION = """# Robustness

Made by `python -m benchmarks.robustness` on {date}, of commit {commit}, from {photographs} photographs of as many
scenes ([photographs.txt](photographs.txt)), {transformations} transformations of each
([transformations.py](transformations.py)) and {pictures} unrelated pictures. Everything is at the kind's default
threshold, and at the quality that a bank asks for by default. Copies are JPEG of quality 90 where nothing else is said.

![Recall and false matches](robustness.png)

## Recall

Per cent of the copies that are found with orientations and border view, and in brackets, where they differ, with the
stored orientation of the whole image alone. The constants of the border finder were chosen on these photographs.
Where a photograph has uniform margins of its own, those go with the border, and its copy is missed.

"""
_UNRELATED = """
## False matches

All pairs of pictures of different photographs: whole photographs, and the tiles of grids of 3, 5 and 8 a side that
are at least 64 pixels wide and high. The photographs were chosen by eye, one of a scene, before any hash was known,
and no pair of them was left out afterwards; pairs within one photograph are not counted. Tiles of one photograph
resemble one another, so that the pairs are less independent than they are many.

"""
_BORDERED = """
The same for queries within black bars of a sixth of their height (whole photographs and the tiles of 3 a side),
against pictures without: what looking within borders costs where there are borders.

"""
_FALSE = ("kind", "pairs", *WAYS, "both, of a million pairs")
_NEAREST = """
The whole photographs that come nearest to one another, with orientations and border view:

"""


def write(
    folder: Path, names: Sequence[str], changes: Sequence["Transformation"], outcomes: Sequence["Outcome"]
) -> None:
    """Write `robustness.md` and `robustness.png`; `names` are those of the photographs."""
    introduction = _INTRODUCTION.format(
        date=datetime.now(UTC).date(),
        commit=commit(),
        photographs=len(names),
        transformations=len(changes),
        pictures=f"{outcomes[0].pictures:,}",
    )
    heads = [f"{outcome.kind} ≤ {outcome.threshold}" for outcome in outcomes]
    parts = [
        introduction,
        *_table(("family", "parameter", *heads), _recall_rows(changes, outcomes)),
        "\nMeans over the families, and what each way of looking adds:\n\n",
        *_table(("kind", "photographs", *WAYS), _summary_rows(changes, outcomes)),
        _UNRELATED,
        *_table(_FALSE, (_false_row(outcome, outcome.unrelated) for outcome in outcomes)),
        _BORDERED,
        *_table(_FALSE, (_false_row(outcome, outcome.bordered) for outcome in outcomes)),
        _NEAREST,
        *_table(("kind", "distance", "photographs"), _nearest_rows(names, outcomes)),
    ]
    (folder / "robustness.md").write_text("".join(parts))
    _plot(folder / "robustness.png", changes, outcomes)


def families(changes: Sequence["Transformation"]) -> dict[str, list[int]]:
    """The positions of each family's transformations."""
    found: dict[str, list[int]] = {}
    for position, change in enumerate(changes):
        found.setdefault(change.family, []).append(position)
    return found


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |\n"


def _recall_rows(changes: Sequence["Transformation"], outcomes: Sequence["Outcome"]) -> Iterator[list[str]]:
    recalls = [outcome.recall() for outcome in outcomes]
    for position, change in enumerate(changes):
        cells = []
        for recall in recalls:
            plain, both = (f"{100 * share:.0f}" for share in recall[position][[0, -1]])
            cells.append(both if plain == both else f"{both} ({plain})")
        yield [change.family, change.parameter, *cells]


def _summary_rows(changes: Sequence["Transformation"], outcomes: Sequence["Outcome"]) -> Iterator[list[object]]:
    for outcome in outcomes:
        recall = outcome.recall()
        means = np.mean([recall[positions].mean(axis=0) for positions in families(changes).values()], axis=0)
        yield [outcome.kind, outcome.photographs, *(f"{mean:.1%}" for mean in means)]


def _false_row(outcome: "Outcome", measured: "Unrelated") -> list[object]:
    counts = measured.histograms[:, : outcome.threshold + 1].sum(axis=1)
    return [
        outcome.kind,
        f"{measured.pairs:,}",
        *(f"{count:,}" for count in counts),
        f"{1e6 * counts[-1] / measured.pairs:,.1f}",
    ]


def _nearest_rows(names: Sequence[str], outcomes: Sequence["Outcome"]) -> Iterator[list[object]]:
    for outcome in outcomes:
        for distance, one, other in outcome.unrelated.nearest[:3]:
            yield [outcome.kind, distance, f"{names[one]}, {names[other]}"]


def _plot(path: Path, changes: Sequence["Transformation"], outcomes: Sequence["Outcome"]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.5), layout="constrained")
    _plot_recall(left, changes, outcomes)
    for outcome in outcomes:
        measured, bits = outcome.unrelated, outcome.unrelated.histograms.shape[1] - 1
        rates = 1e6 * measured.histograms[-1].cumsum() / measured.pairs
        shown = (rates > 0) & (np.arange(bits + 1) <= bits * 0.3)
        shares = np.arange(bits + 1) / bits
        (line,) = right.plot(shares[shown], rates[shown], label=f"{outcome.kind} ({bits} bits)")
        right.axvline(outcome.threshold / bits, color=line.get_color(), linestyle=":")
    right.set(xlabel="threshold, share of the bits; dotted: default", yscale="log")
    right.set(title="False matches a million unrelated pairs,\nwith orientations and border view")
    right.legend()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _plot_recall(axes: "Axes", changes: Sequence["Transformation"], outcomes: Sequence["Outcome"]) -> None:
    groups = families(changes)
    height = 0.8 / len(outcomes)
    for number, outcome in enumerate(outcomes):
        recall = outcome.recall()
        means = np.array([recall[positions].mean(axis=0) for positions in groups.values()])
        places = np.arange(len(groups)) + number * height
        axes.barh(places, means[:, -1], height, label=outcome.kind)
        axes.plot(means[:, 0], places, "k|", label="stored orientation of the whole alone" if not number else None)
    axes.set_yticks(np.arange(len(groups)) + 0.4 - height / 2, list(groups))
    axes.invert_yaxis()
    axes.set(xlabel="recall", title="Recall at the default threshold, means of the families")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.08), ncols=5, fontsize="small", columnspacing=1)
