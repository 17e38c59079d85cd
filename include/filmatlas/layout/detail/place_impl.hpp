// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PLACE_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_PLACE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/place_among.hpp"
#include "filmatlas/layout/place.hpp"

namespace filmatlas {
namespace detail {

inline void check_place_shapes(const Matrix<Index>& ids, const Matrix<float>& distances, std::string_view stage) {
    if (ids.rows() == distances.rows() && ids.cols() == distances.cols()) return;
    throw_shape(stage, "the neighbour ids are (" + std::to_string(ids.rows()) + ", " + std::to_string(ids.cols()) +
                           ") and the distances (" + std::to_string(distances.rows()) + ", " +
                           std::to_string(distances.cols()) + ")");
}

/// Calls `take(id, distance)` for the usable neighbours of a row, in their order.
template <class Take>
void each_place_neighbor(const Matrix<Index>& ids, const Matrix<float>& distances, std::int64_t row, std::int64_t n,
                         std::string_view stage, Take&& take) {
    const auto refuse = [&](const char* field, const std::string& problem, const char* remedy) {
        throw Error(ErrorCode::InvalidArgument, ErrorContext{std::string(stage), {}, row, field, -1}, problem, remedy);
    };
    for (std::int64_t s = 0; s < ids.cols(); ++s) {
        const Index id = ids(row, s);
        if (id == -1) continue;
        if (id < -1 || id >= n) {
            refuse("neighbor_ids",
                   "neighbour " + std::to_string(s) + " is " + std::to_string(id) + ", the map has " +
                       std::to_string(n) + " items",
                   "look neighbours up among the items of this map");
        }
        const auto distance = static_cast<double>(distances(row, s));
        if (!std::isfinite(distance)) continue;
        if (distance < 0) {
            refuse("neighbor_distances", "the distance of neighbour " + std::to_string(s) + " is " + to_text(distance),
                   "distances are 0 or more");
        }
        take(id, distance);
    }
}

/// Mean distance of a map's items from their nearest neighbours, 0 where nobody has one.
inline double mean_nearest_distance(const KnnGraph& graph) {
    double sum = 0;
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        if (graph.indices(i, 0) < 0) continue;
        sum += static_cast<double>(graph.distances(i, 0));
        ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

/// The score of `out_of_map` for one item with the neighbours `near` at the distances `own`; not empty.
inline double strangeness(const KnnGraph& graph, std::span<const Index> near, std::span<const double> own,
                          double usual) {
    // Both ways the logarithm stays finite: for twins of an item on the map, and on a map of twins alone.
    const auto log_ratio = [](double distance, double scale) {
        constexpr double limit = 1e3;
        if (distance <= scale / limit) return -layout_log(limit);
        return distance >= scale * limit ? layout_log(limit) : layout_log(distance / scale);
    };
    double nearest = 0;
    std::int64_t with_neighbors = 0;
    std::int64_t links = 0;
    std::int64_t shorter = 0;
    std::int64_t known = 0;
    for (std::size_t j = 0; j < near.size(); ++j) {
        if (graph.indices(near[j], 0) >= 0) {
            nearest += static_cast<double>(graph.distances(near[j], 0));
            ++with_neighbors;
        }
        for (std::size_t s = 0; s < near.size(); ++s) {
            const Index other = graph.indices(near[j], static_cast<std::int64_t>(s));
            if (other < 0) continue;
            ++links;
            shorter += static_cast<double>(graph.distances(near[j], static_cast<std::int64_t>(s))) < own[j] ? 1 : 0;
            known += std::find(near.begin(), near.end(), other) != near.end() ? 1 : 0;
        }
    }
    nearest = with_neighbors > 0 ? nearest / static_cast<double>(with_neighbors) : 0.0;
    const double shares = links > 0 ? static_cast<double>(shorter - known) / static_cast<double>(links) : 0.0;
    // Half way to the map's own: among near twins everything would be far.
    return (log_ratio(own.front(), usual) + log_ratio(own.front(), (nearest + usual) / 2)) / 2 + shares;
}

}  // namespace detail

FILMATLAS_INLINE double map_spacing(const Matrix<float>& coordinates) {
    const std::int64_t c = coordinates.cols();
    double volume = 1;
    double count = 0;
    std::vector<float> axis;
    for (std::int64_t d = 0; d < c; ++d) {
        axis.clear();
        for (std::int64_t i = 0; i < coordinates.rows(); ++i) {
            if (std::isfinite(coordinates(i, d))) axis.push_back(coordinates(i, d));
        }
        if (axis.empty()) return 0;
        const auto at = [&](std::size_t rank) {
            std::nth_element(axis.begin(), axis.begin() + static_cast<std::ptrdiff_t>(rank), axis.end());
            return static_cast<double>(axis[rank]);
        };
        const std::size_t last = axis.size() - 1;
        const std::size_t tail = last / 20;
        const double low = at(tail);
        volume *= (at(last - tail) - low) / 0.9;
        count = static_cast<double>(axis.size());
    }
    if (!(volume > 0)) return 0;
    return 0.6 * detail::layout_pow(volume / count, 1.0 / static_cast<double>(c));
}

FILMATLAS_INLINE Matrix<float> place_on_map(const Matrix<float>& coordinates, const Matrix<Index>& neighbor_ids,
                                            const Matrix<float>& neighbor_distances, int num_threads) {
    detail::check_place_shapes(neighbor_ids, neighbor_distances, "place_on_map");
    const auto c = static_cast<std::size_t>(coordinates.cols());
    Matrix<float> placed(neighbor_ids.rows(), coordinates.cols());
    const double spacing = map_spacing(coordinates);
    parallel_for(neighbor_ids.rows(), 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> places;
        std::vector<double> y(c);
        for (std::int64_t i = begin; i < end; ++i) {
            places.clear();
            std::int64_t twin = -1;
            detail::each_place_neighbor(
                neighbor_ids, neighbor_distances, i, coordinates.rows(), "place_on_map", [&](Index id, double distance) {
                    const auto row = coordinates.row(id);
                    if (!std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); })) return;
                    if (distance == 0 && twin < 0) twin = id;
                    places.insert(places.end(), row.begin(), row.end());
                });
            const auto out = placed.row(i);
            if (places.empty()) {
                std::fill(out.begin(), out.end(), std::numeric_limits<float>::quiet_NaN());
            } else if (twin >= 0) {
                const auto row = coordinates.row(twin);
                std::copy(row.begin(), row.end(), out.begin());
            } else {
                detail::place_among(places, c, spacing, y);
                std::transform(y.begin(), y.end(), out.begin(), [](double v) { return static_cast<float>(v); });
            }
        }
    });
    return placed;
}

FILMATLAS_INLINE std::vector<float> out_of_map(const KnnGraph& graph, const Matrix<Index>& neighbor_ids,
                                               const Matrix<float>& neighbor_distances, int num_threads) {
    detail::check_place_shapes(neighbor_ids, neighbor_distances, "out_of_map");
    if (graph.k() < 1) throw_shape("out_of_map", "the graph has no neighbours", "use a graph of at least one column");
    const double usual = detail::mean_nearest_distance(graph);
    std::vector<float> score(static_cast<std::size_t>(neighbor_ids.rows()));
    parallel_for(neighbor_ids.rows(), 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<Index> near;
        std::vector<double> own;
        for (std::int64_t i = begin; i < end; ++i) {
            near.clear();
            own.clear();
            detail::each_place_neighbor(neighbor_ids, neighbor_distances, i, graph.size(), "out_of_map",
                                        [&](Index id, double distance) {
                                            if (static_cast<std::int64_t>(near.size()) == graph.k()) return;
                                            near.push_back(id);
                                            own.push_back(distance);
                                        });
            score[static_cast<std::size_t>(i)] =
                near.empty() ? std::numeric_limits<float>::quiet_NaN()
                             : static_cast<float>(detail::strangeness(graph, near, own, usual));
        }
    });
    return score;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_PLACE_IMPL_HPP
