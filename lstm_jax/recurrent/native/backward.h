// Back-propagation through time for a block of columns. `d_` stands for the loss's derivative by something.
#pragma once

#include "packing.h"
#include "weight_gradient.h"

namespace lstm_jax {

template <class Cell, class T>
class Backward {
 public:
  Backward(const Problem<T>& problem, const BackwardArguments<T>& arguments, const BackwardResults<T>& results,
           Team& team)
      : p_(problem),
        a_(arguments),
        results_(results),
        gradient_(problem, arguments.hidden),
        hidden_weights_(int64_t(round_up(p_.units, kRows)) * p_.units * Cell::kHidden.count),
        input_weights_(results.d_inputs ? int64_t(round_up(p_.features, kRows)) * p_.units * Cell::kInput.count : 0) {
    pack_columns<Cell, Cell::kHidden>(hidden_weights_.get(), p_.hidden_weights, p_.units, p_.units, team);
    if (!results.d_inputs) return;
    pack_columns<Cell, Cell::kInput>(input_weights_.get(), p_.input_weights, p_.units, p_.features, team);
  }

  const WeightGradient<Cell, T>& gradient() const { return gradient_; }

  // All time steps of some columns, from the last to the first; the team shares the units. `gradient` gets their sum.
  void run(const Columns& columns, T* gradient, Team& team) const {
    const int padded = columns.padded<T>(), slots = gradient_.slots(padded);
    const int64_t depth = int64_t(p_.padded_units()) * kGates, states = int64_t(p_.units) * padded;
    Block<T> block{columns, padded, slots, depth, gradient, Buffer<T>(states), Buffer<T>(states),
                   Buffer<T>(slots * depth * padded), Buffer<T>(int64_t(slots) * padded * gradient_.operands())};
    std::fill(gradient, gradient + gradient_.size(), T(0));
    begin(block.d_hidden.get(), a_.d_final_hidden, block);
    begin(block.d_cell.get(), Cell::kHasCell ? a_.d_final_cell : nullptr, block);
    int slot = 0;
    for (int step = p_.time - 1; step >= 0; --step) {
      back(step, block, slot++, team);
      if (slot < slots && step) continue;
      const int remembered = step == 0 && p_.begins_with_zeros(columns) ? slot - 1 : slot;
      team.run(p_.tiles(), [&](int tile, int end) { gradient_.add(block, tile, end, slot, remembered); });
      slot = 0;
    }
    T *d_hidden_start = results_.d_hidden_start, *d_cell_start = Cell::kHasCell ? results_.d_cell_start : nullptr;
    if (d_hidden_start) from_panel(d_hidden_start, block.d_hidden.get(), p_.units, p_.batch, columns);
    if (d_cell_start) from_panel(d_cell_start, block.d_cell.get(), p_.units, p_.batch, columns);
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;
  static constexpr int kUnitsAhead = 4;  // whose states and kept gates are asked for: 5% faster backwards, 128 units
  static constexpr int kKeptAhead = kUnitsAhead * kGates * kLanes;

  void begin(T* panel, const T* from, const Block<T>& block) const {
    if (from) {
      to_panel(panel, p_.units, 0, from, p_.units, p_.batch, block.columns);
    } else {
      std::fill(panel, panel + int64_t(p_.units) * block.padded, T(0));
    }
  }

  void back(int step, const Block<T>& block, int slot, Team& team) const {
    team.run(p_.tiles(), [&](int tile, int end) {
      for (int unit = tile * kUnits; unit < std::min(end * kUnits, p_.padded_units()); ++unit) {
        differentiate(step, block, slot, unit);
      }
    });
    const int tiles = step || results_.d_hidden_start ? (p_.units + kRows - 1) / kRows : 0;
    const int input_tiles = results_.d_inputs ? (p_.features + kRows - 1) / kRows : 0;
    team.run(tiles + input_tiles + gradient_.groups(), [&](int tile, int end) {
      for (; tile < end; ++tile) {
        if (tile < tiles) {
          hidden_part(step, block, slot, tile);
        } else if (tile < tiles + input_tiles) {
          input_part(step, block, slot, tile - tiles);
        } else {
          gradient_.fetch(step, block, slot, tile - tiles - input_tiles);
        }
      }
    });
    if (Cell::kHasCell) reset_panel(block.d_cell.get(), p_.units, 0, p_.units, p_.resets_at(step), block.columns);
  }

  // The derivatives by the sums of one unit's gates. As in the forward pass, members are read before the loops.
  void differentiate(int step, const Block<T>& block, int slot, int unit) const {
    const int all = block.columns.count, units = p_.units;
    const UnitAtStep<T> rows(p_, a_, step, block.columns.first, unit, Cell::kHasCell);
    T *d_hidden_panel = block.d_hidden.get(), *d_cell_panel = block.d_cell.get();
    T* d_rows_panel = block.rows(slot, 0);
    const int64_t rows_depth = block.depth, ahead = int64_t(kUnitsAhead) * p_.batch;
    for_strips<T>(block.padded, [=](int column, auto width) {
      constexpr int kWidth = decltype(width)::value * kLanes;
      T* d_hidden = d_hidden_panel + int64_t(units) * column + unit * kWidth;
      T* d_cell = d_cell_panel + int64_t(units) * column + unit * kWidth;
      T* d_rows = d_rows_panel + rows_depth * column + unit * kGates * kWidth;
      if (unit >= units) return std::fill(d_rows, d_rows + kGates * kWidth, T(0));
#pragma GCC unroll 2
      for (int w = 0; w < kWidth; w += kLanes) {
        const int here = column + w, count = all - here;
        Vec<T> gates[kGates];
        const T* from = rows.kept + int64_t(here) * units * kGates;
        for (int gate = 0; gate < kGates; ++gate) gates[gate] = load(from + gate * kLanes, kLanes, kKeptAhead);
        State<T> d_after{load(d_hidden + w), Vec<T>{}}, before{}, after{};
        if (rows.d_hiddens) d_after.hidden += load(rows.d_hiddens + here, count);
        if constexpr (Cell::kHasCell) {
          d_after.cell = load(d_cell + w);
          if (rows.d_cells) d_after.cell += load(rows.d_cells + here, count);
          after.cell = load(rows.cells_after + here, count);
          before.cell = load(rows.cells + here, count, ahead);
          if (rows.resets) before.cell = unless<T>(rows.resets + here, before.cell, count);
        } else {
          before.hidden = load(rows.hiddens + here, count, ahead);
          if (rows.resets) before.hidden = unless<T>(rows.resets + here, before.hidden, count);
        }
        State<T> d_before = Cell::template differentiate<T>(gates, before, after, d_after);
        store(d_hidden + w, d_before.hidden);
        if (Cell::kHasCell) store(d_cell + w, d_before.cell);
        for (int gate = 0; gate < kGates; ++gate) store(d_rows + gate * kWidth + w, gates[gate]);
      }
    });
  }

  // Transposed weights times the derivatives by some units' rows, for one tile; `beside` as in `add_product`.
  template <int W, class Beside>
  void add_transposed(Tile<T, W>& tile, const Blocks& blocks, const T* weights, const T* d_rows, int units,
                      Beside&& beside) const {
    constexpr int kWidth = W * kLanes;
    if (blocks.count == kGates) {
      return add_product<0, kGates>(tile, weights, d_rows, units * kGates, kWidth, beside);
    }
    for (int unit = 0; unit < units; ++unit) {
      add_product<0, kGates>(tile, weights, d_rows + blocks.first * kWidth, blocks.count, kWidth, beside);
      weights += kRows * blocks.count;
      d_rows += kGates * kWidth;
    }
  }

  // A function that asks, in so many calls, for what is kept of one tile's units at one time step: bit by bit, since a
  // processor that is asked for much at once waits. Measured backwards: 24 units 4% faster, 128 1.5%, 256 4%.
  auto fetch_kept(int step, int column, int unit, int calls) const {
    const int64_t numbers = int64_t(std::min(kRows, p_.units - unit)) * kGates * kLanes / std::max(calls, 1) + 1;
    const T* kept = a_.kept + p_.kept_at(p_.time_of(std::max(step, 0)), column, unit);
    return [=, ahead = int64_t(0)](auto...) mutable {
      ask_for(kept, ahead);
      ahead += numbers;
    };
  }

  // What passes from the sums to the hidden state before.
  void hidden_part(int step, const Block<T>& block, int slot, int number) const {
    const int row = number * kRows, rows = std::min(kRows, p_.units - row);
    const T* weights = hidden_weights_.get() + int64_t(row) * p_.units * Cell::kHidden.count;
    const bool* resets = p_.resets_at(step) ? p_.resets_at(step) + block.columns.first : nullptr;
    for_strips<T>(block.padded, [&](int column, auto width) {
      constexpr int W = decltype(width)::value, kWidth = W * kLanes;
      T* d_hidden = block.d_hidden.get() + int64_t(p_.units) * column + row * kWidth;
      Tile<T, W> tile;
      for_sums(tile, [](Vec<T>& sum, int, int) { sum = Vec<T>{}; });
      for (int w = 0; w < W; ++w) {  // each vector of columns is fetched for the next step during a part of the product
        const int64_t first = p_.units * w / W, units = p_.units * (w + 1) / W - first;
        const T* part = weights + first * kRows * Cell::kHidden.count;
        auto fetch = fetch_kept(step - 1, block.columns.first + column + w * kLanes, row, units * Cell::kHidden.count);
        add_transposed(tile, Cell::kHidden, part, block.rows(slot, column) + first * kGates * kWidth, units, fetch);
      }
      for_sums(tile, [&](const Vec<T>& sum, int r, int w) {
        if (r >= rows) return;
        T* place = d_hidden + r * kWidth + w * kLanes;
        Vec<T> total = load(place) + sum;
        if (resets) total = unless<T>(resets + column + w * kLanes, total, block.columns.count - column - w * kLanes);
        store(place, total);
      });
    });
  }

  // What passes to the inputs.
  void input_part(int step, const Block<T>& block, int slot, int number) const {
    const int row = number * kRows, rows = std::min(kRows, p_.features - row);
    const T* weights = input_weights_.get() + int64_t(row) * p_.units * Cell::kInput.count;
    T* d_inputs = results_.d_inputs + (int64_t(p_.time_of(step)) * p_.features + row) * p_.batch + block.columns.first;
    for_strips<T>(block.padded, [&](int column, auto width) {
      constexpr int W = decltype(width)::value;
      Tile<T, W> tile;
      for_sums(tile, [](Vec<T>& sum, int, int) { sum = Vec<T>{}; });
      add_transposed(tile, Cell::kInput, weights, block.rows(slot, column), p_.units, nothing);
      for_sums(tile, [&](const Vec<T>& sum, int r, int w) {
        const int at = column + w * kLanes;
        if (r < rows) store(d_inputs + int64_t(r) * p_.batch + at, sum, block.columns.count - at);
      });
    });
  }

  const Problem<T> p_;
  const BackwardArguments<T> a_;
  const BackwardResults<T> results_;
  const WeightGradient<Cell, T> gradient_;
  Buffer<T> hidden_weights_, input_weights_;
};

}  // namespace lstm_jax
