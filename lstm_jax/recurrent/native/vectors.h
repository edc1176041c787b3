// Numbers side by side in one register of the processor: loads, stores, tanh, transposition.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lstm_jax {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kRegisters = 32;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32, kRegisters = 16;
#else
constexpr int kVectorBytes = 16, kRegisters = 32;
#endif

template <class T>
struct Vector {
  typedef T Type __attribute__((vector_size(kVectorBytes), may_alias));
  typedef T Unaligned __attribute__((vector_size(kVectorBytes), may_alias, aligned(sizeof(T))));
  static constexpr int kLanes = kVectorBytes / sizeof(T);
};

template <class T>
using Vec = typename Vector<T>::Type;

template <class T>
inline Vec<T> load(const T* from) {
  return *reinterpret_cast<const typename Vector<T>::Unaligned*>(from);
}

template <class T>
inline void store(T* to, Vec<T> values) {
  *reinterpret_cast<typename Vector<T>::Unaligned*>(to) = values;
}

// The first `count` numbers, zeros in the other lanes: what a row ends with.
template <class T>
inline Vec<T> load_first(const T* from, int count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_loadu_ps((1u << count) - 1, from);
  } else {
    return (Vec<T>)_mm512_maskz_loadu_pd((1u << count) - 1, from);
  }
#else
  Vec<T> values{};
  std::memcpy(&values, from, count * sizeof(T));
  return values;
#endif
}

template <class T>
inline void store_first(T* to, Vec<T> values, int count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(to, (1u << count) - 1, (__m512)values);
  } else {
    _mm512_mask_storeu_pd(to, (1u << count) - 1, (__m512d)values);
  }
#else
  std::memcpy(to, &values, count * sizeof(T));
#endif
}

template <class T>
inline Vec<T> load(const T* from, int count) {
  return count >= Vector<T>::kLanes ? load(from) : load_first(from, count);
}

// Asks the memory for what lies so many numbers `ahead`. (Computed as an integer, since it may lie beyond the array.)
template <class T>
inline void ask_for(const T* from, int64_t ahead) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + ahead * sizeof(T)));
}

// Loads, and asks for what lies ahead: most of it will be loaded soon.
template <class T>
inline Vec<T> load(const T* from, int count, int64_t ahead) {
  ask_for(from, ahead);
  return load(from, count);
}

template <class T>
inline void store(T* to, Vec<T> values, int count) {
  count >= Vector<T>::kLanes ? store(to, values) : store_first(to, values, count);
}

// In place of a division, which takes as long as ten other operations; right to the last bit but one.
inline Vec<float> quotient(Vec<float> above, Vec<float> below) {
#if defined(__AVX512F__)
  Vec<float> inverse = (Vec<float>)_mm512_rcp14_ps((__m512)below);
  return above * (inverse * (2.0f - below * inverse));
#else
  return above / below;
#endif
}

// What is beyond -limit or limit becomes that; what is no number stays so.
inline Vec<float> within(float limit, Vec<float> x) {
  const Vec<float> lowest = Vec<float>{} - limit, highest = Vec<float>{} + limit;
#if defined(__AVX512F__)
  return (Vec<float>)_mm512_min_ps((__m512)highest, _mm512_max_ps((__m512)lowest, (__m512)x));
#else
  x = x < lowest ? lowest : x;
  return x > highest ? highest : x;
#endif
}

// x P(x^2) / Q(x^2) on [-9, 9], fitted to the smallest relative error by linear programming: at most 4e-7 in float32.
inline Vec<float> tanh(Vec<float> x) {
  x = within(9.0f, x);
  Vec<float> square = x * x;
  Vec<float> above = square * 1.855197749317029e-11f - 1.2917590112985937e-08f;
  above = above * square + 9.320592924141614e-06f;
  above = above * square + 2.9272581721702736e-03f;
  above = above * square + 1.2925565743436826e-01f;
  above = above * square + 9.999999357875536e-01f;
  Vec<float> below = square * 2.2895642814349082e-04f + 2.379062069330694e-02f;
  below = below * square + 4.6258872000605306e-01f;
  below = below * square + 1.0f;
  return quotient(x * above, below);
}

inline Vec<double> tanh(Vec<double> x) {
  for (int lane = 0; lane < Vector<double>::kLanes; ++lane) x[lane] = std::tanh(x[lane]);
  return x;
}

// Zeros in those of the first `count` lanes in which a new sequence begins; the other lanes are zeros already.
template <class T>
inline Vec<T> unless(const bool* reset, Vec<T> values, int count) {
  count = count < Vector<T>::kLanes ? count : Vector<T>::kLanes;
  for (int lane = 0; lane < count; ++lane) values[lane] = reset[lane] ? T(0) : values[lane];
  return values;
}

// Where a lane of a row comes from when the lanes of two rows that are `half` apart change places: its number in the
// first row (`high` = 0) or the second (1) afterwards; the lanes of the second count on from those of the first.
constexpr int origin(int lane, int half, int high, int lanes) {
  return lane & half ? lanes + lane - (high ? 0 : half) : lane + (high ? half : 0);
}

template <int Half, int High, class T, int... Lane>
inline Vec<T> exchanged(Vec<T> first, Vec<T> second, std::integer_sequence<int, Lane...>) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(first, second, origin(Lane, Half, High, sizeof...(Lane))...);
#else
  using Index = typename Vector<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>::Type;
  return __builtin_shuffle(first, second, Index{origin(Lane, Half, High, sizeof...(Lane))...});
#endif
}

// Rows of `kLanes` numbers to columns: halves of pairs of rows change places, then quarters, and so on.
template <class T, int Half = Vector<T>::kLanes / 2>
inline void transpose(Vec<T> (&rows)[Vector<T>::kLanes]) {
  if constexpr (Half > 0) {
    constexpr auto kLanes = std::make_integer_sequence<int, Vector<T>::kLanes>();
#pragma GCC unroll 16
    for (int row = 0; row < Vector<T>::kLanes; ++row) {
      if (row & Half) continue;
      Vec<T> first = rows[row], second = rows[row + Half];
      rows[row] = exchanged<Half, 0, T>(first, second, kLanes);
      rows[row + Half] = exchanged<Half, 1, T>(first, second, kLanes);
    }
    transpose<T, Half / 2>(rows);
  }
}

}  // namespace lstm_jax
