// The recurrences as functions that XLA can call on the CPU.
#include <string>
#include <vector>

#include "backward.h"
#include "columns.h"
#include "few_backward.h"
#include "few_forward.h"
#include "forward.h"
#include "pool.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace lstm_jax {
namespace {

// How the work is cut, as `passes.py` says: each of so many members, layers that are computed in one call, into blocks
// of columns, for so many threads; so many members together, each with its threads.
struct Division {
  bool reverse;
  int blocks, threads, members, together;
};

// The arrays of one member: those that not all members share have an axis of members before their own.
template <class T>
struct Arrays {
  ffi::RemainingArgs args;
  ffi::RemainingRets rets;
  int members, member;

  // An argument with so many axes of its own, or null where it has no elements.
  template <class Element = T>
  const Element* in(int number, size_t axes) const {
    auto buffer = args.get<ffi::AnyBuffer>(number).value();
    if (!buffer.element_count()) return nullptr;
    const int64_t place = buffer.dimensions().size() > axes ? buffer.element_count() / members * member : 0;
    return reinterpret_cast<const Element*>(buffer.untyped_data()) + place;
  }

  // A result, or null where it has no elements.
  T* out(int number) const {
    auto buffer = rets.get<ffi::AnyBuffer>(number).value();
    if (!buffer->element_count()) return nullptr;
    return reinterpret_cast<T*>(buffer->untyped_data()) + buffer->element_count() / members * member;
  }

  // The size of an argument's axis, counted from its last.
  int size(int number, int from_last) const {
    auto sizes = args.get<ffi::AnyBuffer>(number).value().dimensions();
    return sizes[sizes.size() - from_last];
  }

  // The first seven arguments of both directions.
  Problem<T> problem(bool reverse) const {
    return {size(3, 3), size(3, 2), size(4, 2), size(3, 1), reverse,  in(0, 2),          in(1, 2),
            in(2, 1),   in(3, 3),   in(4, 2),   in(5, 2),   in<bool>(6, 2)};
  }
};

// Calls part(number, columns, team) for blocks of columns, each on some thread, which those beyond the number of blocks
// help with its units.
template <class T, class Part>
void share(const Problem<T>& p, int blocks, int threads, PoolTeam& team, Part part) {
  if (blocks == 1) return part(0, Columns{0, p.batch}, team);
  const int lanes = Vector<T>::kLanes, vectors = (p.batch + lanes - 1) / lanes;
  team.run(blocks, [&](int block, int end) {
    for (; block < end; ++block) {
      PoolTeam own = team.own(threads, block % team.threads());
      const int first = vectors * int64_t(block) / blocks * lanes, last = vectors * int64_t(block + 1) / blocks * lanes;
      part(block, Columns{first, std::min(last, p.batch) - first}, own);
    }
  });
}

template <class Cell, class T>
void forward(ffi::ThreadPool& pool, const Arrays<T>& arrays, const Division& cut) {
  Problem<T> p = arrays.problem(cut.reverse);
  ForwardResults<T> results{arrays.out(0), arrays.out(1), arrays.out(2)};
  PoolTeam team = leaders(cut.threads, cut.blocks, pool);
  if (cut.blocks == 0) return FewForward<Cell, T>(p, results).run(team);  // too few columns for lanes
  Forward<Cell, T> pass(p, results, team);
  share(p, cut.blocks, cut.threads, team, [&](int, const Columns& columns, Team& team) { pass.run(columns, team); });
}

template <class Cell, class T>
void backward(ffi::ThreadPool& pool, const Arrays<T>& arrays, const Division& cut) {
  Problem<T> p = arrays.problem(cut.reverse);
  BackwardArguments<T> arguments{arrays.in(7, 3),  arrays.in(8, 3),  arrays.in(9, cut.blocks ? 5 : 3),
                                 arrays.in(10, 3), arrays.in(11, 3), arrays.in(12, 2),
                                 arrays.in(13, 2)};
  BackwardResults<T> results{arrays.out(0), arrays.out(1), arrays.out(2),
                             arrays.out(3), arrays.out(4), arrays.out(5), arrays.out(6)};
  PoolTeam team = leaders(cut.threads, cut.blocks, pool);
  if (cut.blocks == 0) return FewBackward<Cell, T>(p, arguments, results).run(team);
  Backward<Cell, T> pass(p, arguments, results, team);
  const int64_t size = pass.gradient().size();
  Buffer<T> gradients(size * cut.blocks);
  share(p, cut.blocks, cut.threads, team, [&](int number, const Columns& columns, Team& team) {
    pass.run(columns, gradients.get() + size * number, team);
  });
  std::vector<const T*> sums;
  for (int number = 0; number < cut.blocks; ++number) sums.push_back(gradients.get() + size * number);
  pass.gradient().restore(sums, results, team);
}

template <class T>
using Direction = void (*)(ffi::ThreadPool&, const Arrays<T>&, const Division&);

template <class T>
void for_members(Direction<T> direction, ffi::ThreadPool& pool, ffi::RemainingArgs args, ffi::RemainingRets rets,
                 const Division& cut) {
  for (size_t number = 0; number < rets.size(); ++number) {
    will_be_written(Arrays<T>{args, rets, 1, 0}.out(number), rets.get<ffi::AnyBuffer>(number).value()->element_count());
  }
  PoolTeam(cut.together, pool).run(cut.members, [&](int member, int end) {
    for (; member < end; ++member) direction(pool, {args, rets, cut.members, member}, cut);
  });
}

// Chooses by the type of the weights; all floating-point arguments have the same.
template <Direction<float> Single, Direction<double> Double>
ffi::Error call(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, bool reverse, int32_t blocks,
                int32_t threads, int32_t members, int32_t together) {
  const Division cut{reverse, blocks, threads, members, together};
  try {
    if (args.get<ffi::AnyBuffer>(0)->element_type() == ffi::F32) {
      for_members(Single, pool, args, rets, cut);
    } else {
      for_members(Double, pool, args, rets, cut);
    }
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "no memory for the recurrence");
  }
  return ffi::Error::Success();
}

template <class T>
using OfColumns = void (*)(const T*, int64_t, int64_t, const int32_t*, int64_t, T*);

// A matrix, whose last axis are the columns, and places [count] among those of the matrix or of the result.
template <OfColumns<float> Single, OfColumns<double> Double>
ffi::Error call_columns(ffi::AnyBuffer matrix, ffi::Buffer<ffi::S32> places, ffi::Result<ffi::AnyBuffer> result,
                        int64_t width) {
  const int64_t columns = matrix.dimensions().back(), rows = columns ? matrix.element_count() / columns : 0;
  const int64_t count = places.element_count();
  void* to = result->untyped_data();
  if (matrix.element_type() == ffi::F32) {
    Single(matrix.typed_data<float>(), rows, width, places.typed_data(), count, static_cast<float*>(to));
  } else {
    Double(matrix.typed_data<double>(), rows, width, places.typed_data(), count, static_cast<double*>(to));
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace lstm_jax

#define LSTM_JAX_TARGET(name, direction, Cell)                                                                     \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(name,                                                                              \
                                (lstm_jax::call<lstm_jax::direction<lstm_jax::Cell, float>,                         \
                                                lstm_jax::direction<lstm_jax::Cell, double>>),                     \
                                ffi::Ffi::Bind()                                                                   \
                                    .Ctx<ffi::ThreadPool>()                                                        \
                                    .RemainingArgs()                                                               \
                                    .RemainingRets()                                                               \
                                    .Attr<bool>("reverse")                                                         \
                                    .Attr<int32_t>("blocks")                                                       \
                                    .Attr<int32_t>("threads")                                                      \
                                    .Attr<int32_t>("members")                                                      \
                                    .Attr<int32_t>("together"))

LSTM_JAX_TARGET(lstm_forward, forward, Lstm);
LSTM_JAX_TARGET(lstm_backward, backward, Lstm);
LSTM_JAX_TARGET(gru_forward, forward, Gru);
LSTM_JAX_TARGET(gru_backward, backward, Gru);

#define LSTM_JAX_OF_COLUMNS(name)                                                                                  \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(name,                                                                              \
                                (lstm_jax::call_columns<lstm_jax::name<float>, lstm_jax::name<double>>),           \
                                ffi::Ffi::Bind()                                                                   \
                                    .Arg<ffi::AnyBuffer>()                                                         \
                                    .Arg<ffi::Buffer<ffi::S32>>()                                                  \
                                    .Ret<ffi::AnyBuffer>()                                                         \
                                    .Attr<int64_t>("width"))

LSTM_JAX_OF_COLUMNS(take_columns);
LSTM_JAX_OF_COLUMNS(add_columns);

extern "C" const int lstm_jax_vector_bytes = lstm_jax::kVectorBytes;
