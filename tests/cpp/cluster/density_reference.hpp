// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_DENSITY_REFERENCE_HPP
#define FILMATLAS_TESTS_DENSITY_REFERENCE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"

/// HDBSCAN written down from its definition, in sets and matrices, O(n^3): nothing here is shared with the
/// library.

namespace density_reference {

using filmatlas::Index;
using filmatlas::Matrix;
using Set = std::vector<Index>;

inline Matrix<double> distances(const Matrix<double>& X) {
    Matrix<double> D(X.rows(), X.rows());
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        for (std::int64_t j = 0; j < X.rows(); ++j) {
            double sum = 0;
            for (std::int64_t k = 0; k < X.cols(); ++k) sum += (X(i, k) - X(j, k)) * (X(i, k) - X(j, k));
            D(i, j) = std::sqrt(sum);
        }
    }
    return D;
}

/// Mutual reachability; `others` neighbours, the item itself not counted.
inline Matrix<double> mutual_reachability(const Matrix<double>& D, int others) {
    const std::int64_t n = D.rows();
    std::vector<double> core;
    for (std::int64_t i = 0; i < n; ++i) {
        std::vector<double> row;
        for (std::int64_t j = 0; j < n; ++j) {
            if (j != i) row.push_back(D(i, j));
        }
        std::sort(row.begin(), row.end());
        const auto k = std::min<std::size_t>(static_cast<std::size_t>(others), row.size());
        core.push_back(k == 0 ? 0.0 : row[k - 1]);
    }
    Matrix<double> M(n, n);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            M(i, j) = i == j ? 0.0
                             : std::max({D(i, j), core[static_cast<std::size_t>(i)],
                                         core[static_cast<std::size_t>(j)]});
        }
    }
    return M;
}

/// Components of `items` when pairs below `height` (or at it) are joined.
inline std::vector<Set> components(const Matrix<double>& M, const Set& items, double height,
                                   bool with_equal) {
    std::vector<Set> out;
    Set left = items;
    while (!left.empty()) {
        Set part = {left.front()};
        left.erase(left.begin());
        for (std::size_t at = 0; at < part.size(); ++at) {
            for (std::size_t l = 0; l < left.size();) {
                const double m = M(part[at], left[l]);
                if (m < height || (with_equal && m == height)) {
                    part.push_back(left[l]);
                    left.erase(left.begin() + static_cast<std::ptrdiff_t>(l));
                } else {
                    ++l;
                }
            }
        }
        out.push_back(part);
    }
    return out;
}

struct Cluster {
    Set items;
    double birth = 0;
    double death = 0;
    double stability = 0;
    std::vector<Cluster> parts;
};

struct Result {
    std::vector<Index> labels;
    std::vector<double> probabilities;
    std::vector<double> lambda;  ///< at which each item falls out
    std::vector<double> outlier;
};

class Hdbscan {
public:
    Hdbscan(const Matrix<double>& D, int others, int min_cluster_size, bool leaf = false, bool single = false)
        : M_(mutual_reachability(D, others)), least_(static_cast<std::size_t>(min_cluster_size)) {
        const std::int64_t n = D.rows();
        double smallest = std::numeric_limits<double>::infinity();
        for (const double m : M_.values()) {
            if (m > 0) {
                smallest = std::min(smallest, m);
                heights_.push_back(m);
            }
        }
        heights_.push_back(0);
        std::sort(heights_.begin(), heights_.end());
        heights_.erase(std::unique(heights_.begin(), heights_.end()), heights_.end());
        cap_ = std::isfinite(smallest) ? largest_lambda() : 1.0;
        result.labels.assign(static_cast<std::size_t>(n), -1);
        result.probabilities.assign(static_cast<std::size_t>(n), 0.0);
        result.lambda.assign(static_cast<std::size_t>(n), 0.0);
        result.outlier.assign(static_cast<std::size_t>(n), 0.0);
        Set all;
        for (Index i = 0; i < static_cast<Index>(n); ++i) all.push_back(i);
        Cluster root;
        root.items = all;
        grow(root, all);
        score(root);
        std::vector<const Cluster*> chosen;
        if (leaf) {
            leaves(root, chosen, true);
        } else {
            const bool split = gain(root) > root.stability;
            if (single && !split) {
                if (all.size() >= least_) chosen.push_back(&root);
            } else {
                for (const Cluster& part : root.parts) choose(part, chosen);
            }
        }
        for (std::size_t label = 0; label < chosen.size(); ++label) {
            for (const Index i : chosen[label]->items) {
                const auto at = static_cast<std::size_t>(i);
                if (chosen[label] == &root && result.lambda[at] < root.death) continue;
                result.labels[at] = static_cast<Index>(label);
                const double death = chosen[label]->death;
                result.probabilities[at] = death > 0 ? std::min(result.lambda[at], death) / death : 1.0;
            }
        }
    }

    Result result;

private:
    double lambda_of(double height) const { return height > 0 ? 1 / height : cap_; }

    /// The height at which items first hang together, from all heights that there are.
    double joined_at(const Set& items) const {
        for (const double h : heights_) {
            if (components(M_, items, h, true).size() == 1) return h;
        }
        return std::numeric_limits<double>::infinity();
    }

    double largest_lambda() const {
        // Of the heights at which something merges: an item's smallest distance to any other is one.
        double least = std::numeric_limits<double>::infinity();
        for (std::int64_t i = 0; i < M_.rows(); ++i) {
            for (std::int64_t j = 0; j < M_.rows(); ++j) {
                if (M_(i, j) > 0 && merges_at(i, j)) least = std::min(least, M_(i, j));
            }
        }
        return 1 / least;
    }
    bool merges_at(std::int64_t i, std::int64_t j) const {
        Set all;
        for (Index k = 0; k < static_cast<Index>(M_.rows()); ++k) all.push_back(k);
        for (const Set& part : components(M_, all, M_(i, j), false)) {
            const bool has_i = std::find(part.begin(), part.end(), static_cast<Index>(i)) != part.end();
            const bool has_j = std::find(part.begin(), part.end(), static_cast<Index>(j)) != part.end();
            if (has_i) return !has_j;
        }
        return false;
    }

    void grow(Cluster& cluster, Set items) {
        while (true) {
            const double height = joined_at(items);
            const double lambda = lambda_of(height);
            std::vector<Set> large;
            std::vector<Set> small;
            for (const Set& part : components(M_, items, height, false)) {
                (part.size() >= least_ && part.size() > 1 ? large : small).push_back(part);
            }
            std::size_t leaving = 0;
            for (const Set& part : small) {
                leaving += part.size();
                for (const Index i : part) result.lambda[static_cast<std::size_t>(i)] = lambda;
            }
            if (large.size() > 1) {
                for (const Set& part : large) leaving += part.size();
            }
            cluster.stability += (lambda - cluster.birth) * static_cast<double>(leaving);
            if (leaving > 0) cluster.death = std::max(cluster.death, lambda);
            if (large.empty()) return;
            if (large.size() == 1) {
                items = large.front();
                continue;
            }
            for (const Set& part : large) {
                Cluster child;
                child.items = part;
                child.birth = lambda;
                grow(child, part);
                cluster.parts.push_back(child);
            }
            return;
        }
    }

    double gain(const Cluster& cluster) const {
        double sum = 0;
        for (const Cluster& part : cluster.parts) sum += std::max(part.stability, gain(part));
        return sum;
    }
    void choose(const Cluster& cluster, std::vector<const Cluster*>& chosen) const {
        if (gain(cluster) > cluster.stability) {
            for (const Cluster& part : cluster.parts) choose(part, chosen);
        } else {
            chosen.push_back(&cluster);
        }
    }
    void leaves(const Cluster& cluster, std::vector<const Cluster*>& chosen, bool root) const {
        if (cluster.parts.empty() && !root) chosen.push_back(&cluster);
        for (const Cluster& part : cluster.parts) leaves(part, chosen, false);
    }
    double score(const Cluster& cluster) {
        double peak = cluster.death;
        for (const Cluster& part : cluster.parts) peak = std::max(peak, score(part));
        for (const Index i : cluster.items) {
            bool below = false;
            for (const Cluster& part : cluster.parts) {
                below = below || std::find(part.items.begin(), part.items.end(), i) != part.items.end();
            }
            const auto at = static_cast<std::size_t>(i);
            if (!below && peak > 0) result.outlier[at] = (peak - result.lambda[at]) / peak;
        }
        return peak;
    }

    Matrix<double> M_;
    std::size_t least_;
    std::vector<double> heights_;
    double cap_ = 1;
};

/// Whether two labelings are the same partition, noise (-1) included.
inline bool same_partition(const std::vector<Index>& a, const std::vector<Index>& b) {
    if (a.size() != b.size()) return false;
    std::vector<Index> to(a.size() + 1, -2);
    std::vector<Index> from(a.size() + 1, -2);
    for (std::size_t i = 0; i < a.size(); ++i) {
        if ((a[i] < 0) != (b[i] < 0)) return false;
        if (a[i] < 0) continue;
        Index& forward = to[static_cast<std::size_t>(a[i])];
        Index& backward = from[static_cast<std::size_t>(b[i])];
        if (forward == -2) forward = b[i];
        if (backward == -2) backward = a[i];
        if (forward != b[i] || backward != a[i]) return false;
    }
    return true;
}

/// Small random sets of every kind: grids full of ties and repeats, blobs, lines.
inline Matrix<double> tiny_case(std::uint64_t seed) {
    filmatlas::RandomStream random(seed, "test.tiny");
    const auto n = static_cast<std::int64_t>(random.below(13));
    const auto d = static_cast<std::int64_t>(1 + random.below(3));
    const std::uint64_t kind = random.below(4);
    Matrix<double> X(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t k = 0; k < d; ++k) {
            switch (kind) {
                case 0: X(i, k) = static_cast<double>(random.below(4)); break;
                case 1: X(i, k) = random.normal() + 8.0 * static_cast<double>(i % 2); break;
                case 2:
                    X(i, k) =
                        static_cast<double>(random.below(2)) + 0.01 * static_cast<double>(random.below(3));
                    break;
                default: X(i, k) = random.uniform(); break;
            }
        }
    }
    return X;
}

}  // namespace density_reference
#endif  // FILMATLAS_TESTS_DENSITY_REFERENCE_HPP
