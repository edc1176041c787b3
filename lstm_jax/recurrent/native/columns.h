// Columns of a matrix, some of them several times; and the derivative of that.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lstm_jax {

// Of each row [width], the numbers at so many places [count]: [rows, width] to [rows, count].
template <class T>
void take_columns(const T* __restrict from, int64_t rows, int64_t width, const int32_t* __restrict places,
                  int64_t count, T* __restrict to) {
  for (int64_t row = 0; row < rows; ++row, from += width, to += count) {
    for (int64_t column = 0; column < count; ++column) to[column] = from[places[column]];
  }
}

// The sums of what was taken from each place: [rows, count] to [rows, width].
template <class T>
void add_columns(const T* __restrict from, int64_t rows, int64_t width, const int32_t* __restrict places,
                 int64_t count, T* __restrict to) {
  std::fill(to, to + rows * width, T(0));
  constexpr int kTogether = 4;  // sums that do not wait for each other
  for (; rows >= kTogether; rows -= kTogether, from += kTogether * count, to += kTogether * width) {
    for (int64_t column = 0; column < count; ++column) {
#pragma GCC unroll 4
      for (int row = 0; row < kTogether; ++row) to[row * width + places[column]] += from[row * count + column];
    }
  }
  for (; rows; --rows, from += count, to += width) {
    for (int64_t column = 0; column < count; ++column) to[places[column]] += from[column];
  }
}

}  // namespace lstm_jax
