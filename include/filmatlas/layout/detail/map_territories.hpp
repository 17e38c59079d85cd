// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_MAP_TERRITORIES_HPP
#define FILMATLAS_LAYOUT_DETAIL_MAP_TERRITORIES_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/territory_moves.hpp"
#include "filmatlas/layout/detail/tsne_optimize.hpp"

/// @file map_territories.hpp
/// @brief The atlas's map under territories: rounds of t-SNE between which strays are brought home.

namespace filmatlas::detail {

/// Share of the rounds before strays are first brought home, and rounds between two times.
inline constexpr double kSettleFirst = 0.6;
inline constexpr int kSettleRounds = 25;
/// Times that strays are brought home after the last round, at most.
inline constexpr int kSettleLast = 20;

inline TerritoryHome map_home(MatrixView<const float> X, Metric metric, const Hierarchy& tree, std::uint64_t seed,
                              int num_threads) {
    TerritoryHome home;
    home.X = X;
    home.metric = metric;
    home.tree = &tree;
    home.leaves = tree.leaves();
    for (int level = 0; level < tree.num_levels(); ++level) {
        home.paths.push_back(tree.labels(level));
        for (Index& node : home.paths.back()) node += tree.level_begin[static_cast<std::size_t>(level)];
    }
    home.seed = seed;
    home.num_threads = num_threads;
    return home;
}

/// The tree that the columns of `levels` are.
inline Hierarchy map_tree(const Matrix<Index>& levels) {
    std::vector<std::vector<Index>> labels(static_cast<std::size_t>(levels.cols()));
    for (std::int64_t level = 0; level < levels.cols(); ++level) {
        for (std::int64_t i = 0; i < levels.rows(); ++i)
            labels[static_cast<std::size_t>(level)].push_back(levels(i, level));
    }
    return hierarchy_from_labels(labels, default_level_names(static_cast<int>(levels.cols())));
}

/// Positions with NaN where there is no item.
inline Matrix<float> map_known(const Matrix<float>& y, const std::vector<char>& valid) {
    Matrix<float> known = y;
    layout_mark_invalid(known, valid);
    return known;
}

/// The rounds in stages between which strays are brought home: `add(rounds, left)`, where `left` rounds are to come when
/// they are, or 0 before the first stage.
template <class Add>
void map_add_settling(TsneRounds rounds, Add&& add) {
    int left = rounds.count;
    rounds.stage = "map (first rounds)";
    rounds.count = std::min(left, static_cast<int>(kSettleFirst * left));
    add(rounds, 0);
    rounds.stage = "map (settling)";
    for (left -= rounds.count; left > 0; left -= rounds.count) {
        rounds.count = std::min(left, kSettleRounds);
        add(rounds, left);
    }
}

/// Brings strays home in the midst of the rounds, of which `left` are to come.
inline void map_bring_home(const TerritoryHome& home, const TerritoryOptions& options, const std::vector<char>& valid,
                           int left, Matrix<float>& y) {
    const TerritoryMap map = territory_map(map_known(y, valid), *home.tree, home.leaves, options);
    territory_bring_home(home, map, options, y, left, false);
}

/// Brings strays home until none is left, the map fitted into its box each time; keeps the best of the maps.
/// @return items that are not at home.
template <class Fit>
std::int64_t map_settle(const TerritoryHome& home, const TerritoryOptions& options, const std::vector<char>& valid,
                        Matrix<float>& y, Fit&& fit) {
    Matrix<float> best;
    std::int64_t fewest = -1;
    for (int pass = 0; pass < kSettleLast && fewest != 0; ++pass) {
        Matrix<float> next = y;
        const TerritoryMap map = territory_map(map_known(y, valid), *home.tree, home.leaves, options);
        const std::int64_t strays = territory_bring_home(home, map, options, next, -pass - 1, pass > 0);
        if (fewest < 0 || strays < fewest) {
            fewest = strays;
            best = y;
        }
        y = std::move(next);
        fit(y);
    }
    y = std::move(best);
    return fewest;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_MAP_TERRITORIES_HPP
