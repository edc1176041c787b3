// What five real threads compute together is, bit for bit, what one computes: team.h and the passes, without XLA.
//
// `test_native_team.py` compiles it. Races are looked for by hand, since that takes several times as long to compile:
// c++ -std=c++17 -O1 -g -march=native -w -pthread -fsanitize=thread,undefined -fno-sanitize=vptr \
//   -Ilstm_jax/recurrent/native tests/recurrent/team.cc -o team && ./team
// (vptr looks at memory by way of a pipe of its own, which is then taken for a race.)
#include <cstdio>
#include <mutex>
#include <set>
#include <vector>

#include "backward.h"
#include "few_backward.h"
#include "few_forward.h"
#include "forward.h"

using namespace lstm_jax;

namespace {

constexpr int kThreads = 5, kTime = 4, kFeatures = 3, kHidden = 119, kRepetitions = 20, kFew = 5;

// Teams whose helpers are threads of their own, or come from the teams before.
struct Threads {
  ~Threads() {
    for (auto& helper : helpers) helper.join();
  }
  Team team(int count) {
    return Team(count, [this](std::function<void()> task) { helpers.emplace_back(std::move(task)); });
  }

  std::vector<std::thread> helpers;
};

std::vector<float> numbers(int64_t size, uint32_t seed) {
  std::vector<float> found(size);
  for (float& number : found) {
    seed = seed * 1664525u + 1013904223u;
    number = float(seed >> 8) / float(1 << 23) - 1;
  }
  return found;
}

std::vector<float> zeros(int64_t size) { return std::vector<float>(size); }

// A layer, what it reads, and room for all results of both passes.
struct Layer {
  explicit Layer(int batch) : batch(batch) {
    for (size_t at = 0; at < resets.size(); ++at) resets[at] = at % 7 == 3;
  }

  Problem<float> problem() const {
    const bool* reset = reinterpret_cast<const bool*>(resets.data());
    return {kTime,      kFeatures, kHidden,     batch, false, &input_weights[0], &hidden_weights[0], &bias[0],
            &inputs[0], &start[0], &start[row], reset};
  }
  ForwardResults<float> forward() { return {&after[0], &after[states], &kept[0]}; }
  BackwardArguments<float> arguments() const {
    return {&after[0], &after[states], &kept[0], &d_after[0], &d_after[states], &start[0], &start[row]};
  }
  BackwardResults<float> backward() {
    return {&d_input_weights[0], &d_hidden_weights[0], &d_bias[0], &d_inputs[0], &d_start[0], &d_start[row]};
  }

  int batch;
  int64_t row = int64_t(kHidden) * batch, states = kTime * row;
  std::vector<float> input_weights = numbers(kGates * kHidden * kFeatures, 1), bias = numbers(kGates * kHidden, 2);
  std::vector<float> hidden_weights = numbers(kGates * kHidden * kHidden, 3);
  std::vector<float> inputs = numbers(kTime * kFeatures * batch, 4), start = numbers(2 * row, 5);
  std::vector<float> d_after = numbers(2 * states, 6);
  std::vector<char> resets = std::vector<char>(kTime * batch);
  std::vector<float> after = zeros(2 * states), kept = zeros(2 * kGates * states), d_inputs = zeros(inputs.size());
  std::vector<float> d_input_weights = zeros(input_weights.size()), d_hidden_weights = zeros(hidden_weights.size());
  std::vector<float> d_bias = zeros(bias.size()), d_start = zeros(2 * row);
};

// All results of both passes, one after another.
template <class Cell>
std::vector<float> results(int batch, Team& team) {
  Layer layer(batch);
  const Problem<float> problem = layer.problem();
  const BackwardResults<float> backward = layer.backward();
  if (batch < kFew) {
    FewForward<Cell, float>(problem, layer.forward()).run(team);
    FewBackward<Cell, float>(problem, layer.arguments(), backward).run(team);
  } else {
    Forward<Cell, float>(problem, layer.forward(), team).run({0, batch}, team);
    Backward<Cell, float> pass(problem, layer.arguments(), backward, team);
    std::vector<float> gradient(pass.gradient().size());
    pass.run({0, batch}, &gradient[0], team);
    pass.gradient().restore({&gradient[0]}, backward, team);
  }
  std::vector<float> all;
  for (const auto* part : {&layer.after, &layer.kept, &layer.d_inputs, &layer.d_input_weights, &layer.d_hidden_weights,
                           &layer.d_bias, &layer.d_start}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

template <class Cell>
bool agrees(int batch) {
  Threads threads;
  Team alone = threads.team(1);
  const auto right = results<Cell>(batch, alone);
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    Team several = threads.team(kThreads);
    const auto found = results<Cell>(batch, several);
    if (std::memcmp(&found[0], &right[0], right.size() * sizeof(float))) return false;
  }
  return true;
}

// As many pieces as threads, each of which waits until all have begun: no thread can do two.
bool everyone_helps() {
  Threads threads;
  Team several = threads.team(kThreads);
  std::atomic<int> begun{0};
  std::mutex mutex;
  std::set<std::thread::id> seen;
  several.run(kThreads, [&](int, int) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      seen.insert(std::this_thread::get_id());
    }
    for (++begun; begun < kThreads;) std::this_thread::yield();
  });
  return seen.size() == kThreads;
}

// Who waits gets a task, some time, though it seldom waits after so many waits in vain; and none where there is none.
bool waits_for_a_task() {
  Lobby lobby;
  for (int wait = 0; wait < 100; ++wait) {
    if (lobby.wait()) return false;
  }
  int done = 0;
  std::thread guest([&] {
    Lobby::Task task;
    while (!task) task = lobby.wait();
    task();
  });
  while (!lobby.give([&] { ++done; })) std::this_thread::yield();
  guest.join();
  return done == 1 && !lobby.give([&] { ++done; });
}

bool says(const char* what, bool well) {
  if (!well) std::printf("%s\n", what);
  return well;
}

}  // namespace

int main() {
  bool well = says("not every thread has helped", everyone_helps());
  well &= says("who waits gets no task, or one that was not given", waits_for_a_task());
  for (int batch : {2, 37}) {
    well &= says("five threads of an LSTM differ from one", agrees<Lstm>(batch));
    well &= says("five threads of a GRU differ from one", agrees<Gru>(batch));
  }
  return well ? 0 : 1;
}
