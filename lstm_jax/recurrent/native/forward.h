// The forward pass: all time steps of a block of columns, one after another.
#pragma once

#include "packing.h"

namespace lstm_jax {

template <class Cell, class T>
class Forward {
 public:
  Forward(const Problem<T>& problem, const ForwardResults<T>& results, Team& team)
      : p_(problem),
        results_(results),
        input_weights_(int64_t(p_.padded_units()) * Cell::kInput.count * p_.features),
        hidden_weights_(int64_t(p_.padded_units()) * Cell::kHidden.count * p_.units),
        bias_(p_.padded_units() * kGates) {
    pack_rows<Cell, Cell::kInput>(input_weights_.get(), p_.input_weights, p_.units, p_.features, team);
    pack_rows<Cell, Cell::kHidden>(hidden_weights_.get(), p_.hidden_weights, p_.units, p_.units, team);
    pack_rows<Cell, Cell::kBias>(bias_.get(), p_.bias, p_.units, 1, team);
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
            constexpr int W = decltype(width)::value;
            if (far_) {
              this->template compute<W, true>(step, tile, blank, columns, column, panel, after);
            } else {
              this->template compute<W, false>(step, tile, blank, columns, column, panel, after);
            }
          });
        }
      });
      std::swap(panel, after);
    }
  }

 private:
  // Bytes of weights that stay in a core's cache from one time step to the next. Beyond it the memory is asked for them
  // beforehand: 32 columns of 512 units take 21.2 instead of 22.3 ms.
  static constexpr int64_t kNear = 1 << 20;

  // The sums of one tile's gates; `blank`: the hidden state is zero. Inlined, so that they stay in the registers.
  template <int W, bool Far>
  [[gnu::always_inline]] inline void add_up(Tile<T, W>& tile, int unit, bool blank, const T* strip) const {
    constexpr int kWidth = W * Vector<T>::kLanes;
    const int features = p_.features;
    const T* bias = bias_.get() + unit * kGates;
    for_sums(tile, [=](Vec<T>& sum, int row, int) { sum = Vec<T>{} + bias[row]; });
    const T* input_weights = input_weights_.get() + int64_t(unit) * Cell::kInput.count * features;
    add_product<Cell::kInput.first, Cell::kInput.count>(tile, input_weights, strip, features, kWidth, nothing);
    if (blank) return;
    const T* weights = hidden_weights_.get() + int64_t(unit) * Cell::kHidden.count * p_.units;
    strip += features * kWidth;
    const auto fetch = [](const T* weights, const T* columns) {
      if (!Far) return;
      ask_for(weights, 16 * kUnits * Cell::kHidden.count);
      for (int w = 0; w < W; ++w) ask_for(columns, 16 * kWidth + w * Vector<T>::kLanes);
    };
    add_product<Cell::kHidden.first, Cell::kHidden.count>(tile, weights, strip, p_.units, kWidth, fetch);
  }

  // The sums of one tile's gates, and what becomes of them. What the loops need is read from the members beforehand:
  // the compiler cannot know that storing a vector leaves those as they are.
  template <int W, bool Far>
  void compute(int step, int number, bool blank, const Columns& columns, int column, const T* panel, T* after) const {
    constexpr int kLanes = Vector<T>::kLanes, kWidth = W * kLanes;
    const int features = p_.features, depth = features + p_.units, batch = p_.batch, unit = number * kUnits;
    const T* strip = panel + int64_t(depth) * column;
    const T* hidden = strip + features * kWidth;
    Tile<T, W> tile;
    add_up<W, Far>(tile, unit, blank, strip);
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
  const bool far_ = int64_t(p_.units) * p_.units * kGates * sizeof(T) > kNear;
  Buffer<T> input_weights_, hidden_weights_, bias_;
};

}  // namespace lstm_jax
