// How the derivatives by the weights are added up over time: the sum of d [h; x; 1]^T, d the derivatives by the gates.
#pragma once

#include <vector>

#include "block.h"
#include "team.h"

namespace lstm_jax {

template <class Cell, class T>
class WeightGradient {
 public:
  // hidden: the states [T, H, B] that the forward pass found.
  WeightGradient(const Problem<T>& problem, const T* hidden) : p_(problem), hidden_(hidden) {}

  // How many time steps wait until they are added together.
  int slots(int padded_columns) const { return std::max(1, std::min(p_.time, contraction() / padded_columns)); }

  // Rows of [h; x; 1; 0 ...].
  int operands() const { return round_up(p_.units + p_.features + 1, kLanes); }

  // Of the sum: [gates of padded units][operands].
  int64_t size() const { return int64_t(p_.padded_units()) * kGates * operands(); }

  // How many groups of rows of [h; x; 1; 0 ...] a time step has, for `fetch`.
  int groups() const { return turned() / kLanes + (beside() ? 1 : 0); }

  // Brings a group of rows to where `add` reads them.
  void fetch(int step, const Block<T>& block, int slot, int group) const {
    const int first = group * kLanes, few = beside();
    const Operands operands = operands_at(step);
    for (int column = 0; column < block.padded; column += kLanes) {
      const int at = block.columns.first + column, count = block.columns.count - column;
      const int64_t place = int64_t(slot) * block.padded + column;
      if (first < turned()) {
        turn(operands, block, first, at, count, place);
      } else {
        for (int k = 0; k < few; ++k) store(row_beside(block, k) + place, operands.load(first + k, at, count));
      }
    }
  }

  // Adds the products of the filled slots to the gradient of the rows of some tiles; in those from `remembered` on the
  // hidden state is zero. A strip of operands stays in the core's first cache while the tiles pass.
  void add(const Block<T>& block, int first, int end, int slots, int remembered) const {
    for (int number = first; number < end; ++number) {
      for (int row = 0; row < beside(); ++row) add_beside(block, number, row, slots);
    }
    for_strips<T>(turned(), [&](int operand, auto width) {
      const bool hidden_only = operand + decltype(width)::value * kLanes <= p_.units;
      for (int number = first; number < end; ++number) {
        add_tile<decltype(width)::value>(block, number, operand, hidden_only, hidden_only ? remembered : slots);
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

  // [h; x; 1; 0 ...] as it was when a time step was read; found once a step, not at every row.
  struct Operands {
    const T *hidden, *inputs;
    const bool* resets;
    int units, features, batch;

    Vec<T> load(int row, int at, int count) const {
      const int feature = row - units;
      if (feature >= features) return Vec<T>{} + T(feature == features);
      if (feature >= 0) return lstm_jax::load(inputs + int64_t(feature) * batch + at, count);
      Vec<T> state = lstm_jax::load(hidden + int64_t(row) * batch + at, count);
      return resets ? unless<T>(resets + at, state, count) : state;
    }
  };

  // Columns, of one time step or several, that one product contracts, in a layer of many units and in a smaller one. So
  // many of a strip of operands fit into the first cache: from 128 units on twice as many take 1-6% longer backwards,
  // and half as many up to 2%. Small layers fit either way, and store fewer sums with more (24 units: 0.5%).
  static constexpr int kContraction = 256, kOfSmall = 512, kManyUnits = 64;

  int contraction() const { return p_.units < kManyUnits ? kOfSmall : kContraction; }

  // Of [h; x; 1] those that would fill at most a quarter of a vector of their own; the product does without them.
  int beside() const {
    const int last = (p_.units + p_.features + 1) % kLanes;
    return last <= kLanes / 4 ? last : 0;
  }

  // Those that the product takes, in whole vectors.
  int turned() const { return operands() - (beside() ? kLanes : 0); }

  T* row_beside(const Block<T>& block, int number) const {
    return block.operands.get() + int64_t(turned() + number) * block.slots * block.padded;
  }

  Operands operands_at(int step) const {
    return {p_.before(step, hidden_, p_.hidden_start),
            p_.inputs + int64_t(p_.time_of(step)) * p_.features * p_.batch,
            p_.resets_at(step),
            p_.units,
            p_.features,
            p_.batch};
  }

  // Writes kLanes rows as columns, so that one row of the product reads them side by side.
  void turn(const Operands& operands, const Block<T>& block, int row, int at, int count, int64_t place) const {
    constexpr int kWidth = kWide * kLanes;
    const int width = row - row % kWidth + kWidth <= turned() ? kWidth : kLanes, first = row - row % width;
    Vec<T> lanes[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = operands.load(row + lane, at, count);
    transpose<T>(lanes);
    T* to = block.operands.get() + int64_t(first) * block.slots * block.padded + place * width + row - first;
    for (int lane = 0; lane < kLanes; ++lane) store(to + lane * width, lanes[lane]);
  }

  // The products of one tile of rows with one strip of operands, those of hidden states alone or others, too.
  template <int W>
  void add_tile(const Block<T>& block, int number, int operand, bool hidden_only, int slots) const {
    T* gradient = block.gradient + int64_t(number) * kRows * operands() + operand;
    const int stride = operands();
    Tile<T, W> tile;
    for_sums(tile, [=](Vec<T>& sum, int row, int w) {
      sum = Vec<T>{};
      ask_for(gradient, int64_t(row) * stride + w * kLanes);
    });
    for (int slot = 0; slot < slots; ++slot) {
      const T* strip = block.operands.get() + int64_t(operand) * block.slots * block.padded +
                       int64_t(slot) * block.padded * W * kLanes;
      for_strips<T>(block.padded, [&](int column, auto columns) {
        constexpr int kColumns = decltype(columns)::value * kLanes;
        const T* columns_of = strip + column * W * kLanes;
        const T* rows = block.rows(slot, column) + int64_t(number) * kRows * kColumns;
        if (hidden_only) {
          add_outer_product<Cell::kHidden.first, Cell::kHidden.count>(tile, rows, kColumns, columns_of, kColumns);
        } else {
          add_outer_product<0, kGates>(tile, rows, kColumns, columns_of, kColumns);
        }
      });
    }
    for_sums(tile, [=](const Vec<T>& sum, int row, int w) {
      T* total = gradient + int64_t(row) * stride + w * kLanes;
      store(total, load(total) + sum);
    });
  }

  // The products with a row beside: the lanes are columns, and are summed up in the end.
  void add_beside(const Block<T>& block, int number, int number_beside, int slots) const {
    Vec<T> sums[kRows] = {};
    for (int slot = 0; slot < slots; ++slot) {
      for_strips<T>(block.padded, [&](int column, auto width) {
        constexpr int kWidth = decltype(width)::value * kLanes;
        const T* factors = row_beside(block, number_beside) + int64_t(slot) * block.padded + column;
        const T* rows = block.rows(slot, column) + int64_t(number) * kRows * kWidth;
#pragma GCC unroll 2
        for (int w = 0; w < kWidth; w += kLanes) {
          Vec<T> factor = load(factors + w);
#pragma GCC unroll 12
          for (int r = 0; r < kRows; ++r) sums[r] += factor * load(rows + r * kWidth + w);
        }
      });
    }
    T* gradient = block.gradient + int64_t(number) * kRows * operands() + turned() + number_beside;
    for (int r = 0; r < kRows; ++r) {
      for (int lane = 0; lane < kLanes; ++lane) gradient[int64_t(r) * operands()] += sums[r][lane];
    }
  }

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
