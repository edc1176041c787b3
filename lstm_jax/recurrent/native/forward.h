// The forward pass: all time steps of a block of columns, one after another.
#pragma once

#include "problem.h"
#include "team.h"

namespace lstm_jax {

template <class Cell, class T>
class Forward {
 public:
  Forward(const Problem<T>& problem, const ForwardResults<T>& results)
      : p_(problem),
        results_(results),
        input_weights_(int64_t(p_.padded_units()) * Cell::kInput.count * p_.features),
        hidden_weights_(int64_t(p_.padded_units()) * Cell::kHidden.count * p_.units),
        bias_(p_.padded_units() * kGates) {
    pack_gates(input_weights_.get(), Cell::kInput, p_.input_weights, p_.features);
    pack_gates(hidden_weights_.get(), Cell::kHidden, p_.hidden_weights, p_.units);
    pack_gates(bias_.get(), Cell::kBias, p_.bias, 1);
  }

  // All time steps of some columns; the team shares the units of each time step.
  void run(const Columns& columns, Team& team) const {
    const int depth = p_.features + p_.units, padded = columns.padded<T>();
    Buffer<T> now(int64_t(depth) * padded), next(int64_t(depth) * padded);
    T *panel = now.get(), *after = next.get();
    to_panel(panel, depth, p_.features, p_.hidden_start, p_.units, p_.batch, columns);
    for (int step = 0; step < p_.time; ++step) {
      const T* inputs = p_.inputs + int64_t(p_.time_of(step)) * p_.features * p_.batch;
      to_panel(panel, depth, 0, inputs, p_.features, p_.batch, columns);
      reset_panel(panel, depth, p_.features, p_.units, p_.resets_at(step), columns);
      const bool blank = step == 0 && p_.begins_with_zeros(columns);
      team.run(p_.tiles(), [&](int tile, int end) {
        for (; tile < end; ++tile) {
          for_strips<T>(padded, [&](int column, auto width) {
            this->template compute<decltype(width)::value>(step, tile, blank, columns, column, panel, after);
          });
        }
      });
      std::swap(panel, after);
    }
  }

 private:
  void pack_gates(T* to, const Blocks& blocks, const T* weights, int depth) const {
    pack(to, p_.padded_units() * blocks.count, kUnits * blocks.count, depth, [&](int row, int k) {
      int unit = row / blocks.count, gate = blocks.first + row % blocks.count;
      if (unit >= p_.units) return T(0);
      return T(Cell::kScale[gate]) * weights[blocks.row(gate, unit, p_.units) * depth + k];
    });
  }

  // The sums of one tile's gates; `blank`: the hidden state is zero. Inlined, so that they stay in the registers.
  template <int W>
  [[gnu::always_inline]] inline void add_up(Tile<T, W>& tile, int unit, bool blank, const T* strip) const {
    constexpr int kWidth = W * Vector<T>::kLanes;
    const int features = p_.features;
    const T* bias = bias_.get() + unit * kGates;
    for (int row = 0; row < kRows; ++row) {
      for (int w = 0; w < W; ++w) tile.sum[row / kGates][row % kGates][w] = Vec<T>{} + bias[row];
    }
    add_product<Cell::kInput.first, Cell::kInput.count>(
        tile, input_weights_.get() + int64_t(unit) * Cell::kInput.count * features, strip, features, kWidth);
    if (blank) return;
    const T* weights = hidden_weights_.get() + int64_t(unit) * Cell::kHidden.count * p_.units;
    add_product<Cell::kHidden.first, Cell::kHidden.count>(tile, weights, strip + features * kWidth, p_.units, kWidth);
  }

  // The sums of one tile's gates, and what becomes of them. What the loops need is read from the members beforehand:
  // the compiler cannot know that storing a vector leaves those as they are.
  template <int W>
  void compute(int step, int number, bool blank, const Columns& columns, int column, const T* panel, T* after) const {
    constexpr int kLanes = Vector<T>::kLanes, kWidth = W * kLanes;
    const int features = p_.features, depth = features + p_.units, batch = p_.batch, unit = number * kUnits;
    const T* strip = panel + int64_t(depth) * column;
    const T* hidden = strip + features * kWidth;
    Tile<T, W> tile;
    add_up(tile, unit, blank, strip);
    const int time = p_.time_of(step), first = columns.first + column, count = columns.count - column;
    const int units = std::min(kUnits, p_.units - unit);
    const int64_t place = int64_t(unit) * batch + first, at = int64_t(time) * p_.units * batch + place;
    const bool* resets = p_.resets_at(step) ? p_.resets_at(step) + first : nullptr;
    const T* cells = Cell::kHasCell ? p_.before(step, results_.cell, p_.cell_start) + place : nullptr;
    T *hidden_after = after + int64_t(depth) * column + (features + unit) * kWidth, *hidden_to = results_.hidden + at;
    T *cell_to = Cell::kHasCell ? results_.cell + at : nullptr, *kept[W] = {};
    for (int w = 0; results_.kept && w < W; ++w) kept[w] = results_.kept + p_.kept_at(time, first + w * kLanes, unit);
#pragma GCC unroll 3
    for (int u = 0; u < kUnits; ++u) {
      if (u == units) return;
#pragma GCC unroll 2
      for (int w = 0; w < W; ++w) {
        const int64_t here = int64_t(u) * batch + w * kLanes;
        const int left = count - w * kLanes;
        State<T> before{load(hidden + (unit + u) * kWidth + w * kLanes), Vec<T>{}};
        if (Cell::kHasCell) before.cell = load(cells + here, left);
        if (Cell::kHasCell && resets) before.cell = unless<T>(resets + w * kLanes, before.cell, left);
        Vec<T> gates[kGates];
        for (int gate = 0; gate < kGates; ++gate) gates[gate] = tile.sum[u][gate][w];
        State<T> state = Cell::template activate<T>(gates, before);
        store(hidden_after + u * kWidth + w * kLanes, state.hidden);
        store(hidden_to + here, state.hidden, left);
        if (Cell::kHasCell) store(cell_to + here, state.cell, left);
        for (int gate = 0; kept[w] && gate < kGates; ++gate) store(kept[w] + (u * kGates + gate) * kLanes, gates[gate]);
      }
    }
  }

  const Problem<T> p_;
  const ForwardResults<T> results_;
  Buffer<T> input_weights_, hidden_weights_, bias_;
};

}  // namespace lstm_jax
