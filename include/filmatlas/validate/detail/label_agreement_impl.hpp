// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_LABEL_AGREEMENT_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_LABEL_AGREEMENT_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/label_agreement.hpp"

namespace filmatlas {
namespace detail {

/// The most frequent of some classes, the smallest of several; sorts them.
inline Index label_vote(std::vector<Index>& classes) {
    std::sort(classes.begin(), classes.end());
    Index vote = -1;
    std::ptrdiff_t most = 0;
    for (auto first = classes.begin(); first != classes.end();) {
        const auto last = std::upper_bound(first, classes.end(), *first);
        if (last - first > most) {
            most = last - first;
            vote = *first;
        }
        first = last;
    }
    return vote;
}

}  // namespace detail

FILMATLAS_INLINE LabelAgreement label_agreement(MatrixView<const Index> neighbors, std::span<const Index> labels, int k) {
    constexpr const char* stage = "label_agreement";
    const std::int64_t n = neighbors.rows;
    if (static_cast<std::int64_t>(labels.size()) != n) {
        throw_shape(stage, "there are " + std::to_string(n) + " rows of neighbours and " + std::to_string(labels.size()) +
                               " labels");
    }
    if (k < 0 || k > neighbors.cols) {
        throw_invalid(stage, "k", "is " + std::to_string(k),
                      "use 1 to " + std::to_string(neighbors.cols) + ", or 0 for all");
    }
    for (std::int64_t i = 0; i < n; ++i) {
        if (labels[static_cast<std::size_t>(i)] < -1) {
            throw_invalid(stage, "labels[" + std::to_string(i) + "]",
                          "is " + std::to_string(labels[static_cast<std::size_t>(i)]), "use 0 or more, or -1 for unknown");
        }
    }
    LabelAgreement out;
    out.vote.assign(static_cast<std::size_t>(n), -1);
    out.agreement_per_item.assign(static_cast<std::size_t>(n), std::numeric_limits<float>::quiet_NaN());
    const auto width = static_cast<std::size_t>(k > 0 ? k : neighbors.cols);
    std::vector<Index> classes;
    std::int64_t right = 0;
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        classes.clear();
        for (const Index j : neighbors.row(i).first(width)) {
            if (j < -1 || j >= n) {
                throw_invalid(stage, "neighbors[" + std::to_string(i) + "]", "names item " + std::to_string(j),
                              "use ids of the " + std::to_string(n) + " items, or -1 for none");
            }
            if (j >= 0 && labels[static_cast<std::size_t>(j)] >= 0) classes.push_back(labels[static_cast<std::size_t>(j)]);
        }
        const Index own = labels[static_cast<std::size_t>(i)];
        const Index vote = detail::label_vote(classes);
        out.vote[static_cast<std::size_t>(i)] = vote;
        if (own < 0 || vote < 0) continue;
        const double share = static_cast<double>(std::count(classes.begin(), classes.end(), own)) /
                             static_cast<double>(classes.size());
        out.agreement_per_item[static_cast<std::size_t>(i)] = static_cast<float>(share);
        sum += share;
        right += vote == own ? 1 : 0;
        ++out.items;
    }
    if (out.items > 0) {
        out.accuracy = static_cast<double>(right) / static_cast<double>(out.items);
        out.agreement = sum / static_cast<double>(out.items);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_LABEL_AGREEMENT_IMPL_HPP
