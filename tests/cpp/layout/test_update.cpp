// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/tsne_scale.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/update.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// The map of the first `old` items, NaN below.
Matrix<float> map_of_first(const Matrix<float>& x, std::int64_t old) {
    Matrix<float> first(old, x.cols());
    std::copy_n(x.values().begin(), first.values().size(), first.values().begin());
    const Matrix<float> y = atlas_map(first.view(), brute_graph(first, 15)).coordinates;
    Matrix<float> known(x.rows(), 2);
    std::fill(known.values().begin(), known.values().end(), std::numeric_limits<float>::quiet_NaN());
    std::copy(y.values().begin(), y.values().end(), known.values().begin());
    return known;
}

}  // namespace

TEST_CASE("update_map: new items join their own, and nothing known goes farther than its leash") {
    const Matrix<float> x = blobs(440, 8, 4, 6);
    const KnnGraph graph = brute_graph(x, 15);
    const Matrix<float> known = map_of_first(x, 400);
    for (const double leash : {0.0, 0.01, 0.05}) {
        UpdateOptions options;
        options.max_drift = leash;
        const MapUpdate update = update_map(x.view(), graph, known, options);
        CHECK(update.num_known == 400);
        CHECK(all_finite(update.layout.coordinates));
        CHECK(update.largest_drift <= leash * (1 + 1e-4));
        CHECK(update.median_drift <= update.largest_drift);
        CHECK(nearest_same_group(update.layout.coordinates, 4) > 0.97);
        double largest = 0;
        for (std::int64_t i = 0; i < 400; ++i) {
            const double a = static_cast<double>(update.layout.coordinates(i, 0) - known(i, 0));
            const double b = static_cast<double>(update.layout.coordinates(i, 1) - known(i, 1));
            largest = std::max(largest, std::sqrt(a * a + b * b));
        }
        CHECK(largest <= leash * 20 * (1 + 1e-4));
    }
}

TEST_CASE("update_map: the same bytes for any number of threads and instruction set") {
    const Matrix<float> x = blobs(330, 6, 3, 4);
    const KnnGraph graph = brute_graph(x, 15);
    const Matrix<float> known = map_of_first(x, 300);
    UpdateOptions options;
    options.n_iter = 20;
    check_same_everywhere([&](int threads) {
        options.num_threads = threads;
        return update_map(x.view(), graph, known, options).layout.coordinates;
    });
}

TEST_CASE("update_map: islands of new items, nothing new, invalid rows, nothing known") {
    Matrix<float> x = blobs(300, 4, 1, 0);
    for (std::int64_t i = 280; i < 300; ++i) x(i, 0) += 1000;  // know one another only
    const KnnGraph graph = brute_graph(x, 10);
    const Matrix<float> known = map_of_first(x, 280);
    CHECK(all_finite(update_map(x.view(), graph, known).layout.coordinates));

    x(299, 0) = std::numeric_limits<float>::quiet_NaN();
    const MapUpdate update = update_map(x.view(), brute_graph(x, 10), known);
    CHECK(std::isnan(update.layout.coordinates(299, 0)));
    CHECK(std::isfinite(update.layout.coordinates(298, 0)));

    UpdateOptions still;
    still.n_iter = 0;
    const Matrix<float> whole = map_of_first(blobs(100, 4, 1, 0), 100);
    const Matrix<float> y = blobs(100, 4, 1, 0);
    const MapUpdate same = update_map(y.view(), brute_graph(y, 10), whole, still);
    CHECK(same.layout.coordinates == whole);
    CHECK(same.largest_drift == 0);

    Matrix<float> none(100, 2);
    std::fill(none.values().begin(), none.values().end(), std::numeric_limits<float>::quiet_NaN());
    CHECK_THROWS_WITH_AS(update_map(y.view(), brute_graph(y, 10), none), doctest::Contains("known"), Error);
    CHECK_THROWS_AS(update_map(y.view(), brute_graph(y, 10), Matrix<float>(99, 2)), Error);
    still.max_drift = -1;
    CHECK_THROWS_WITH_AS(update_map(y.view(), brute_graph(y, 10), whole, still), doctest::Contains("max_drift"), Error);
}

TEST_CASE("update_map: the scale of a finished t-SNE is found again") {
    const Matrix<float> x = blobs(400, 6, 2, 3);
    const KnnGraph graph = brute_graph(x, 15);
    TsneOptions options;
    options.n_iter = 1500;
    const Matrix<float> y = tsne(x.view(), graph, options).coordinates;
    const CsrMatrix<float> affinities = tsne_affinities(graph, options.perplexity);
    const double scale = detail::tsne_scale(affinities, y, 1, 1);
    CHECK(scale == doctest::Approx(1).epsilon(0.1));
    Matrix<float> smaller = y;
    for (float& v : smaller.values()) v *= 0.01F;
    CHECK(detail::tsne_scale(affinities, smaller, 1, 1) == doctest::Approx(100 * scale).epsilon(0.02));
}
