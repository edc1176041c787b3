// The cells: gates forwards, their derivatives backwards, for one vector of columns. Mirrors `fused_cells.py`.
//
// A sigmoid is (1 + tanh(a/2)) / 2: the weights of those gates are halved when they are packed, so that one tanh serves
// all. What is kept of a gate is that tanh, with a small letter here; the gate itself is (1 + i) / 2. `d_` stands for
// the loss's derivative by something.
#pragma once

#include "products.h"

namespace lstm_jax {

// Before and after one time step, and the derivatives by both.
template <class T>
struct State {
  Vec<T> hidden, cell;
};

// What the blocks of rows of a weight matrix are in the order in which a tile has them: those from `first` on.
struct Blocks {
  int first, count, parameter[kGates];

  bool has(int gate) const { return gate >= first && gate < first + count; }
  int64_t row(int gate, int unit, int units) const { return int64_t(parameter[gate]) * units + unit; }
};

struct Lstm {
  static constexpr Blocks kInput{0, 4, {0, 1, 2, 3}}, kHidden{0, 4, {0, 1, 2, 3}}, kBias{0, 4, {0, 1, 2, 3}};
  static constexpr double kScale[kGates] = {0.5, 0.5, 1.0, 0.5};
  static constexpr bool kHasCell = true;

  // From the sums of the gates i, f, g, o to what is kept of them.
  template <class T>
  static State<T> activate(Vec<T> (&gates)[kGates], State<T> before) {
    for (auto& gate : gates) gate = tanh(gate);
    auto [i, f, g, o] = gates;
    Vec<T> cell = (T(0.5) + T(0.5) * f) * before.cell + (T(0.5) + T(0.5) * i) * g;
    return {(T(0.5) + T(0.5) * o) * tanh(cell), cell};
  }

  // From what was kept to the derivatives by the sums; returns that by the state before, as far as it is not by them.
  template <class T>
  static State<T> differentiate(Vec<T> (&gates)[kGates], State<T> before, State<T> after, State<T> d_after) {
    auto [i, f, g, o] = gates;
    Vec<T> cell_tanh = tanh(after.cell);
    Vec<T> d_cell = d_after.cell + d_after.hidden * (T(0.5) + T(0.5) * o) * (T(1) - cell_tanh * cell_tanh);
    gates[0] = T(0.5) * d_cell * g * (T(1) - i * i);
    gates[1] = T(0.5) * d_cell * before.cell * (T(1) - f * f);
    gates[2] = d_cell * (T(0.5) + T(0.5) * i) * (T(1) - g * g);
    gates[3] = T(0.5) * d_after.hidden * cell_tanh * (T(1) - o * o);
    return {Vec<T>{}, d_cell * (T(0.5) + T(0.5) * f)};
  }
};

struct Gru {
  static constexpr Blocks kInput{0, 3, {2, 0, 1, -1}}, kHidden{1, 3, {-1, 0, 1, 2}}, kBias{0, 4, {2, 0, 1, 3}};
  static constexpr double kScale[kGates] = {1.0, 0.5, 0.5, 1.0};
  static constexpr bool kHasCell = false;

  // From the sums n (of the inputs alone), r, z and `recalled` (of the hidden state alone) to what is kept of them.
  template <class T>
  static State<T> activate(Vec<T> (&gates)[kGates], State<T> before) {
    auto [n, r, z, recalled] = gates;
    r = tanh(r);
    z = tanh(z);
    n = tanh(n + (T(0.5) + T(0.5) * r) * recalled);
    gates[0] = n, gates[1] = r, gates[2] = z;
    return {n + (T(0.5) + T(0.5) * z) * (before.hidden - n), Vec<T>{}};
  }

  template <class T>
  static State<T> differentiate(Vec<T> (&gates)[kGates], State<T> before, State<T>, State<T> d_after) {
    auto [n, r, z, recalled] = gates;
    Vec<T> d_n = d_after.hidden * (T(0.5) - T(0.5) * z) * (T(1) - n * n);
    gates[0] = d_n;
    gates[1] = T(0.5) * d_n * recalled * (T(1) - r * r);
    gates[2] = T(0.5) * d_after.hidden * (before.hidden - n) * (T(1) - z * z);
    gates[3] = d_n * (T(0.5) + T(0.5) * r);
    return {d_after.hidden * (T(0.5) + T(0.5) * z), Vec<T>{}};
  }
};

}  // namespace lstm_jax
