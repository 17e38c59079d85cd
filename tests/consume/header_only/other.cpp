// SPDX-License-Identifier: MIT
#include <filmatlas/algorithms.hpp>

int count_words() { return static_cast<int>(filmatlas::tokenize("Héroes and ROBOTS").size()); }
