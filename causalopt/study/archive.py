"""An archive: results that take long, kept in a file beside the model that computes them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.ground.errors import ModelError
from causalopt.ground.files import only_one
from causalopt.study.declared import check_file_name, check_function, check_mapping
from causalopt.study.sealing import Damaged, read_sealed
from causalopt.study.storage import write_data

if TYPE_CHECKING:
    import xarray as xr

#: A label of a point, and what a setting is: what a file holds as it is.
Label = str | int | float


@dataclass(frozen=True)
class Archive:
    """Results at every point of a grid, which take minutes or hours, in a netCDF file.

    ``compute`` takes a label of each of ``over`` by name, such as ``compute(seed=3, rate=0.1)``,
    and gives a dataset without these dims, the same whenever it is asked. ``settings`` is what
    results depend on beside that: it is written into the file, and another is refused.

    A model reads what is in the file; ``causalopt remake MODEL`` computes it anew, and goes on
    where it was stopped; one point is computed anew by ``archive.compute(**labels)``.

    >>> import tempfile
    >>> import xarray as xr
    >>> def power(base, exponent):
    ...     return xr.Dataset({"power": base**exponent})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = Archive(Path(folder) / "powers.nc", power, {"base": [2, 3], "exponent": [1, 2]})
    ...     done = len(list(kept.remake()))
    ...     done, kept.read().power.values.tolist()
    (4, [[2, 4], [3, 9]])
    """

    path: Path
    compute: Callable[..., xr.Dataset]
    over: Mapping[str, Sequence[Label]]
    settings: Mapping[str, Label] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_file_name(Path(self.path).name, "an archive")
        where = f"the archive {Path(self.path).name}"
        check_function(self.compute, f"what {where} computes", "one_seed")
        check_mapping(self.over, f"over of {where}")
        check_mapping(self.settings, f"settings of {where}")
        empty = [name for name, labels in self.over.items() if not len(labels)]
        if empty or not self.over:
            raise ModelError(
                f"{where} has no labels{' of ' + empty[0] if empty else ''}: write what results "
                'are over, such as {"seed": range(12)}.'
            )

    def read(self) -> xr.Dataset:
        """The results, with a dim for each of ``over``.

        Raises ``ModelError`` where there is no such file, one of other settings, or one in which a
        byte has changed.
        """
        try:
            held = read_sealed(self.path)
        except Damaged as damage:
            why = f"is no archive: it {damage}" if self.path.exists() else "is not there"
            raise ModelError(f"{self.path} {why}. {self._advice}") from None
        self._refuse_others(held)
        points = held.set_index(point=list(self.over)) if len(self.over) > 1 else held
        spread = points.unstack("point") if len(self.over) > 1 else _along(points, *self.over)
        return spread.sel({name: list(labels) for name, labels in self.over.items()})

    def remake(self) -> Iterator[int]:
        """Compute what is not there yet of a new file, point by point, as they are done.

        Each point is written, beside the file, before the next begins; the file is replaced when
        all are there. Points of other settings, or that are no more asked for, are left out.

        Raises ``FileError``, before anything is computed, where the file cannot be written, and
        where another process is at it.
        """
        with only_one(self._beside, f"{self.path} is being made by another process."):
            done = self._done()
            for number, labels in enumerate(self._points()):
                point = tuple(labels.values())
                if point not in done:
                    one = self.compute(**labels).expand_dims("point")
                    done[point] = one.assign_coords(
                        {name: ("point", [label]) for name, label in labels.items()}
                    )
                    self._keep(done.values(), self._beside)
                yield number
            self._keep(done.values(), self.path)
            self._beside.unlink(missing_ok=True)

    def _done(self) -> dict[tuple[Label, ...], xr.Dataset]:
        """The points that an earlier try has computed, by their labels."""
        if not self._beside.exists():
            return {}
        try:
            held = read_sealed(self._beside)
        except Damaged as damage:
            raise ModelError(
                f"{self._beside} is broken: it {damage}. Remove it, and what it holds is computed "
                "again."
            ) from None
        if held.attrs.get("settings") != self._settings:
            return {}
        asked = {tuple(labels.values()) for labels in self._points()}
        rows = {point: i for i, point in enumerate(_rows(held, self.over)) if point in asked}
        return {point: held.isel(point=[i]) for point, i in rows.items()}

    def _keep(self, points: Iterable[xr.Dataset], path: Path) -> None:
        write_data(self._together(list(points)), path, with_digest=True)

    @property
    def _beside(self) -> Path:
        """Where points are kept until all are there."""
        return self.path.with_name(f"{self.path.stem}-unfinished.nc")

    @property
    def count(self) -> int:
        """How many points there are."""
        return math.prod(map(len, self.over.values()))

    def _points(self) -> Iterator[dict[str, Label]]:
        for labels in itertools.product(*self.over.values()):
            yield dict(zip(self.over, labels, strict=True))

    def _together(self, points: Sequence[xr.Dataset]) -> xr.Dataset:
        import xarray as xr

        joined = xr.concat(points, "point", combine_attrs="drop_conflicts")
        return joined.assign_attrs(settings=self._settings, causalopt=version("causalopt"))

    @property
    def _settings(self) -> str:
        return json.dumps(dict(self.settings), sort_keys=True)

    @property
    def _advice(self) -> str:
        return "Make it by: causalopt remake MODEL, with the model's name or path."

    def _refuse_others(self, held: xr.Dataset) -> None:
        found = held.attrs.get("settings")
        if found != self._settings:
            raise ModelError(
                f"{self.path} is of the settings {found}, and the model has {self._settings}. "
                f"{self._advice}"
            )
        rows = _rows(held, self.over)
        twice = next((row for row in rows if rows.count(row) > 1), None)
        if twice is not None:
            said = _said(dict(zip(self.over, twice, strict=True)))
            raise ModelError(f"{self.path} has results of {said} twice. {self._advice}")
        points = [dict(zip(self.over, row, strict=True)) for row in rows]
        missing = [point for point in self._points() if point not in points]
        if missing:
            raise ModelError(f"{self.path} has no results of {_said(missing[0])}. {self._advice}")


def _said(labels: Mapping[str, Label]) -> str:
    """A point in words: seed=3, rate=0.1."""
    return ", ".join(f"{name}={label}" for name, label in labels.items())


def _rows(held: xr.Dataset, names: Mapping[str, object]) -> list[tuple[Label, ...]]:
    """The labels of each point of a file, none where it is of other names."""
    if not all(name in held.coords for name in names):
        return []
    return list(zip(*(held[name].values.tolist() for name in names), strict=True))


def _along(points: xr.Dataset, name: str) -> xr.Dataset:
    return points.swap_dims(point=name)
