// Threads that work through numbered pieces together, piece by piece and phase by phase.
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <thread>

#include "lobby.h"

namespace lstm_jax {

// The one who leads never waits for anyone but those that have taken a piece: a helper that comes late, or never, costs
// nothing but its help. Everyone begins with the pieces that it had in the phase before, which are in its cache. What a
// piece computes may not depend on who does it.
class Team {
 public:
  static constexpr int kMostPieces = 256;

  // start: has a function called on another thread, some time.
  Team(int threads, const std::function<void(std::function<void()>)>& start) : threads_(threads) {
    const auto leader = std::this_thread::get_id();
    try {
      for (int helper = 1; helper < threads; ++helper) {
        Lobby::Task task = [board = board_, helper, threads] { help(*board, helper, threads); };
        if (Lobby::of_this_process().give(task)) continue;
        start([task, leader]() mutable {
          // A pool that has no room for more has its caller do it: then there is no helper.
          if (std::this_thread::get_id() == leader) return;
          for (; task; task = Lobby::of_this_process().wait()) task();
        });
      }
    } catch (...) {
      dismiss();
      throw;
    }
  }
  Team(const Team&) = delete;
  ~Team() { dismiss(); }

  int threads() const { return threads_; }

  // work(first, last) for ranges that together are 0 ... count, each on some thread. Whoever reads the same again and
  // again turns round each time: what was read last is still in the cache. Throws what a piece has thrown, once no
  // thread is at work any more.
  void run(int count, const std::function<void(int, int)>& work, bool backwards = false) {
    if (threads_ == 1 && !backwards) return work(0, count);
    int pieces = std::min(count, kMostPieces);
    std::function<void(int)> piece = [&](int number) {
      work(int64_t(count) * number / pieces, int64_t(count) * (number + 1) / pieces);
    };
    if (threads_ == 1) {
      for (int number = pieces - 1; number >= 0; --number) piece(number);
      return;
    }
    Board& board = *board_;
    board.work.store(&piece, std::memory_order_relaxed);
    uint64_t announcement = (++phase_ << 16) | (backwards << 15) | pieces;
    board.announcement.store(announcement, std::memory_order_release);
    take(board, announcement, 0, threads_);
    expected_ += pieces;
    for (unsigned spins = 0; board.done.load(std::memory_order_acquire) != expected_; ++spins) rest(spins);
    if (board.failed.load(std::memory_order_relaxed)) std::rethrow_exception(board.failure);
  }

 private:
  static constexpr uint64_t kOver = ~uint64_t(0);

  struct Board {
    std::atomic<uint64_t> announcement{0};  // phase, direction, number of pieces: at once, so that they belong together
    std::atomic<const std::function<void(int)>*> work{nullptr};
    std::atomic<uint64_t> done{0};
    std::atomic<bool> failed{false};
    std::exception_ptr failure;  // what was thrown first
    std::atomic<uint64_t> taken[kMostPieces] = {};  // the last phase in which a piece was taken
  };

  void dismiss() { board_->announcement.store(kOver, std::memory_order_release); }

  static void rest(unsigned spins) {
    if (spins % 4096 == 4095) sched_yield();
    pause();
  }

  static void help(Board& board, int helper, int threads) {
    uint64_t seen = 0;
    for (unsigned spins = 0;; ++spins) {
      uint64_t now = board.announcement.load(std::memory_order_acquire);
      if (now == kOver) return;
      if (now != seen) {
        seen = now;
        spins = 0;
        take(board, now, helper, threads);
      }
      rest(spins);
    }
  }

  static void take(Board& board, uint64_t announcement, int member, int threads) {
    uint64_t phase = announcement >> 16;
    bool backwards = announcement & 0x8000;
    int pieces = announcement & 0x7fff, begin = pieces * member / threads, end = pieces * (member + 1) / threads;
    for (int step = 0; step < pieces; ++step) {
      int piece = (backwards ? end - 1 - step + pieces : begin + step) % pieces;
      uint64_t before = board.taken[piece].load(std::memory_order_relaxed);
      if (before >= phase || !board.taken[piece].compare_exchange_strong(before, phase)) continue;
      // Whoever has taken a piece keeps the leader in this phase, so this is the phase's work.
      try {
        (*board.work.load(std::memory_order_relaxed))(piece);
      } catch (...) {
        if (!board.failed.exchange(true)) board.failure = std::current_exception();
      }
      board.done.fetch_add(1, std::memory_order_release);
    }
  }

  int threads_;
  uint64_t phase_ = 0, expected_ = 0;
  std::shared_ptr<Board> board_ = std::make_shared<Board>();
};

}  // namespace lstm_jax
