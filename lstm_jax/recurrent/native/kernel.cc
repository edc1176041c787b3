// The recurrences as functions that XLA can call on the CPU.
#include <string>
#include <vector>

#include "backward.h"
#include "few_backward.h"
#include "few_forward.h"
#include "forward.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace lstm_jax {
namespace {

template <class T>
const T* in(ffi::AnyBuffer buffer) {
  return buffer.element_count() ? reinterpret_cast<const T*>(buffer.untyped_data()) : nullptr;
}

template <class T>
T* out(ffi::Result<ffi::AnyBuffer> buffer) {
  return buffer->element_count() ? reinterpret_cast<T*>(buffer->untyped_data()) : nullptr;
}

// The first seven arguments of both directions.
template <class T>
Problem<T> problem(ffi::RemainingArgs args, bool reverse) {
  auto at = [&](int number) { return args.get<ffi::AnyBuffer>(number).value(); };
  auto inputs = at(3).dimensions();
  int units = at(4).dimensions()[0];
  return {int(inputs[0]), int(inputs[1]), units, int(inputs[2]), reverse, in<T>(at(0)), in<T>(at(1)),
          in<T>(at(2)),   in<T>(at(3)),   in<T>(at(4)), in<T>(at(5)), in<bool>(at(6))};
}

// As many threads of the pool as are of use, and there are.
class PoolTeam : public Team {
 public:
  PoolTeam(int threads, ffi::ThreadPool& pool)
      : Team(std::max(1, std::min(threads, int(pool.num_threads()))),
             [&](std::function<void()> task) { pool.Schedule(std::move(task)); }),
        pool_(pool) {}

  // A team for one of this team's members, if so many threads are shared out among them.
  PoolTeam own(int threads, int member) const {
    return PoolTeam(threads / this->threads() + (member < threads % this->threads()), pool_);
  }

 private:
  ffi::ThreadPool& pool_;
};

// Those that divide the blocks among them; a single block, or too few columns for one, is shared by all threads.
PoolTeam leaders(int threads, int blocks, ffi::ThreadPool& pool) {
  return PoolTeam(blocks > 1 ? std::min(threads, blocks) : threads, pool);
}

// Calls part(number, columns, team) for blocks of columns, each on some thread, which those beyond the number of blocks
// help with its units.
template <class T, class Part>
void share(const Problem<T>& p, int blocks, int threads, PoolTeam& team, Part part) {
  if (blocks == 1) return part(0, Columns{0, p.batch}, team);
  const int lanes = Vector<T>::kLanes, vectors = (p.batch + lanes - 1) / lanes;
  team.run(blocks, [&](int block, int end) {
    for (; block < end; ++block) {
      PoolTeam own = team.own(threads, block % team.threads());
      const int first = vectors * block / blocks * lanes, last = vectors * (block + 1) / blocks * lanes;
      part(block, Columns{first, std::min(last, p.batch) - first}, own);
    }
  });
}

template <class Cell, class T>
void forward(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, bool reverse, int blocks,
             int threads) {
  Problem<T> p = problem<T>(args, reverse);
  auto at = [&](int number) { return out<T>(rets.get<ffi::AnyBuffer>(number).value()); };
  ForwardResults<T> results{at(0), at(1), at(2)};
  for (size_t number = 0; number < rets.size(); ++number) {
    will_be_written(at(number), rets.get<ffi::AnyBuffer>(number).value()->element_count());
  }
  PoolTeam team = leaders(threads, blocks, pool);
  if (blocks == 0) return FewForward<Cell, T>(p, results).run(team);  // too few columns for lanes
  Forward<Cell, T> pass(p, results);
  share(p, blocks, threads, team, [&](int, const Columns& columns, Team& team) { pass.run(columns, team); });
}

template <class Cell, class T>
void backward(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, bool reverse, int blocks,
              int threads) {
  Problem<T> p = problem<T>(args, reverse);
  auto at = [&](int number) { return in<T>(args.get<ffi::AnyBuffer>(number).value()); };
  auto to = [&](int number) { return out<T>(rets.get<ffi::AnyBuffer>(number).value()); };
  BackwardArguments<T> arguments{at(7), at(8), at(9), at(10), at(11), at(12), at(13)};
  BackwardResults<T> results{to(0), to(1), to(2), to(3), to(4), to(5)};
  PoolTeam team = leaders(threads, blocks, pool);
  if (blocks == 0) return FewBackward<Cell, T>(p, arguments, results).run(team);
  Backward<Cell, T> pass(p, arguments, results);
  Buffer<T> gradients(pass.gradient().size() * blocks);
  share(p, blocks, threads, team, [&](int number, const Columns& columns, Team& team) {
    pass.run(columns, gradients.get() + pass.gradient().size() * number, team);
  });
  std::vector<const T*> sums;
  for (int number = 0; number < blocks; ++number) sums.push_back(gradients.get() + pass.gradient().size() * number);
  pass.gradient().restore(sums, results, team);
}

using Direction = void (*)(ffi::ThreadPool, ffi::RemainingArgs, ffi::RemainingRets, bool, int, int);

// Chooses by the type of the weights; all floating-point arguments have the same.
template <Direction Single, Direction Double>
ffi::Error call(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, bool reverse, int32_t blocks,
                int32_t threads) {
  try {
    bool single = args.get<ffi::AnyBuffer>(0)->element_type() == ffi::F32;
    (single ? Single : Double)(pool, args, rets, reverse, blocks, threads);
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "no memory for the recurrence");
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
                                    .Attr<int32_t>("threads"))

LSTM_JAX_TARGET(lstm_forward, forward, Lstm);
LSTM_JAX_TARGET(lstm_backward, backward, Lstm);
LSTM_JAX_TARGET(gru_forward, forward, Gru);
LSTM_JAX_TARGET(gru_backward, backward, Gru);

extern "C" const int lstm_jax_vector_bytes = lstm_jax::kVectorBytes;
