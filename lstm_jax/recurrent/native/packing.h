// Weights as `add_product` reads them, tile by tile; the team shares the tiles.
//
// Blocks are those of `cells.h`, known when compiling: their numbers become part of the loops.
#pragma once

#include "problem.h"
#include "team.h"

namespace lstm_jax {

// Has the team share what moves so many numbers, if they are worth its meeting: 50,000 are moved in 20 µs.
template <class Work>
inline void share_packing(Team& team, int tiles, int64_t numbers, Work work) {
  constexpr int64_t kWorthIt = 50'000;
  numbers < kWorthIt ? work(0, tiles) : team.run(tiles, work);
}

// Rows [R, depth] to [tiles][depth][kUnits][gates], zeros beyond the last unit.
template <class Cell, const Blocks& kBlocks, class T>
inline void pack_rows(T* to, const T* weights, int units, int depth, Team& team) {
  constexpr int kCount = kBlocks.count, kTile = kUnits * kCount;
  const int tiles = (units + kUnits - 1) / kUnits;
  share_packing(team, tiles, int64_t(tiles) * depth * kTile, [=](int tile, int end) {
    for (int unit = tile * kUnits; unit < end * kUnits; ++unit) {
      T* place = to + int64_t(unit / kUnits) * depth * kTile + unit % kUnits * kCount;
      for (int gate = kBlocks.first; gate < kBlocks.first + kCount; ++gate, ++place) {
        const T* row = weights + kBlocks.row(gate, unit, units) * depth;
        const T scale = Cell::kScale[gate];
        for (int k = 0; k < depth; ++k) place[int64_t(k) * kTile] = unit < units ? scale * row[k] : T(0);
      }
    }
  });
}

// Columns of [R, count], the weights transposed, to [tiles][units][gates][kRows], zeros beyond the last column.
template <class Cell, const Blocks& kBlocks, class T>
inline void pack_columns(T* to, const T* weights, int units, int count, Team& team) {
  const int tiles = (count + kRows - 1) / kRows;
  const int64_t size = int64_t(units) * kBlocks.count * kRows;
  share_packing(team, tiles, tiles * size, [=](int tile, int end) {
    T* place = to + tile * size;
    for (int first = tile * kRows; first < end * kRows; first += kRows) {
      const int columns = std::min(kRows, count - first);
      for (int unit = 0; unit < units; ++unit) {
        for (int gate = kBlocks.first; gate < kBlocks.first + kBlocks.count; ++gate, place += kRows) {
          const T* from = weights + kBlocks.row(gate, unit, units) * count + first;
          const T scale = Cell::kScale[gate];
          if (columns == kRows) {  // a number that the compiler knows: it takes vectors
            for (int k = 0; k < kRows; ++k) place[k] = scale * from[k];
          } else {
            for (int k = 0; k < kRows; ++k) place[k] = k < columns ? scale * from[k] : T(0);
          }
        }
      }
    }
  });
}

}  // namespace lstm_jax
