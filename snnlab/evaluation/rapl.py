"""The energy counters of the processor (RAPL), where the system lets them be read.

Linux keeps them in ``/sys/class/powercap``: microjoules of each package, which start again at a limit.
They count the whole package, whatever else it does, and since 2020 (CVE-2020-8694) only root may read them.
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["POWERCAP", "Rapl"]

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Rapl:
    """The packages' counters, or why there are none.

    >>> Rapl.of(Path("/nowhere")).refused
    'no energy counters in /nowhere: not a Linux machine that shows them, or a virtual one'
    """

    packages: tuple[Path, ...] = ()
    refused: str = ""

    @classmethod
    def of(cls, folder: Path = POWERCAP) -> "Rapl":
        """The counters of this machine."""
        found = tuple(sorted(folder.glob("intel-rapl:[0-9]*"))) if folder.is_dir() else ()
        packages = tuple(path for path in found if path.name.count(":") == 1)
        if not packages:
            return cls(refused=f"no energy counters in {folder}: not a Linux machine that shows them, or a virtual one")
        try:
            for path in packages:
                _number(path / "energy_uj")
        except (OSError, ValueError) as wrong:
            return cls(refused=f"energy counters in {folder} cannot be read ({wrong}); root may")
        return cls(packages)

    def read(self) -> tuple[int, ...]:
        """Microjoules of each package, from some moment on; empty where there are no counters."""
        return tuple(_number(path / "energy_uj") for path in self.packages)

    def joules(self, before: tuple[int, ...]) -> float | None:
        """J since ``before`` was read, all packages together; None where there are no counters.

        A counter is taken to have started again once at most: read it within minutes.
        """
        if not self.packages:
            return None
        total = 0
        for path, first, last in zip(self.packages, before, self.read(), strict=True):
            total += last - first if last >= first else last - first + _number(path / "max_energy_range_uj")
        return total * 1e-6


def _number(path: Path) -> int:
    return int(path.read_text())
