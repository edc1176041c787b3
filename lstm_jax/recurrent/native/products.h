// Tiles of matrix products, held in registers while they are added up.
//
// A tile has the four gates of kUnits units as rows, and one or two vectors of columns. Panels are matrices cut into
// strips as wide as a tile, each strip contiguous, so that a product reads memory from its beginning to its end.
#pragma once

#include "vectors.h"

namespace lstm_jax {

constexpr int kGates = 4;
constexpr int kUnits = kRegisters == 32 ? 3 : 1;
constexpr int kRows = kUnits * kGates;
constexpr int kWide = 2;  // vectors of columns in a full tile

template <class T, int W>
struct Tile {
  Vec<T> sum[kUnits][kGates][W];
};

// Calls function(sum, row, vector) for each of a tile's sums. Unrolled, so that they stay in the registers: a loop, or
// `Tile<T, W>{}`, has them written to the memory and read again.
template <class T, int W, class Function>
[[gnu::always_inline]] inline void for_sums(Tile<T, W>& tile, Function function) {
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int w = 0; w < W; ++w) function(tile.sum[row / kGates][row % kGates][w], row, w);
  }
}

// Adds factor(unit, gate) times W vectors of columns to the gates First ... First + Count - 1.
template <int First, int Count, class T, int W, class Factor>
inline void add_columns(Tile<T, W>& tile, const T* columns, Factor factor) {
  Vec<T> column[W];
#pragma GCC unroll 2
  for (int w = 0; w < W; ++w) column[w] = load(columns + w * Vector<T>::kLanes);
#pragma GCC unroll 3
  for (int unit = 0; unit < kUnits; ++unit) {
#pragma GCC unroll 4
    for (int gate = First; gate < First + Count; ++gate) {
#pragma GCC unroll 2
      for (int w = 0; w < W; ++w) tile.sum[unit][gate][w] += factor(unit, gate) * column[w];
    }
  }
}

constexpr auto nothing = [](auto...) {};

// Adds weights times columns to the gates First ... First + Count - 1.
//
// weights: for each k the factors of the tile's rows, packed; columns: for each k W vectors, `stride` numbers apart;
// beside(weights, columns): what else is done at each k, such as to ask the memory for what is read later.
template <int First, int Count, class T, int W, class Beside>
inline void add_product(Tile<T, W>& tile, const T* weights, const T* columns, int depth, int stride, Beside&& beside) {
  for (int k = 0; k < depth; ++k, columns += stride, weights += kUnits * Count) {
    beside(weights, columns);
    add_columns<First, Count>(tile, columns, [=](int unit, int gate) { return weights[unit * Count + gate - First]; });
  }
}

// The same with factors that are not packed: each row contiguous, `stride` numbers apart; columns are contiguous.
template <int First, int Count, class T, int W>
inline void add_outer_product(Tile<T, W>& tile, const T* rows, int stride, const T* columns, int depth) {
  for (int k = 0; k < depth; ++k, columns += W * Vector<T>::kLanes) {
    add_columns<First, Count>(
        tile, columns, [=](int unit, int gate) { return rows[(unit * kGates + gate) * stride + k]; });
  }
}

constexpr int round_up(int size, int multiple) { return (size + multiple - 1) / multiple * multiple; }

}  // namespace lstm_jax
