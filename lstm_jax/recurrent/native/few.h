// A batch of a few columns, too few for the lanes of a vector: there the lanes are units or weights of one row, and the
// weights are read as the caller has them.
//
// What there is of each column, [B][padded H], lies in one piece; zeros beyond the last unit.
#pragma once

#include "problem.h"

namespace lstm_jax {

template <class T>
constexpr int padded(int size) {
  return round_up(size, Vector<T>::kLanes);
}

// Up to kLanes numbers, `stride` apart.
template <class T>
inline Vec<T> gather(const T* from, int count, int stride) {
  if (stride == 1) return load(from, count);
  Vec<T> values{};
  for (int lane = 0; lane < std::min(count, Vector<T>::kLanes); ++lane) values[lane] = from[int64_t(lane) * stride];
  return values;
}

template <class T>
inline void scatter(T* to, Vec<T> values, int count, int stride) {
  if (stride == 1) return store(to, values, count);
  for (int lane = 0; lane < std::min(count, Vector<T>::kLanes); ++lane) to[int64_t(lane) * stride] = values[lane];
}

// Rows [size, B] to columns [B], each padded and `stride` numbers from the next.
template <class T>
inline void to_columns(T* to, int stride, const T* from, int size, int batch) {
  constexpr int kLanes = Vector<T>::kLanes;
  for (int column = 0; column < batch; ++column) {
    for (int k = 0; k < size; k += kLanes) {
      store(to + column * stride + k, gather(from + int64_t(k) * batch + column, size - k, batch));
    }
  }
}

// Calls function(column, count) for a few columns at a time; the count is known when compiling.
template <class Function>
inline void for_columns(int batch, Function function) {
  int column = 0;
  for (; column + 4 <= batch; column += 4) function(column, std::integral_constant<int, 4>());
  for (; column < batch; ++column) function(column, std::integral_constant<int, 1>());
}

// The sum of the lanes of each of kLanes vectors, side by side; the vectors are used up.
template <class T, int Half = Vector<T>::kLanes / 2>
inline Vec<T> sum_lanes(Vec<T>* rows) {
  if constexpr (Half == 0) {
    return rows[0];
  } else {
    constexpr auto kLanes = std::make_integer_sequence<int, Vector<T>::kLanes>();
#pragma GCC unroll 8
    for (int row = 0; row < Half; ++row) {
      Vec<T> first = rows[row], second = rows[row + Half];
      rows[row] = exchanged<Half, 0, T>(first, second, kLanes) + exchanged<Half, 1, T>(first, second, kLanes);
    }
    return sum_lanes<T, Half / 2>(rows);
  }
}

// The rows that one unit has in a matrix of weights [R, depth], gate by gate.
template <class T>
struct UnitRows {
  T* of[kGates];

  UnitRows(T* weights, const Blocks& blocks, int units, int unit, int depth) : of{} {
    for (int gate = blocks.first; gate < blocks.first + blocks.count; ++gate) {
      of[gate] = weights + blocks.row(gate, unit, units) * depth;
    }
  }
};

// Calls function(k, left) for each vector of a row; all but the last are full, and `left` says so when compiling.
template <class T, class Function>
inline void for_row(int depth, Function function) {
  constexpr int kLanes = Vector<T>::kLanes;
  int k = 0;
  for (; k + kLanes <= depth; k += kLanes) function(k, std::integral_constant<int, kLanes>());
  if (k < depth) function(k, depth - k);
}

}  // namespace lstm_jax
