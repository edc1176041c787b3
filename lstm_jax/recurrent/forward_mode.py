"""Says what to do when forward-mode derivatives are asked of code that has reverse-mode ones only."""

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from lstm_jax.axes import PyTree

MESSAGE = (
    'impl="fused" has a hand-written backward pass and no forward-mode derivatives (jax.jvp, jax.jacfwd): '
    'use impl="scan"'
)


def refuse_forward_mode(tree: PyTree) -> PyTree:
    """The same arrays, whose forward-mode derivative raises a TypeError that names the way out.

    JAX has an error of its own for a `jax.custom_vjp`, but it names neither the layer nor the remedy.
    """
    return jax.tree.map(_refuse, tree)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Replaces the error that JAX raises for forward mode, where it comes while the layer is traced."""
    try:
        yield
    except TypeError as error:
        if "custom_vjp" in str(error):
            raise TypeError(MESSAGE) from None
        raise


@jax.custom_jvp
def _refuse(primal: jax.Array) -> jax.Array:
    return primal


@_refuse.defjvp
def _rule(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # The primal is passed on as it is, so that forward over reverse mode (jax.hessian), which is possible, stays so.
    return primals[0], _tangent.bind(tangents[0])


def _raise(*_: object, **__: object) -> NoReturn:
    raise TypeError(MESSAGE)


# The identity on tangents: reverse mode transposes it, and only forward mode ever computes it.
_tangent = Primitive("forward_mode_of_fused")
_tangent.def_impl(_raise)
_tangent.def_abstract_eval(lambda tangent: tangent)
ad.deflinear(_tangent, lambda cotangent: [cotangent])
batching.defvectorized(_tangent)
mlir.register_lowering(_tangent, _raise)
