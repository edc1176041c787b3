"""Sums over updates, from one report to the next."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree


class Totals(NamedTuple):
    """Sums over the updates since the last report, and the first update that was not finite (-1: none)."""

    updates: Array
    loss: Array
    error: Array
    grad_norm: PyTree
    """() where it is not logged."""
    not_finite: Array

    def add(self, step: Array, loss: Array, error: Array, norm: Array, finite: Array) -> "Totals":
        """The totals with one more update."""
        return Totals(
            self.updates + 1,
            self.loss + loss,
            self.error + error,
            () if isinstance(self.grad_norm, tuple) else self.grad_norm + norm,
            jnp.where(finite | (self.not_finite >= 0), self.not_finite, step),
        )


def no_totals(*, log_grad_norm: bool) -> Totals:
    """Totals of no updates."""
    zero = jnp.zeros(())
    return Totals(zero, zero, zero, zero if log_grad_norm else (), jnp.int32(-1))


def mean_totals(totals: Totals) -> dict[str, np.ndarray]:
    """The mean loss, error and gradient norm of each member over the updates in the totals, [S]; NaN without any."""
    updates = np.asarray(totals.updates)
    sums = {name: np.asarray(getattr(totals, name)) for name in ("loss", "error", "grad_norm")}
    return {
        name: np.divide(total, updates, out=np.full_like(total, np.nan), where=updates > 0)
        for name, total in sums.items()
        if total.shape == updates.shape
    }
