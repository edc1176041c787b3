"""State dicts that do not fit: the error names the array, and the layer is left as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax import LSTMCell
from lstm_jax.recurrent.layers import GRU, LSTM, SimpleRNN
from lstm_jax.recurrent.torch_weights import ARRAYS, from_torch, load_torch, to_torch

D, H = 2, 3


def lstm(features=D, num_layers=2):
    return LSTM(features, H, num_layers, bidirectional=True, rngs=nnx.Rngs(0))


def damaged(**arrays):
    """Weights for a bidirectional LSTM of two layers, some of them replaced, or taken away by None."""
    state_dict = {
        f"{name}_l{layer}{end}": np.ones(shape)
        for layer, features in enumerate((D, 2 * H))
        for end in ("", "_reverse")
        for name, shape in zip(ARRAYS, ((4 * H, features), (4 * H, H), (4 * H,), (4 * H,)), strict=True)
    } | arrays
    return {name: value for name, value in state_dict.items() if value is not None}


WRONG = {
    "missing": (damaged(weight_hh_l1_reverse=None), r"missing weight_hh_l1_reverse \[12, 3\]"),
    "one bias of two": (damaged(bias_hh_l0=None), r"missing bias_hh_l0 \[12\]"),
    "unexpected": (damaged(weight_ih_l2=np.zeros((12, 6))), r"unexpected weight_ih_l2 \[12, 6\]"),
    "not of a layer": (damaged(step=np.zeros(())), r"unexpected step \[\]"),
    "too few rows": (damaged(weight_hh_l1=np.zeros((9, 3))), r"weight_hh_l1: shape \[9, 3\], expected \[12, 3\]"),
    "transposed": (
        damaged(weight_ih_l0=np.zeros((2, 12))),
        r"weight_ih_l0: shape \[2, 12\], expected \[12, 2\] = \[G·H, D\]",
    ),
    "bias": (damaged(bias_hh_l1=np.zeros((12, 1))), r"bias_hh_l1: shape \[12, 1\], expected \[12\] = \[G·H\]"),
    "integers": (
        damaged(bias_ih_l0=np.zeros(12, np.int8)),
        r"bias_ih_l0: dtype int8, expected floating point; shape \[12\]",
    ),
    "projection": (damaged(weight_hr_l0=np.zeros((2, 3))), r"weight_hr_l0, shape \[2, 3\]: a projection \(proj_size\)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(wrong):
    state_dict, message = WRONG[wrong]
    rnn = lstm()
    before = jax.tree.map(np.array, nnx.state(rnn))
    with pytest.raises(ValueError, match=message):
        load_torch(rnn, state_dict)
    jax.tree.map(np.testing.assert_array_equal, nnx.state(rnn), before)
    prefixed = {f"encoder.{name}": value for name, value in state_dict.items()}
    with pytest.raises(ValueError, match=r"encoder\."):
        load_torch(rnn, prefixed, "encoder.")


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong not in ("unexpected", "transposed")])
def test_no_layer_is_built_from_what_does_not_fit(wrong):
    state_dict, message = WRONG[wrong]
    with pytest.raises(ValueError, match=message):
        from_torch(state_dict)


def test_a_layer_of_another_size_or_kind():
    others = (
        (LSTM(D, H, 2, rngs=nnx.Rngs(0)), r"LSTM with 2 cells .*unexpected weight_ih_l0_reverse \[12, 2\]"),
        (lstm(num_layers=3), r"missing weight_ih_l2 \[12, 6\]"),
        (lstm(D + 1), r"weight_ih_l0: shape \[12, 2\], expected \[12, 3\]"),
        (GRU(D, H, 2, True, rngs=nnx.Rngs(0)), r"weight_ih_l0: shape \[12, 2\], expected \[9, 2\].*3 for nn\.GRU"),
        (SimpleRNN(D, H, 2, True, rngs=nnx.Rngs(0)), r"weight_ih_l0: shape \[12, 2\], expected \[3, 2\]"),
    )
    for rnn, message in others:
        with pytest.raises(ValueError, match=message):
            load_torch(rnn, damaged())


def test_a_forgotten_prefix_is_suggested():
    state_dict = {"readout.weight": np.zeros((5, H))}
    state_dict |= {f"{part}.{name}": value for part in ("encoder", "decoder") for name, value in damaged().items()}
    load_torch(lstm(), state_dict, "decoder.")
    for build in (lambda: load_torch(lstm(), state_dict), lambda: from_torch(state_dict, "coder.")):
        with pytest.raises(ValueError, match=r"under the prefixes 'encoder\.', 'decoder\.'"):
            build()


def test_what_cannot_be_a_layer_at_all():
    with pytest.raises(ValueError, match="cell must be one of lstm, gru, rnn, not relu"):
        from_torch(damaged(), cell="relu")
    with pytest.raises(ValueError, match="weight_ih_l0 is missing"):
        from_torch({})
    with pytest.raises(ValueError, match=r"weight_hh_l0: shape \[12\], expected two axes"):
        from_torch(damaged(weight_hh_l0=np.zeros(12)))


@pytest.mark.parametrize(("layer", "kind"), [(LSTM, "lstm"), (GRU, "gru"), (SimpleRNN, "rnn")])
def test_another_kind_of_cell_is_suggested(layer, kind):
    state_dict = to_torch(layer(D, H, rngs=nnx.Rngs(0)), "encoder.")
    for other, gates in {"lstm": 4, "gru": 3, "rnn": 1}.items():
        if other == kind:
            assert isinstance(from_torch(state_dict, "encoder.", other), layer)
            continue
        wrong = rf"^encoder\.weight_ih_l0: shape .*, expected \[{gates * H}, 2\] = .* G = {gates}; "
        with pytest.raises(ValueError, match=rf'{wrong}.* rows are those of another cell: write cell="{kind}"$'):
            from_torch(state_dict, "encoder.", other)


@pytest.mark.parametrize(
    "option",
    [
        {"forget_bias": 3.0},
        {"bias_init": nnx.initializers.ones},
        {"kernel_init": nnx.initializers.ones},
        {"num_layers": 2},
        {"bidirectional": True},
        {"hidden_size": 3},
    ],
    ids=lambda option: next(iter(option)),
)
def test_what_the_weights_say_is_no_option(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"^from_torch: {name} is no option, .*; options are dropout_rate, impl, "):
        from_torch(damaged(), **option)


def test_a_path_is_no_state_dict():
    with pytest.raises(ValueError, match=r"^expected a state dict, such as .*load_file.* gives, not str$"):
        from_torch("lstm.safetensors")


@pytest.mark.parametrize(("prefix", "given"), [(None, "NoneType"), (0, "int"), (("encoder.",), "tuple of 1")])
def test_what_is_no_prefix(prefix, given):
    message = rf'^prefix must be a string, such as "encoder\.", or "" for none, not {given}$'
    for function in (from_torch, lambda weights, prefix: load_torch(lstm(), weights, prefix)):
        with pytest.raises(ValueError, match=message):
            function(damaged(), prefix)
    with pytest.raises(ValueError, match=message):
        to_torch(lstm(), prefix)


def test_an_ensemble_is_no_module_of_torch():
    ensemble = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), lstm())
    with pytest.raises(ValueError, match=r"shape \[2, 12, 2\], expected \[G·H, D\]"):
        to_torch(ensemble)


def test_a_cell_alone_has_no_names_there():
    cell = LSTMCell(2, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="to_torch: expected an LSTM, GRU or SimpleRNN, not LSTMCell"):
        to_torch(cell)
    with pytest.raises(ValueError, match="load_torch: expected an LSTM, GRU or SimpleRNN, not LSTMCell"):
        load_torch(cell, damaged())
