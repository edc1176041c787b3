"""All pictures of a sweep."""

from lstm_jax.sweeps.courses import learning_curves
from lstm_jax.sweeps.figures import Picture, Sweep
from lstm_jax.sweeps.heat_maps import heat_maps
from lstm_jax.sweeps.parallel import parallel_coordinates
from lstm_jax.sweeps.points import error_by_setting


def draw(sweep: Sweep) -> list[Picture]:
    """The pictures that fit the settings that vary; learning curves at least, if anything was evaluated."""
    return [*heat_maps(sweep), *error_by_setting(sweep), *learning_curves(sweep), *parallel_coordinates(sweep)]
