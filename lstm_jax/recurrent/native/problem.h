// What both directions of time share: the arrays, as the caller has them, and how columns are cut into strips.
//
// Axes: T time, D features, H units, B columns (the batch); R rows of weights.
#pragma once

#include <algorithm>

#include "cells.h"
#include "memory.h"

namespace lstm_jax {

// Columns that are computed together: those from `first` on, `count` of them, in vectors that the last may not fill.
struct Columns {
  int first, count;

  template <class T>
  int padded() const {
    return round_up(count, Vector<T>::kLanes);
  }
};

// Whether all are 0 or -0: what is left of their bits without the sign, for which the compiler takes vectors.
template <class T>
inline bool is_zero(const T* numbers, int64_t count) {
  typedef std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t> Bits __attribute__((may_alias));
  const Bits* bits = reinterpret_cast<const Bits*>(numbers);
  Bits any = 0;
  for (int64_t at = 0; at < count; ++at) any |= bits[at];
  return !Bits(any << 1);
}

template <class T>
struct Problem {
  int time, features, units, batch;
  bool reverse;
  const T *input_weights, *hidden_weights, *bias;  // [R, D], [R, H], [4 H]
  const T *inputs;                                 // [T, D, B]
  const T *hidden_start, *cell_start;              // [H, B]
  const bool* resets;                              // [T, B], or null: none

  // The time that is read as number `step`.
  int time_of(int step) const { return reverse ? time - 1 - step : step; }

  // What was carried before that time: from the stack [T, H, B] of what came after each.
  const T* before(int step, const T* states, const T* start) const {
    return step == 0 ? start : states + int64_t(time_of(step - 1)) * units * batch;
  }

  const bool* resets_at(int step) const { return resets ? resets + int64_t(time_of(step)) * batch : nullptr; }

  // Whether no column remembers anything before the first time step: then there is nothing to multiply.
  bool begins_with_zeros(const Columns& columns) const {
    for (int unit = 0; unit < units; ++unit) {
      if (!is_zero(hidden_start + int64_t(unit) * batch + columns.first, columns.count)) return false;
    }
    return true;
  }

  // Where what is kept of one unit's gates begins, for the vector of columns that this column is in. What is computed
  // together lies together, [T][vectors of columns][H][gates][kLanes]: 1,000 sequences of 20 time steps, 24 units, take
  // 1.75 ms forward and backward, and 2.1 with rows [T][gates][H][B], many of which share few lines of the cache.
  int64_t kept_at(int time, int column, int unit) const {
    constexpr int kLanes = Vector<T>::kLanes;
    const int vectors = (batch + kLanes - 1) / kLanes;
    return ((int64_t(time) * vectors + column / kLanes) * units + unit) * kGates * kLanes;
  }

  int tiles() const { return (units + kUnits - 1) / kUnits; }
  int padded_units() const { return tiles() * kUnits; }
};

// Where the forward pass writes: states [T, H, B]; what is kept of the gates (null: nothing), for `kept_at`, of a few
// columns as [T][gates][H][B].
template <class T>
struct ForwardResults {
  T *hidden, *cell, *kept;
};

// What the backward pass reads besides the problem: the forward pass's results, and the derivatives by them
// ([T, H, B] and [H, B], null where they are zero).
template <class T>
struct BackwardArguments {
  const T *hidden, *cell, *kept;
  const T *d_hidden, *d_cell, *d_final_hidden, *d_final_cell;
};

// What it reads of one unit at one time step, from a column on; null: not there, or zero.
template <class T>
struct UnitAtStep {
  UnitAtStep(const Problem<T>& p, const BackwardArguments<T>& a, int step, int column, int unit, bool has_cell) {
    const int time = p.time_of(step);
    const int64_t row = int64_t(unit) * p.batch + column, at = int64_t(time) * p.units * p.batch + row;
    resets = p.resets_at(step) ? p.resets_at(step) + column : nullptr;
    hiddens = p.before(step, a.hidden, p.hidden_start) + row;
    cells = has_cell ? p.before(step, a.cell, p.cell_start) + row : nullptr;
    cells_after = has_cell ? a.cell + at : nullptr;
    d_hiddens = a.d_hidden ? a.d_hidden + at : nullptr;
    d_cells = a.d_cell ? a.d_cell + at : nullptr;
    kept = a.kept + p.kept_at(time, column, unit);
  }

  const bool* resets;
  const T *hiddens, *cells, *cells_after, *d_hiddens, *d_cells, *kept;
};

// Where it writes; d_inputs and those by the state may be null: not asked for. Either the weights' are, or, of a few
// columns, d_rows: the derivatives by the sums of the gates, [T, 4 H, B] in the order of the bias.
template <class T>
struct BackwardResults {
  T *d_input_weights, *d_hidden_weights, *d_bias, *d_inputs, *d_hidden_start, *d_cell_start, *d_rows;
};

// Calls function(column, width) for each strip of columns; the width, in vectors, is known when compiling.
template <class T, class Function>
inline void for_strips(int padded_columns, Function function) {
  constexpr int kLanes = Vector<T>::kLanes;
  int column = 0;
  for (; column + kWide * kLanes <= padded_columns; column += kWide * kLanes) {
    function(column, std::integral_constant<int, kWide>());
  }
  for (; column < padded_columns; column += kLanes) function(column, std::integral_constant<int, 1>());
}

// Calls function(place in the panel, row, column) for each vector of some rows of a panel [strips][depth][width].
template <class T, class Function>
inline void for_vectors(T* panel, int panel_depth, int row, int depth, const Columns& columns, Function function) {
  for_strips<T>(columns.padded<T>(), [&](int column, auto width) {
    constexpr int kWidth = decltype(width)::value * Vector<T>::kLanes;
    T* strip = panel + int64_t(panel_depth) * column + row * kWidth;
    for (int k = 0; k < depth; ++k) {
      for (int w = 0; w < kWidth; w += Vector<T>::kLanes) function(strip + k * kWidth + w, k, column + w);
    }
  });
}

// Cuts rows [depth, stride] into the strips of a panel.
template <class T>
inline void to_panel(T* panel, int panel_depth, int row, const T* from, int depth, int stride, const Columns& columns) {
  for_vectors(panel, panel_depth, row, depth, columns, [&](T* place, int k, int column) {
    store(place, load(from + int64_t(k) * stride + columns.first + column, columns.count - column));
  });
}

// And back: rows [depth, stride] of all that is in a panel.
template <class T>
inline void from_panel(T* to, T* panel, int depth, int stride, const Columns& columns) {
  for_vectors(panel, depth, 0, depth, columns, [&](T* place, int k, int column) {
    store(to + int64_t(k) * stride + columns.first + column, load(place), columns.count - column);
  });
}

// Zeros in the columns of a panel in which a new sequence begins.
template <class T>
inline void reset_panel(T* panel, int panel_depth, int row, int depth, const bool* resets, const Columns& columns) {
  if (!resets) return;
  for_vectors(panel, panel_depth, row, depth, columns, [&](T* place, int, int column) {
    store(place, unless<T>(resets + columns.first + column, load(place), columns.count - column));
  });
}

}  // namespace lstm_jax
