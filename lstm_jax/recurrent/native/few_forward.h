// The forward pass of a few columns: each row of weights times the state, lane by lane, the lanes added up at the end.
#pragma once

#include "few.h"
#include "team.h"

namespace lstm_jax {

template <class Cell, class T>
class FewForward {
 public:
  FewForward(const Problem<T>& problem, const ForwardResults<T>& results)
      : p_(problem),
        results_(results),
        units_(padded<T>(p_.units)),
        features_(padded<T>(p_.features)),
        inputs_(int64_t(p_.batch) * features_),
        now_(int64_t(p_.batch) * units_),
        next_(int64_t(p_.batch) * units_),
        cell_(int64_t(p_.batch) * units_) {}

  // All time steps; the team shares the units of each.
  void run(Team& team) const {
    T *now = now_.get(), *next = next_.get();
    to_columns(now, units_, p_.hidden_start, p_.units, p_.batch);
    if (Cell::kHasCell) to_columns(cell_.get(), units_, p_.cell_start, p_.units, p_.batch);
    for (int step = 0; step < p_.time; ++step) {
      const T* inputs = p_.inputs + int64_t(p_.time_of(step)) * p_.features * p_.batch;
      to_columns(inputs_.get(), features_, inputs, p_.features, p_.batch);
      reset(step, now);
      const bool blank = is_zero(now, int64_t(p_.batch) * units_);
      auto compute_groups = [&](int group, int end) {
        for (; group < end; ++group) {
          for_columns(p_.batch, [&](int column, auto count) {
            this->template compute<decltype(count)::value>(step, group * kLanes, column, blank, now, next);
          });
        }
      };
      team.run(units_ / kLanes, compute_groups, step % 2);
      std::swap(now, next);
    }
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;

  void reset(int step, T* hidden) const {
    const bool* resets = p_.resets_at(step);
    for (int column = 0; resets && column < p_.batch; ++column) {
      if (!resets[column]) continue;
      std::fill_n(hidden + column * units_, units_, T(0));
      std::fill_n(cell_.get() + column * units_, units_, T(0));
    }
  }

  // kLanes units from `first` on, C columns from `column` on.
  template <int C>
  void compute(int step, int first, int column, bool blank, const T* now, T* next) const {
    Vec<T> sums[kGates][C][kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      Vec<T> unit[kGates][C] = {};
      if (first + lane < p_.units) {
        add<Cell::kInput.first, Cell::kInput.count>(
            unit, {p_.input_weights, Cell::kInput, p_.units, first + lane, p_.features},
            inputs_.get() + column * features_, features_, p_.features);
        if (!blank) {
          add<Cell::kHidden.first, Cell::kHidden.count>(
              unit, {p_.hidden_weights, Cell::kHidden, p_.units, first + lane, p_.units}, now + column * units_, units_,
              p_.units);
        }
      }
      for (int gate = 0; gate < kGates; ++gate) {
        for (int c = 0; c < C; ++c) sums[gate][c][lane] = unit[gate][c];
      }
    }
    for (int c = 0; c < C; ++c) {
      Vec<T> gates[kGates];
      for (int gate = 0; gate < kGates; ++gate) gates[gate] = sum_lanes<T>(sums[gate][c]);
      activate(step, first, column + c, gates, now, next);
    }
  }

  // Adds rows of weights times columns, lane by lane.
  template <int First, int Count, int C>
  static void add(Vec<T> (&sums)[kGates][C], const UnitRows<const T>& rows, const T* columns, int stride, int depth) {
    for_row<T>(depth, [&](int k, auto left) {
      Vec<T> column[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) column[c] = load(columns + c * stride + k);
#pragma GCC unroll 4
      for (int gate = First; gate < First + Count; ++gate) {
        Vec<T> row = load(rows.of[gate] + k, left);
#pragma GCC unroll 4
        for (int c = 0; c < C; ++c) sums[gate][c] += row * column[c];
      }
    });
  }

  void activate(int step, int first, int column, Vec<T> (&gates)[kGates], const T* now, T* next) const {
    const int units = p_.units, batch = p_.batch, count = units - first, own = column * units_ + first;
    for (int gate = 0; gate < kGates; ++gate) {
      const T* bias = p_.bias + Cell::kBias.row(gate, first, units);
      gates[gate] = T(Cell::kScale[gate]) * (gates[gate] + load(bias, count));
    }
    State<T> before{load(now + own), Vec<T>{}};
    if (Cell::kHasCell) before.cell = load(cell_.get() + own);
    State<T> state = Cell::template activate<T>(gates, before);
    store(next + own, state.hidden);
    if (Cell::kHasCell) store(cell_.get() + own, state.cell);

    const int time = p_.time_of(step);
    const int64_t place = int64_t(first) * batch + column, at = int64_t(time) * units * batch + place;
    scatter(results_.hidden + at, state.hidden, count, batch);
    if (Cell::kHasCell) scatter(results_.cell + at, state.cell, count, batch);
    for (int gate = 0; results_.kept && gate < kGates; ++gate) {
      scatter(results_.kept + (int64_t(time) * kGates + gate) * units * batch + place, gates[gate], count, batch);
    }
  }

  const Problem<T> p_;
  const ForwardResults<T> results_;
  const int units_, features_;  // padded
  Buffer<T> inputs_, now_, next_, cell_;
};

}  // namespace lstm_jax
