// How a few columns' derivatives by the weights are added up over time: the sum of d [h; x; 1]^T, written row by row to
// where the caller wants it.
#pragma once

#include "few.h"
#include "team.h"

namespace lstm_jax {

template <class Cell, class T>
class FewGradient {
 public:
  FewGradient(const Problem<T>& problem, const BackwardResults<T>& results)
      : p_(problem),
        results_(results),
        units_(padded<T>(p_.units)),
        width_(units_ + padded<T>(p_.features)),
        slots_(std::max(1, std::min(p_.time, kContraction / p_.batch))),
        d_gates_(int64_t(slots_) * p_.batch * kGates * units_),
        read_(int64_t(slots_) * p_.batch * width_) {}

  // Time steps whose part is kept until it is added.
  int slots() const { return slots_; }

  // Of one column of a slot: the derivatives by the gates, [gates][units], and the state and the inputs that were read.
  T* d_gates(int place) const { return d_gates_.get() + int64_t(place) * kGates * units_; }
  T* read(int place) const { return read_.get() + int64_t(place) * width_; }

  // Adds what the first `places` columns contribute, or begins with it; the team shares the units. After the first
  // `remembered` columns there was no state to be read: it was zero.
  void add(int places, int remembered, bool begin, Team& team) const {
    team.run(units_ / kLanes, [&](int group, int end) {
      for (; group < end; ++group) add_units(group * kLanes, places, remembered, begin);
    });
  }

 private:
  static constexpr int kLanes = Vector<T>::kLanes;
  static constexpr int kContraction = 128;  // columns, of one time step or several, that one product contracts

  void add_units(int first, int places, int remembered, bool begin) const {
    for (int unit = first; unit < std::min(first + kLanes, p_.units); ++unit) {
      contract<Cell::kHidden.first, Cell::kHidden.count>(
          {results_.d_hidden_weights, Cell::kHidden, p_.units, unit, p_.units}, unit, 0, p_.units, remembered, begin);
      contract<Cell::kInput.first, Cell::kInput.count>(
          {results_.d_input_weights, Cell::kInput, p_.units, unit, p_.features}, unit, units_, p_.features, places,
          begin);
    }
    const int count = p_.units - first;
    for (int gate = 0; gate < kGates; ++gate) {
      T* to = results_.d_bias + Cell::kBias.row(gate, first, p_.units);
      Vec<T> sum = begin ? Vec<T>{} : load(to, count);
      for (int place = 0; place < places; ++place) sum += load(d_gates(place) + gate * units_ + first);
      store(to, sum, count);
    }
  }

  // One unit's rows, [depth]: the sum over places of the derivative by the gate times what was read.
  template <int First, int Count>
  void contract(const UnitRows<T>& rows, int unit, int offset, int depth, int places, bool begin) const {
    auto block = [&](int k, auto vectors) {
      constexpr int V = decltype(vectors)::value;
      Vec<T> sums[kGates][V] = {};
      for (int place = 0; place < places; ++place) {
        const T *operand = read(place) + offset + k, *factors = d_gates(place) + unit;
#pragma GCC unroll 4
        for (int gate = First; gate < First + Count; ++gate) {
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sums[gate][v] += factors[gate * units_] * load(operand + v * kLanes);
        }
      }
      for (int gate = First; gate < First + Count; ++gate) {
        for (int v = 0; v < V; ++v) {
          T* to = rows.of[gate] + k + v * kLanes;
          const int count = depth - k - v * kLanes;
          store(to, begin ? sums[gate][v] : sums[gate][v] + load(to, count), count);
        }
      }
    };
    int k = 0;
    for (; k + 4 * kLanes <= depth; k += 4 * kLanes) block(k, std::integral_constant<int, 4>());
    for (; k < depth; k += kLanes) block(k, std::integral_constant<int, 1>());
  }

  const Problem<T> p_;
  const BackwardResults<T> results_;
  const int units_, width_, slots_;  // units padded; units and features, both padded
  Buffer<T> d_gates_, read_;
};

}  // namespace lstm_jax
