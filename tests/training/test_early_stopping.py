"""Early stopping against a loop in Python over invented losses."""

import jax
import numpy as np

from lstm_jax.runs.setup import make_setup
from lstm_jax.training.early_stopping import keep_best, no_best
from tests.training.cases import leaves_of, small_config, start, train

LOSSES = np.array([[3.0, 1.0], [2.0, 1.5], [2.5, 1.2], [1.0, 0.5], [4.0, 0.1]], np.float32)


def test_the_best_weights_are_kept_and_patience_ends_a_member():
    setup = make_setup(small_config(num_seeds=2))
    members = start(setup)
    best = no_best(members)
    seen = []
    for number, losses in enumerate(LOSSES):
        members = train(setup, members, 2 * (number + 1))
        seen.append([leaves_of(members.params, member) for member in range(2)])
        place = jax.device_put(losses, members.active.sharding)
        members, best = keep_best(members, best, place, np.int32(2))
    # Member 0 is best at its 4th evaluation; member 1 ends after its 3rd, two after its best.
    assert list(members.step) == [10, 6]
    assert list(members.active) == [True, False]
    np.testing.assert_array_equal(best.loss, [1.0, 1.0])
    np.testing.assert_array_equal(best.step, [8, 2])
    for member, evaluation in ((0, 3), (1, 0)):
        for ours, theirs in zip(leaves_of(best.params, member), seen[evaluation][member], strict=True):
            np.testing.assert_array_equal(ours, theirs)
