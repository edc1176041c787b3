// How the derivatives by the weights are added up over time: the sum of d [h; x; 1]^T, d the derivatives by the gates.
#pragma once

#include <vector>

#include "problem.h"

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

  // Adds the blocks' sums, in their order, and puts the rows into the order of the parameters.
  void restore(const std::vector<const T*>& gradients, T* d_input_weights, T* d_hidden_weights, T* d_bias) const {
    for (int gate = 0; gate < kGates; ++gate) {
      for (int unit = 0; unit < p_.units; ++unit) {
        const int64_t row = (int64_t(unit) * kGates + gate) * operands();
        auto total = [&](int operand) {
          T sum = 0;
          for (const T* gradient : gradients) sum += gradient[row + operand];
          return T(Cell::kScale[gate]) * sum;
        };
        auto to = [&](T* weights, const Blocks& blocks, int depth) {
          return weights + (int64_t(blocks.parameter[gate]) * p_.units + unit) * depth;
        };
        if (has(Cell::kHidden, gate)) {
          T* d_hidden = to(d_hidden_weights, Cell::kHidden, p_.units);
          for (int k = 0; k < p_.units; ++k) d_hidden[k] = total(k);
        }
        if (has(Cell::kInput, gate)) {
          T* d_input = to(d_input_weights, Cell::kInput, p_.features);
          for (int k = 0; k < p_.features; ++k) d_input[k] = total(p_.units + k);
        }
        *to(d_bias, Cell::kBias, 1) = total(p_.units + p_.features);
      }
    }
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;

  static bool has(const Blocks& blocks, int gate) { return gate >= blocks.first && gate < blocks.first + blocks.count; }

  const Problem<T> p_;
  const T* hidden_;
};

}  // namespace lstm_jax
