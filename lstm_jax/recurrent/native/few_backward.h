// Back-propagation through time for a few columns. `d_` stands for the loss's derivative by something.
//
// A piece is a range of units: its derivatives by the gates, and what passes from them to all that was read. A time
// step later each unit adds up what all pieces have passed to it, in their order.
#pragma once

#include "few_gradient.h"

namespace lstm_jax {

template <class Cell, class T>
class FewBackward {
 public:
  FewBackward(const Problem<T>& problem, const BackwardArguments<T>& arguments, const BackwardResults<T>& results)
      : p_(problem),
        a_(arguments),
        results_(results),
        units_(padded<T>(p_.units)),
        width_(units_ + padded<T>(p_.features)),
        pieces_(std::min(units_ / kLanes, kMostPieces)),
        passed_(int64_t(pieces_) * p_.batch * width_),
        passing_(int64_t(pieces_) * p_.batch * width_),
        d_cell_(int64_t(p_.batch) * units_),
        gradient_(problem, results) {}

  // All time steps, from the last to the first; the team shares the units.
  void run(Team& team) const {
    T *passed = passed_.get(), *passing = passing_.get();
    std::fill_n(passed, int64_t(pieces_) * p_.batch * width_, T(0));
    std::fill_n(d_cell_.get(), int64_t(p_.batch) * units_, T(0));
    if (a_.d_final_hidden) to_columns(passed, width_, a_.d_final_hidden, p_.units, p_.batch);
    if (a_.d_final_cell) to_columns(d_cell_.get(), units_, a_.d_final_cell, p_.units, p_.batch);
    int slot = 0;
    for (int step = p_.time - 1; step >= 0; --step) {
      const int64_t place = int64_t(p_.time_of(step)) * p_.features * p_.batch;
      to_columns(gradient_.read(slot * p_.batch) + units_, width_, p_.inputs + place, p_.features, p_.batch);
      auto back_through = [&](int piece, int end) {
        for (; piece < end; ++piece) back(step, slot, piece, passed, passing);
      };
      team.run(pieces_, back_through, step % 2 == 0);
      std::swap(passed, passing);
      if (results_.d_inputs) add_up(results_.d_inputs + place, passed + units_, p_.features);
      if (++slot < gradient_.slots() && step) continue;
      const int remembered = slot - (step == 0 && is_zero(p_.hidden_start, int64_t(p_.units) * p_.batch));
      if (!results_.d_rows) gradient_.add(slot * p_.batch, remembered * p_.batch, step + slot == p_.time, team);
      slot = 0;
    }
    if (results_.d_hidden_start) add_up(results_.d_hidden_start, passed, p_.units);
    if (!Cell::kHasCell || !results_.d_cell_start) return;
    for (int column = 0; column < p_.batch; ++column) {
      for (int unit = 0; unit < p_.units; ++unit) {
        results_.d_cell_start[unit * p_.batch + column] = d_cell_.get()[column * units_ + unit];
      }
    }
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;
  static constexpr int kMostPieces = 16;

  // The sum of what the pieces have passed on, [B], to rows [size, B].
  void add_up(T* to, const T* passed, int size) const {
    for (int column = 0; column < p_.batch; ++column) {
      for (int k = 0; k < size; k += kLanes) {
        scatter(to + int64_t(k) * p_.batch + column, sum_of(passed + column * width_ + k), size - k, p_.batch);
      }
    }
  }

  Vec<T> sum_of(const T* passed) const {
    Vec<T> sum{};
    for (int piece = 0; piece < pieces_; ++piece) sum += load(passed + int64_t(piece) * p_.batch * width_);
    return sum;
  }

  // One time step: the derivatives by the gates of one piece, and what passes from them.
  void back(int step, int slot, int piece, const T* passed, T* passing) const {
    const int groups = units_ / kLanes, begin = groups * piece / pieces_ * kLanes;
    const int end = groups * (piece + 1) / pieces_ * kLanes, place = slot * p_.batch;
    const bool* resets = p_.resets_at(step);
    passing += int64_t(piece) * p_.batch * width_;
    std::fill_n(passing, int64_t(p_.batch) * width_, T(0));
    for (int column = 0; column < p_.batch; ++column) {
      const bool reset = resets && resets[column];
      for (int first = begin; first < end; first += kLanes) {
        differentiate(step, first, column, reset, place + column, passed, passing);
      }
    }
    const bool pass_on = step || results_.d_hidden_start;
    for (int unit = begin; unit < std::min(end, p_.units); ++unit) {
      for_columns(p_.batch, [&](int column, auto count) {
        constexpr int C = decltype(count)::value;
        const T* factors = gradient_.d_gates(place + column) + unit;
        T* to = passing + column * width_;
        if (pass_on) {
          pass<Cell::kHidden.first, Cell::kHidden.count, C>(
              to, {p_.hidden_weights, Cell::kHidden, p_.units, unit, p_.units}, factors, p_.units);
        }
        if (results_.d_inputs) {
          pass<Cell::kInput.first, Cell::kInput.count, C>(
              to + units_, {p_.input_weights, Cell::kInput, p_.units, unit, p_.features}, factors, p_.features);
        }
      });
    }
    for (int column = 0; resets && column < p_.batch; ++column) {
      if (resets[column]) std::fill_n(passing + column * width_, units_, T(0));
    }
  }

  // kLanes units from `first` on, one column.
  void differentiate(int step, int first, int column, bool reset, int place, const T* passed, T* passing) const {
    const int units = p_.units, batch = p_.batch, count = units - first, time = p_.time_of(step);
    const int64_t row = int64_t(first) * batch + column, at = int64_t(time) * units * batch + row;
    auto seen = [&](const T* array) { return array ? gather(array + at, count, batch) : Vec<T>{}; };
    auto before_it = [&](const T* states, const T* start) {
      return reset ? Vec<T>{} : gather(p_.before(step, states, start) + row, count, batch);
    };
    State<T> d_after{sum_of(passed + column * width_ + first) + seen(a_.d_hidden), Vec<T>{}}, after{};
    State<T> before{before_it(a_.hidden, p_.hidden_start), Vec<T>{}};
    T* d_cell = d_cell_.get() + column * units_ + first;
    if constexpr (Cell::kHasCell) {
      d_after.cell = load(d_cell) + seen(a_.d_cell);
      after.cell = seen(a_.cell);
      before.cell = before_it(a_.cell, p_.cell_start);
    }
    Vec<T> gates[kGates];
    for (int gate = 0; gate < kGates; ++gate) {
      gates[gate] = gather(a_.kept + (int64_t(time) * kGates + gate) * units * batch + row, count, batch);
    }
    State<T> d_before = Cell::template differentiate<T>(gates, before, after, d_after);
    store(passing + column * width_ + first, d_before.hidden);
    if (Cell::kHasCell) store(d_cell, reset ? Vec<T>{} : d_before.cell);
    store(gradient_.read(place) + first, before.hidden);
    for (int gate = 0; gate < kGates; ++gate) {
      Vec<T> d_gate = T(Cell::kScale[gate]) * gates[gate];
      store(gradient_.d_gates(place) + gate * units_ + first, d_gate);
      if (!results_.d_rows) continue;
      T* d_rows = results_.d_rows + (int64_t(time) * kGates * units + Cell::kBias.row(gate, first, units)) * batch;
      scatter(d_rows + column, d_gate, count, batch);
    }
  }

  // Adds to C columns the rows of weights of one unit, each times the derivative by its gate.
  template <int First, int Count, int C>
  void pass(T* to, const UnitRows<const T>& rows, const T* factors, int depth) const {
    for_row<T>(depth, [&](int k, auto left) {
      Vec<T> sums[C];
      for (int c = 0; c < C; ++c) sums[c] = load(to + c * width_ + k);
#pragma GCC unroll 4
      for (int gate = First; gate < First + Count; ++gate) {
        Vec<T> row = load(rows.of[gate] + k, left);
        for (int c = 0; c < C; ++c) sums[c] += factors[(c * kGates + gate) * units_] * row;
      }
      for (int c = 0; c < C; ++c) store(to + c * width_ + k, sums[c]);
    });
  }

  const Problem<T> p_;
  const BackwardArguments<T> a_;
  const BackwardResults<T> results_;
  const int units_, width_, pieces_;  // units padded; units and features, both padded
  Buffer<T> passed_, passing_, d_cell_;
  const FewGradient<Cell, T> gradient_;
};

}  // namespace lstm_jax
