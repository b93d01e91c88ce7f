"""Which of several processes this one is: started by torchrun, by Slurm's srun, or alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError

_LAUNCHERS = (("RANK", "WORLD_SIZE", "LOCAL_RANK"), ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"))
ADDRESS = "MASTER_ADDR"


@dataclass(frozen=True)
class Ranks:
    """Process `rank` of `size`, the `local`-th on its machine; rank 0 leads: it writes and prints."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Ranks:
        """Read torchrun's variables, or Slurm's when MASTER_ADDR is set beside them; else be alone.

        Raises InputError when they are no numbers, or MASTER_ADDR is missing beside torchrun's.
        """
        for names in _LAUNCHERS:
            if all(name in environment for name in names[:2]):
                try:
                    found = cls(*(int(environment.get(name, "0")) for name in names))
                except ValueError:
                    raise InputError(
                        f"{', '.join(names)} are not all numbers", "start with torchrun"
                    ) from None
                return found if found.size > 1 and _has_address(names[0], environment) else cls()
        return cls()

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def prints(self, line: str) -> bool:
        """Whether this rank prints the error `line`: rank 0 does, and rank 1 when rank 0 is gone."""
        return self.leads or (self.rank == 1 and line.startswith(self.name(0)))

    @staticmethod
    def name(rank: int) -> str:
        """How error lines call a rank."""
        return f"rank {rank} "


def _has_address(launcher: str, environment: Mapping[str, str]) -> bool:
    """Whether the ranks can find each other. Slurm sets its variables for lone processes too."""
    if environment.get(ADDRESS):
        return True
    if launcher == "RANK":
        raise InputError(f"RANK is set but {ADDRESS} is not", "start with torchrun")
    return False
