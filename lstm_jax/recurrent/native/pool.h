// Teams of threads from XLA's pool.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "team.h"
#include "xla/ffi/api/ffi.h"

namespace lstm_jax {

// As many threads of the pool as are of use, and there are.
class PoolTeam : public Team {
 public:
  PoolTeam(int threads, xla::ffi::ThreadPool& pool)
      : Team(std::max(1, std::min(threads, int(pool.num_threads()))),
             [&](std::function<void()> task) { pool.Schedule(std::move(task)); }),
        pool_(pool) {}

  // A further team, led by one member of this team: its share where so many threads are divided among all members.
  PoolTeam own(int threads, int member) const {
    return PoolTeam(threads / this->threads() + (member < threads % this->threads()), pool_);
  }

 private:
  xla::ffi::ThreadPool& pool_;
};

// Those that divide the blocks among them; a single block, or too few columns for one, is shared by all threads.
inline PoolTeam leaders(int threads, int blocks, xla::ffi::ThreadPool& pool) {
  return PoolTeam(blocks > 1 ? std::min(threads, blocks) : threads, pool);
}

}  // namespace lstm_jax
