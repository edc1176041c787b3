// How the derivatives by the weights are added up over time: the sum of d [h; x; 1]^T, d the derivatives by the gates.
#pragma once

#include <vector>

#include "problem.h"
#include "team.h"

namespace lstm_jax {

// What is known of some columns while time runs backwards. A slot is a symbol whose part is still to be added.
template <class T>
struct Block {
  Columns columns;
  int padded, slots;
  int64_t depth;               // the gates of all units, with those that fill up the last tile
  T* gradient;                 // [depth][operands]
  Buffer<T> d_hidden, d_cell;  // panels [strips][H][width]
  Buffer<T> d_rows;            // [slots][strips][depth][width]
  Buffer<T> operands;          // [strips of operands][slots][columns][width]

  T* rows(int slot, int column) const { return d_rows.get() + (int64_t(slot) * padded + column) * depth; }
};

template <class Cell, class T>
class WeightGradient {
 public:
  // hidden: the states [T, H, B] that the forward pass found.
  WeightGradient(const Problem<T>& problem, const T* hidden) : p_(problem), hidden_(hidden) {}

  // Rows of [h; x; 1; 0 ...].
  int operands() const { return round_up(p_.units + p_.features + 1, kLanes); }

  // Of the sum: [gates of padded units][operands].
  int64_t size() const { return int64_t(p_.padded_units()) * kGates * operands(); }

  // Writes kLanes rows of [h; x; 1; 0 ...] as columns, so that one row of a product reads them side by side.
  void turn(int step, const Block<T>& block, int slot, int group) const {
    const int row = group * kLanes, padded = operands();
    const int width = row / (kWide * kLanes) * kWide * kLanes + kWide * kLanes <= padded ? kWide * kLanes : kLanes;
    const int64_t strip = int64_t(row - row % width) * block.slots * block.padded;
    const bool* resets = p_.resets_at(step);
    const T* hidden = p_.before(step, hidden_, p_.hidden_start);
    const T* inputs = p_.inputs + int64_t(p_.time_of(step)) * p_.features * p_.batch;
    for (int column = 0; column < block.padded; column += kLanes) {
      const int at = block.columns.first + column, count = block.columns.count - column;
      Vec<T> rows[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        const int operand = row + lane, feature = operand - p_.units;
        rows[lane] = operand < p_.units        ? load(hidden + int64_t(operand) * p_.batch + at, count)
                     : feature < p_.features   ? load(inputs + int64_t(feature) * p_.batch + at, count)
                                               : Vec<T>{} + T(feature == p_.features);
        if (resets && operand < p_.units) rows[lane] = unless<T>(resets + at, rows[lane], count);
      }
      transpose<T>(rows);
      T* to = block.operands.get() + strip + (int64_t(slot) * block.padded + column) * width + row % width;
      for (int lane = 0; lane < kLanes; ++lane) store(to + lane * width, rows[lane]);
    }
  }

  // Adds the products of the filled slots to the gradient of the rows of one tile; in those from `remembered` on the
  // hidden state is zero.
  void add(const Block<T>& block, int number, int slots, int remembered) const {
    for_strips<T>(operands(), [&](int operand, auto width) {
      constexpr int W = decltype(width)::value;
      const bool hidden_only = operand + W * kLanes <= p_.units;
      T* gradient = block.gradient + int64_t(number) * kRows * operands() + operand;
      Tile<T, W> tile{};
      for (int slot = 0; slot < (hidden_only ? remembered : slots); ++slot) {
        const T* operands = block.operands.get() + int64_t(operand) * block.slots * block.padded +
                            int64_t(slot) * block.padded * W * kLanes;
        for_strips<T>(block.padded, [&](int column, auto columns) {
          constexpr int kColumns = decltype(columns)::value * kLanes;
          const T* turned = operands + column * W * kLanes;
          const T* rows = block.rows(slot, column) + int64_t(number) * kRows * kColumns;
          if (hidden_only) {
            add_outer_product<Cell::kHidden.first, Cell::kHidden.count>(tile, rows, kColumns, turned, kColumns);
          } else {
            add_outer_product<0, kGates>(tile, rows, kColumns, turned, kColumns);
          }
        });
      }
      for (int r = 0; r < kRows; ++r) {
        for (int w = 0; w < W; ++w) {
          T* sum = gradient + int64_t(r) * this->operands() + w * kLanes;
          store(sum, load(sum) + tile.sum[r / kGates][r % kGates][w]);
        }
      }
    });
  }

  // Adds the blocks' sums, in their order, and puts the rows into that of the parameters; the team shares the units.
  void restore(const std::vector<const T*>& gradients, const BackwardResults<T>& results, Team& team) const {
    team.run(p_.units, [&](int unit, int end) {
      Buffer<T> total(operands());
      for (; unit < end; ++unit) {
        for (int gate = 0; gate < kGates; ++gate) {
          add_up(gradients, int64_t(unit * kGates + gate) * operands(), Cell::kScale[gate], total.get());
          if (Cell::kHidden.has(gate)) put(results.d_hidden_weights, Cell::kHidden, gate, unit, total.get(), p_.units);
          const T* rest = total.get() + p_.units;
          if (Cell::kInput.has(gate)) put(results.d_input_weights, Cell::kInput, gate, unit, rest, p_.features);
          put(results.d_bias, Cell::kBias, gate, unit, rest + p_.features, 1);
        }
      }
    });
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;

  void add_up(const std::vector<const T*>& gradients, int64_t row, double scale, T* total) const {
    for (int k = 0; k < operands(); k += kLanes) {
      Vec<T> sum{};
      for (const T* gradient : gradients) sum += load(gradient + row + k);
      store(total + k, T(scale) * sum);
    }
  }

  void put(T* to, const Blocks& blocks, int gate, int unit, const T* from, int depth) const {
    std::copy_n(from, depth, to + blocks.row(gate, unit, p_.units) * depth);
  }

  const Problem<T> p_;
  const T* hidden_;
};

}  // namespace lstm_jax
