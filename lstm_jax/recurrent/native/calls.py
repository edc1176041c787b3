"""Whether a program has the kernel compute its recurrences."""

from typing import Any

from lstm_jax.recurrent.native import build, passes


def has_kernel(jaxpr: Any) -> bool:
    """Whether a traced program, or a part of it, calls the kernel's forward pass, and so uses every core by itself.

    What is traced says so and nothing else: a layer may compute in bfloat16 or by `impl="scan"`, or be no LSTM or GRU.
    """
    return passes.available() and _calls(jaxpr, {build.target_name(f"{kind}_forward") for kind in ("lstm", "gru")})


def _calls(jaxpr: Any, targets: set[str]) -> bool:
    for equation in jaxpr.eqns:
        if equation.params.get("target_name") in targets:
            return True
        for parameter in equation.params.values():
            for part in parameter if isinstance(parameter, tuple | list) else (parameter,):
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns") and _calls(inner, targets):
                    return True
    return False
