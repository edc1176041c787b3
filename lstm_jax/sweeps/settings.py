"""What can be chosen about a sweep besides the settings of its runs."""

import dataclasses

from lstm_jax.settings import SettingError, check_ranges, setting

LOCAL_CLUSTER = "local"
"""The address that makes a Ray cluster of this machine alone."""


@dataclasses.dataclass(frozen=True)
class SweepSettings:
    """How a sweep is done."""

    random: int = setting(
        0, "so many settings are drawn, by --seed, from what --set gives; 0: all combinations", minimum=0
    )
    halving: int = setting(
        0,
        "successive halving: only one in so many members goes on, for so many times the updates, again and again; "
        "compared are members that share a compiled program; 0: none are dropped",
        minimum=0,
    )
    threshold: float = setting(
        0.01, "error from which on the task counts as solved, as a share", minimum=0.0, maximum=1.0
    )
    retry_failed: bool = setting(False, "tries runs again in which a seed failed")
    dry_run: bool = setting(False, "says what would be run, and runs nothing")
    executor: str = setting(
        "local", "who computes: processes of this machine, or a Ray cluster", choices=("local", "ray")
    )
    workers: int = setting(
        0, "processes of --executor=local; 0: one for --cpu_devices cores, or one with an accelerator", minimum=0
    )
    ray_address: str = setting(
        LOCAL_CLUSTER,
        "the cluster of --executor=ray: HOST:PORT, `auto`, or `local` for this machine; "
        "all nodes must have --workdir at the same path",
    )
    cpus_per_group: float = setting(
        0.0, "cores that Ray sets apart for runs that share a program; 0: as many as --cpu_devices", minimum=0.0
    )
    gpus_per_group: float = setting(0.0, "GPUs that Ray sets apart for runs that share a program", minimum=0.0)

    def check(self) -> None:
        """Raises SettingError for the first setting that is out of range or contradicts another."""
        check_ranges(self)
        if self.halving == 1:
            raise SettingError("halving", self.halving, "must be 0 or at least 2")
        own, other = ("workers",), ("ray_address", "cpus_per_group", "gpus_per_group")
        for name in other if self.executor == "local" else own:
            if getattr(self, name) != getattr(type(self), name):
                raise SettingError(name, getattr(self, name), f"has no effect with --executor={self.executor}")
