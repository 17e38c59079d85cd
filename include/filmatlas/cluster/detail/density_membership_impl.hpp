// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_MEMBERSHIP_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_MEMBERSHIP_IMPL_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/density_membership.hpp"
#include "filmatlas/cluster/detail/condensed_tree_core.hpp"
#include "filmatlas/cluster/detail/density_kdtree.hpp"
#include "filmatlas/cluster/detail/density_points.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/knn_index.hpp"

namespace filmatlas {
namespace detail {

/// The rows of the fit that count, in the order of their content, and what a query needs of them.
struct PlaceContext {
    const DensityPoints<double>& points;
    std::vector<double> core;  ///< reduced, per point
    ReducedDistance reduced;
    double needed;  ///< weight that makes an item dense, its own 1 included
};

/// Least mutual reachability to any point, and the point: in the tree of boxes.
template <int Dim, bool Manhattan>
void places_by_tree(const PlaceContext& context, const Matrix<double>& queries,
                    const std::vector<char>& valid, int num_threads, std::vector<Index>& point,
                    std::vector<double>& reach) {
    using Tree = DensityKdTree<Dim, Manhattan>;
    const Tree tree(context.points.rows, num_threads);
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    parallel_for(queries.rows(), 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::array<double, static_cast<std::size_t>(Tree::leaf_size)> reduced;
        std::vector<std::pair<double, Index>> near;
        for (std::int64_t q = begin; q < end; ++q) {
            if (valid[at(q)] == 0) continue;
            const double* row = queries.row_data(q);
            // The item's own core distance among the fitted ones.
            near.clear();
            double held = 1;
            double limit = Tree::infinity;
            const auto weight_of = [&](Index p) { return context.points.weight[at(p)]; };
            const auto never = [](std::int64_t, double) { return false; };
            tree.search(
                0, [&](std::int64_t node) { return tree.to_box(row, node, limit); }, [&] { return limit; }, never,
                [&](std::int64_t leaf) {
                    const std::int64_t first = tree.leaf_begin(leaf);
                    const std::int64_t count = tree.leaf_begin(leaf + 1) - first;
                    tree.to_leaf(row, leaf, reduced.data(), limit);
                    for (std::int64_t j = 0; j < count; ++j) {
                        if (!(reduced[at(j)] < limit)) continue;
                        const std::pair<double, Index> entry{reduced[at(j)], tree.point(first + j)};
                        near.insert(std::upper_bound(near.begin(), near.end(), entry), entry);
                        held += weight_of(entry.second);
                        while (near.size() > 1 && held - weight_of(near.back().second) >= context.needed) {
                            held -= weight_of(near.back().second);
                            near.pop_back();
                        }
                        if (held >= context.needed) limit = near.back().first;
                    }
                });
            if (near.empty()) continue;
            if (near.front().first == 0) {
                point[at(q)] = near.front().second;
                reach[at(q)] = 0;
                continue;
            }
            const double core = context.needed > 1 ? near.back().first : 0.0;
            double best = Tree::infinity;
            Index found = -1;
            // Nothing is below the core distance: the first that reaches it ends the search.
            tree.search(
                0, [&](std::int64_t node) { return tree.to_box(row, node, Tree::infinity); },
                [&] { return best > core ? Tree::infinity : 0.0; },
                [&](std::int64_t, double distance) { return context.reduced.factor * distance >= best; },
                [&](std::int64_t leaf) {
                    const std::int64_t first = tree.leaf_begin(leaf);
                    const std::int64_t count = tree.leaf_begin(leaf + 1) - first;
                    tree.to_leaf(row, leaf, reduced.data(), Tree::infinity);
                    for (std::int64_t j = 0; j < count; ++j) {
                        const Index p = tree.point(first + j);
                        const double r = std::max(context.reduced.factor * reduced[at(j)],
                                                  std::max(core, context.core[at(p)]));
                        if (r < best || (r == best && p < found)) {
                            best = r;
                            found = p;
                        }
                    }
                });
            point[at(q)] = found;
            reach[at(q)] = context.reduced.distance(best);
        }
    });
}

/// The same by exact neighbour lists, made longer until nothing unlisted can be nearer.
inline void places_by_lists(const PlaceContext& context, const Matrix<double>& queries,
                            const std::vector<char>& valid, Metric metric, int num_threads,
                            std::vector<Index>& point, std::vector<double>& reach) {
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    const std::int64_t n = context.points.size();
    const std::int64_t d = context.points.rows.cols();
    const auto narrow = [](const Matrix<double>& wide) {
        Matrix<float> out(wide.rows(), wide.cols());
        for (std::size_t i = 0; i < wide.values().size(); ++i)
            out.values()[i] = static_cast<float>(wide.values()[i]);
        return out;
    };
    const Matrix<float> rows = narrow(context.points.rows);
    const KnnIndex index(std::as_const(rows).view(), metric == Metric::Cosine ? Metric::Euclidean : metric,
                         num_threads);
    std::vector<std::int64_t> open;
    for (std::int64_t q = 0; q < queries.rows(); ++q) {
        if (valid[at(q)] != 0) open.push_back(q);
    }
    std::int64_t k = std::min(n, static_cast<std::int64_t>(std::min(context.needed, 1e6)) + 16);
    while (!open.empty()) {
        Matrix<float> asked(static_cast<std::int64_t>(open.size()), d);
        for (std::size_t o = 0; o < open.size(); ++o) {
            for (std::int64_t c = 0; c < d; ++c) {
                asked(static_cast<std::int64_t>(o), c) = static_cast<float>(queries(open[o], c));
            }
        }
        const KnnIndex::Result lists =
            index.query(std::as_const(asked).view(), static_cast<int>(k), num_threads);
        std::vector<char> done(open.size(), 0);
        parallel_for(
            static_cast<std::int64_t>(open.size()), 16, num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                std::vector<std::pair<double, Index>> near;
                for (std::int64_t o = begin; o < end; ++o) {
                    const std::int64_t q = open[at(o)];
                    near.clear();
                    for (std::int64_t s = 0; s < k && lists.indices(o, s) >= 0; ++s) {
                        const Index p = lists.indices(o, s);
                        near.emplace_back(
                            context.reduced.between(queries.row_data(q), context.points.rows.row_data(p), d),
                            p);
                    }
                    std::sort(near.begin(), near.end());
                    if (near.empty() || near.front().first == 0) {
                        if (!near.empty()) point[at(q)] = near.front().second;
                        reach[at(q)] = 0;
                        done[at(o)] = 1;
                        continue;
                    }
                    double held = 1;
                    double core = 0;
                    for (const auto& [r, p] : near) {
                        if (held >= context.needed) break;
                        held += context.points.weight[at(p)];
                        core = r;
                    }
                    std::pair<double, Index> best{std::numeric_limits<double>::infinity(), -1};
                    for (const auto& [r, p] : near) {
                        best = std::min(
                            best,
                            {std::max(context.reduced.factor * r, std::max(core, context.core[at(p)])), p});
                    }
                    // The last listed one's distance, less what float32 can be off by.
                    const double beyond = context.reduced.factor * near.back().first * (1 - 1e-4);
                    if (k >= n || (held >= context.needed && (best.first <= beyond || best.first == core))) {
                        point[at(q)] = best.second;
                        reach[at(q)] = context.reduced.distance(best.first);
                        done[at(o)] = 1;
                    }
                }
            });
        std::vector<std::int64_t> left;
        for (std::size_t o = 0; o < open.size(); ++o) {
            if (done[o] == 0) left.push_back(open[o]);
        }
        open = std::move(left);
        k = std::min(n, 4 * k);
    }
}

/// Where an item that meets `neighbor` at `reach` falls out.
inline void place_in_tree(const CondensedTree& tree, Index neighbor, double reach, Index& cluster,
                          double& lambda) {
    const auto at = static_cast<std::size_t>(neighbor);
    cluster = tree.point_cluster[at];
    lambda = tree.point_lambda[at];
    if (cluster < 0 || !(reach > 0) || 1 / reach >= lambda) return;  // leaves with its neighbour
    lambda = 1 / reach;
    while (cluster > 0 && tree.cluster_birth[static_cast<std::size_t>(cluster)] >= lambda) {
        cluster = tree.cluster_parent[static_cast<std::size_t>(cluster)];
    }
}

/// Lambda at which each pair of clusters parts; -1 where one holds the other.
inline double clusters_part_at(const CondensedTree& tree, Index a, Index b) {
    bool left = false;
    bool right = false;
    double lambda = -1;
    while (a != b) {
        Index& deeper = a > b ? a : b;  // parents have lower ids
        (a > b ? left : right) = true;
        lambda = tree.cluster_birth[static_cast<std::size_t>(deeper)];
        deeper = tree.cluster_parent[static_cast<std::size_t>(deeper)];
    }
    return left && right ? lambda : -1;
}

}  // namespace detail

FILMATLAS_INLINE std::vector<std::vector<Index>> exemplars(const CondensedTree& tree,
                                                           const ClusterSelection& selection) {
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    std::vector<char> leaf(count, 1);
    for (std::size_t c = 1; c < count; ++c) leaf[static_cast<std::size_t>(tree.cluster_parent[c])] = 0;
    std::vector<std::vector<Index>> of_cluster(count);
    for (std::size_t i = 0; i < tree.point_cluster.size(); ++i) {
        if (tree.point_cluster[i] < 0) continue;
        const auto c = static_cast<std::size_t>(tree.point_cluster[i]);
        if (leaf[c] != 0 && tree.point_lambda[i] == tree.cluster_death[c])
            of_cluster[c].push_back(static_cast<Index>(i));
    }
    std::vector<std::vector<Index>> out(selection.clusters.size());
    for (std::size_t c = 0; c < count; ++c) {
        const Index label = selection.label_of_cluster[c];
        if (label < 0) continue;
        auto& list = out[static_cast<std::size_t>(label)];
        list.insert(list.end(), of_cluster[c].begin(), of_cluster[c].end());
    }
    return out;
}

FILMATLAS_INLINE ClusterCenters cluster_centers(MatrixView<const double> X, const HdbscanCut& cut,
                                                Metric metric, int num_threads) {
    const auto& labels = cut.selection.labels;
    if (X.rows != static_cast<std::int64_t>(labels.size())) {
        throw_shape("cluster_centers",
                    "X has " + std::to_string(X.rows) + " rows, the fit " + std::to_string(labels.size()));
    }
    const auto k = static_cast<std::int64_t>(cut.selection.clusters.size());
    const std::int64_t d = X.cols;
    const bool cosine = metric == Metric::Cosine;
    const detail::ReducedDistance reduced(metric, 1.0);
    std::vector<std::vector<Index>> members(static_cast<std::size_t>(k));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] >= 0) members[static_cast<std::size_t>(labels[i])].push_back(static_cast<Index>(i));
    }
    ClusterCenters out{Matrix<double>(k, d), std::vector<Index>(static_cast<std::size_t>(k), -1)};
    const auto weight_of = [&](Index i) {
        return cut.selection.probabilities[static_cast<std::size_t>(i)] * cut.tree.weight_of(i);
    };
    for (std::int64_t c = 0; c < k; ++c) {
        const auto& ids = members[static_cast<std::size_t>(c)];
        const auto m = static_cast<std::int64_t>(ids.size());
        Matrix<double> rows(m, d);
        std::vector<double> mean(static_cast<std::size_t>(d), 0.0);
        double total = 0;
        for (std::int64_t i = 0; i < m; ++i) {
            const Index id = ids[static_cast<std::size_t>(i)];
            detail::density_take_row<double>(X, id, cosine ? detail::RowForm::Unit : detail::RowForm::AsGiven,
                                             rows.row_data(i));
            const double w = weight_of(id);
            total += w;
            for (std::int64_t j = 0; j < d; ++j) mean[static_cast<std::size_t>(j)] += w * rows(i, j);
        }
        if (m == 0) continue;
        for (double& v : mean) v /= total > 0 ? total : 1.0;
        std::vector<double> cost(static_cast<std::size_t>(m), 0.0);
        parallel_for(m, 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                double sum = 0;
                if (cosine || metric == Metric::SqEuclidean) {
                    // Up to a constant, the squared distance to the mean.
                    sum = reduced.between(rows.row_data(i), mean.data(), d);
                } else {
                    for (std::int64_t j = 0; j < m; ++j) {
                        sum += weight_of(ids[static_cast<std::size_t>(j)]) *
                               reduced.distance(reduced.between(rows.row_data(i), rows.row_data(j), d));
                    }
                }
                cost[static_cast<std::size_t>(i)] = sum;
            }
        });
        const auto best = std::min_element(cost.begin(), cost.end()) - cost.begin();
        out.medoids[static_cast<std::size_t>(c)] = ids[static_cast<std::size_t>(best)];
        double squared = 0;
        for (const double v : mean) squared += v * v;
        const double scale = cosine && squared > 0 ? 1 / std::sqrt(squared) : 1.0;
        for (std::int64_t j = 0; j < d; ++j) out.centroids(c, j) = mean[static_cast<std::size_t>(j)] * scale;
    }
    return out;
}

FILMATLAS_INLINE DensityPlaces density_places(MatrixView<const double> X, const SpanningTree& fitted,
                                              const HdbscanOptions& options, const CondensedTree& tree,
                                              MatrixView<const double> Q, std::span<const double> weights) {
    constexpr const char* stage = "predict";
    if (X.rows != fitted.num_items || X.rows != tree.num_items() ||
        static_cast<std::int64_t>(fitted.core.size()) != X.rows) {
        throw_shape(stage,
                    "X has " + std::to_string(X.rows) + " rows, the fit " + std::to_string(fitted.num_items));
    }
    if (Q.cols != X.cols) {
        throw_shape(stage, "the new items have " + std::to_string(Q.cols) + " columns, the fitted ones " +
                               std::to_string(X.cols));
    }
    const bool cosine = options.metric == Metric::Cosine;
    const auto form = cosine ? detail::RowForm::Unit : detail::RowForm::AsGiven;
    const auto points = detail::density_points<double>(X, form, weights, options.num_threads);
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    DensityPlaces out;
    out.neighbor.assign(at(Q.rows), -1);
    out.reach.assign(at(Q.rows), 0.0);
    out.cluster.assign(at(Q.rows), -1);
    out.lambda.assign(at(Q.rows), 0.0);
    if (points.size() == 0) return out;
    detail::PlaceContext context{points,
                                 {},
                                 detail::ReducedDistance(options.metric, options.alpha),
                                 options.min_samples.value_or(1) +
                                     (options.convention == MinSamplesConvention::ExcludeSelf ? 1.0 : 0.0)};
    for (std::int64_t p = 0; p < points.size(); ++p) {
        const double core = fitted.core[at(points.first(p))];
        context.core.push_back(context.reduced.root ? core * core : core / context.reduced.half);
    }
    Matrix<double> queries(Q.rows, Q.cols);
    std::vector<char> valid(at(Q.rows), 0);
    for (std::int64_t q = 0; q < Q.rows; ++q) {
        valid[at(q)] = detail::density_take_row<double>(Q, q, form, queries.row_data(q)) ? 1 : 0;
    }
    std::vector<Index> point(at(Q.rows), -1);
    const int threads = options.num_threads;
    if (X.cols <= 20 && options.metric == Metric::Manhattan) {
        detail::places_by_tree<0, true>(context, queries, valid, threads, point, out.reach);
    } else if (X.cols == 2) {
        detail::places_by_tree<2, false>(context, queries, valid, threads, point, out.reach);
    } else if (X.cols <= 20) {
        detail::places_by_tree<0, false>(context, queries, valid, threads, point, out.reach);
    } else {
        detail::places_by_lists(context, queries, valid, options.metric, threads, point, out.reach);
    }
    for (std::int64_t q = 0; q < Q.rows; ++q) {
        if (point[at(q)] < 0) continue;
        out.neighbor[at(q)] = points.first(point[at(q)]);
        detail::place_in_tree(tree, out.neighbor[at(q)], out.reach[at(q)], out.cluster[at(q)],
                              out.lambda[at(q)]);
    }
    return out;
}

FILMATLAS_INLINE DensityPrediction predict_places(const DensityPlaces& places, const CondensedTree& tree,
                                                  const ClusterSelection& selection) {
    const std::size_t count = places.cluster.size();
    DensityPrediction out{std::vector<Index>(count, -1), std::vector<double>(count, 0.0),
                          std::vector<double>(count, 0.0)};
    const std::vector<double> peak = detail::condensed_peaks(tree);
    for (std::size_t q = 0; q < count; ++q) {
        if (places.cluster[q] < 0) continue;
        const auto c = static_cast<std::size_t>(places.cluster[q]);
        const double lambda = places.lambda[q];
        if (peak[c] > 0) out.outlier_scores[q] = std::max(0.0, (peak[c] - lambda) / peak[c]);
        const Index label = selection.label_of_cluster[c];
        if (label < 0 || lambda < selection.root_lambda) continue;
        out.labels[q] = label;
        const double death =
            tree.cluster_death[static_cast<std::size_t>(selection.clusters[static_cast<std::size_t>(label)])];
        out.probabilities[q] = death > 0 ? std::min(lambda, death) / death : 1.0;
    }
    return out;
}

FILMATLAS_INLINE DensityPlaces places_of_fit(const CondensedTree& tree) {
    DensityPlaces out;
    for (std::size_t i = 0; i < tree.point_cluster.size(); ++i) {
        out.neighbor.push_back(static_cast<Index>(i));
        out.reach.push_back(0);
        out.cluster.push_back(tree.point_cluster[i]);
        out.lambda.push_back(tree.point_lambda[i]);
    }
    return out;
}

FILMATLAS_INLINE Matrix<double> membership_vectors(MatrixView<const double> X, MatrixView<const double> Q,
                                                   const DensityPlaces& places, const HdbscanCut& cut,
                                                   Metric metric, int num_threads) {
    const CondensedTree& tree = cut.tree;
    const std::vector<Index>& chosen = cut.selection.clusters;
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    const auto k = static_cast<std::int64_t>(chosen.size());
    if (Q.rows != static_cast<std::int64_t>(places.cluster.size()) || X.rows != tree.num_items() ||
        Q.cols != X.cols) {
        throw_shape("membership_vectors", "the items, their places and the fit do not fit together");
    }
    Matrix<double> out(Q.rows, k);
    if (k == 0) return out;
    const auto form = metric == Metric::Cosine ? detail::RowForm::Unit : detail::RowForm::AsGiven;
    const detail::ReducedDistance reduced(metric, 1.0);
    const auto of_label = exemplars(tree, cut.selection);
    // Exemplars in lanes of eight, each label from a new lane block on: one row meets them in straight loops.
    constexpr std::size_t width = 8;
    const auto d = at(X.cols);
    std::vector<double> lanes;
    std::vector<std::size_t> first(at(k) + 1, 0);
    std::vector<double> row(d);
    for (std::size_t c = 0; c < of_label.size(); ++c) {
        const auto& ids = of_label[c];
        const std::size_t blocks = (ids.size() + width - 1) / width;
        first[c + 1] = first[c] + blocks;
        lanes.resize(first[c + 1] * width * d, std::numeric_limits<double>::infinity());
        for (std::size_t e = 0; e < ids.size(); ++e) {
            detail::density_take_row<double>(X, ids[e], form, row.data());
            double* block = lanes.data() + (first[c] + e / width) * width * d;
            for (std::size_t j = 0; j < d; ++j) block[j * width + e % width] = row[j];
        }
    }
    // Lambda at which each condensed cluster parts from each chosen one.
    Matrix<double> parts(tree.num_clusters(), k);
    parallel_for(tree.num_clusters(), 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t c = begin; c < end; ++c) {
            for (std::int64_t l = 0; l < k; ++l) {
                parts(c, l) = detail::clusters_part_at(tree, static_cast<Index>(c), chosen[at(l)]);
            }
        }
    });
    parallel_for(Q.rows, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> q(d);
        std::vector<double> near(at(k));
        std::vector<double> score(at(k));
        for (std::int64_t i = begin; i < end; ++i) {
            if (places.cluster[at(i)] < 0 || !detail::density_take_row<double>(Q, i, form, q.data()))
                continue;
            const std::int64_t own = places.cluster[at(i)];
            const double lambda = places.lambda[at(i)];
            double nearness = 0;
            std::int64_t on_exemplar = -1;
            for (std::int64_t l = 0; l < k; ++l) {
                double least = std::numeric_limits<double>::infinity();
                for (std::size_t b = first[at(l)]; b < first[at(l) + 1]; ++b) {
                    std::array<double, width> sum{};
                    const double* block = lanes.data() + b * width * d;
                    for (std::size_t j = 0; j < d; ++j) {
                        for (std::size_t w = 0; w < width; ++w) {
                            const double t = block[j * width + w] - q[j];
                            sum[w] += reduced.manhattan ? std::abs(t) : t * t;
                        }
                    }
                    for (const double s : sum) least = std::min(least, s);
                }
                if (least == 0 && on_exemplar < 0) on_exemplar = l;
                near[at(l)] = least > 0 ? 1 / reduced.distance(least) : 0.0;
                nearness += near[at(l)];
            }
            if (on_exemplar >= 0) {  // infinitely near
                std::fill(near.begin(), near.end(), 0.0);
                near[at(on_exemplar)] = nearness = 1;
            }
            const double most = tree.cluster_death[at(own)] + 1e-8;
            double best = -1;
            std::int64_t nearest = 0;
            double top = 0;
            for (std::int64_t l = 0; l < k; ++l) {
                const double height = parts(own, l) < 0 ? lambda : parts(own, l);
                if (height > best) {
                    best = height;
                    nearest = l;
                }
                score[at(l)] = height > 0 ? std::exp(-(most / height)) : 0.0;
                top = std::max(top, score[at(l)]);
            }
            double outward = 0;
            for (double& s : score) {
                s = std::exp(s - top);
                outward += s;
            }
            double total = 0;
            for (std::int64_t l = 0; l < k; ++l) {
                out(i, l) = (near[at(l)] / nearness) * (score[at(l)] / outward);
                total += out(i, l);
            }
            const double ceiling = std::max(tree.cluster_death[at(chosen[at(nearest)])], lambda);
            const double inside = ceiling > 0 ? std::max(best, 0.0) / ceiling : 1.0;
            for (std::int64_t l = 0; l < k; ++l) out(i, l) = total > 0 ? out(i, l) / total * inside : 0.0;
        }
    });
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_MEMBERSHIP_IMPL_HPP
