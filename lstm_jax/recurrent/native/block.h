// What the steps of back-propagation through time hand to each other.
#pragma once

#include "problem.h"

namespace lstm_jax {

// What is known of some columns while time runs backwards. A slot is a time step whose part is still to be added.
template <class T>
struct Block {
  Columns columns;
  int padded, slots;
  int64_t depth;               // the gates of all units, with those that fill up the last tile
  T* gradient;                 // [depth][operands]
  Buffer<T> d_hidden, d_cell;  // panels [strips][H][width]
  Buffer<T> d_rows;            // [slots][strips][depth][width]
  Buffer<T> operands;          // turned [strips of operands][slots][columns][width]; beside them [row][slots][columns]

  T* rows(int slot, int column) const { return d_rows.get() + (int64_t(slot) * padded + column) * depth; }
};

}  // namespace lstm_jax
