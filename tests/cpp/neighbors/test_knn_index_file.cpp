// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/io/container.hpp"
#include "filmatlas/neighbors/knn_index_file.hpp"
#include "neighbors/knn_data.hpp"

using namespace filmatlas;
using testing::gaussian;

namespace {

KnnIndex made(KnnIndexMethod method) {
    auto x = gaussian(300, 6, 1);
    x(7, 1) = std::numeric_limits<float>::quiet_NaN();
    KnnIndexOptions options;
    options.metric = Metric::Euclidean;
    options.method = method;
    options.seed = ~std::uint64_t{0};
    return KnnIndex(x.view(), options);
}

}  // namespace

TEST_CASE("knn index file: what is loaded answers alike and packs to the same bytes") {
    const auto q = gaussian(40, 6, 2);
    for (const KnnIndexMethod method : {KnnIndexMethod::Exact, KnnIndexMethod::Hnsw}) {
        const KnnIndex index = made(method);
        const std::string bytes = pack_knn_index(index);
        const KnnIndex again = unpack_knn_index(bytes);
        CHECK(again.method() == method);
        CHECK(again.query(q.view(), 9).indices == index.query(q.view(), 9).indices);
        CHECK(again.query(q.view(), 9).distances == index.query(q.view(), 9).distances);
        CHECK(again.quality().recall == index.quality().recall);
        CHECK(pack_knn_index(again) == bytes);
        const std::string path = (std::filesystem::temp_directory_path() / "filmatlas_index_test.fatlas").string();
        save_knn_index(index, path);
        CHECK(load_knn_index(path, 2).query(q.view(), 9).indices == index.query(q.view(), 9).indices);
        std::filesystem::remove(path);
    }
    CHECK_THROWS_AS(load_knn_index("/nowhere/index.fatlas"), Error);
}

TEST_CASE("knn index file: every truncation and changed byte is refused") {
    const std::string bytes = pack_knn_index(made(KnnIndexMethod::Hnsw));
    RandomStream stream(4, "index damage");
    for (int trial = 0; trial < 60; ++trial) {
        std::string damaged = bytes;
        const auto at = static_cast<std::size_t>(stream.below(bytes.size()));
        if (trial % 3 == 0) {
            damaged.resize(at);
        } else {
            damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 << stream.below(8)));
        }
        CHECK_THROWS_AS(unpack_knn_index(damaged), Error);
    }
}

TEST_CASE("knn index file: sealed anew after damage, it is refused by what it says") {
    const std::string bytes = pack_knn_index(made(KnnIndexMethod::Hnsw));
    const auto refuse = [&](const char* words, auto&& spoil) {
        Container container = unpack_container(bytes);
        spoil(container);
        CHECK_THROWS_WITH_AS(unpack_knn_index(pack_container(container), "here.fatlas"), doctest::Contains(words),
                             Error);
    };
    const auto set = [](Container& container, const char* key, JsonValue value) {
        for (auto& [name, held] : container.meta.object) {
            if (name == key) held = std::move(value);
        }
    };
    refuse("holds a cookbook", [&](Container& c) { set(c, "format", "cookbook"); });
    refuse("schema 9", [&](Container& c) { set(c, "schema", 9); });
    refuse("euclidian", [&](Container& c) { set(c, "metric", "euclidian"); });
    refuse("links", [&](Container& c) { set(c, "links", 100000); });
    refuse("'links' is no integer", [&](Container& c) { set(c, "links", 1.5); });
    refuse("'target_k' is no number", [&](Container& c) { set(c, "target_k", "x"); });
    refuse("'seed' is no integer", [&](Container& c) { set(c, "seed", "12x"); });
    refuse("lacks 'metric'", [&](Container& c) { c.meta.object.erase(c.meta.object.begin() + 2); });
    refuse("'full_precision'", [&](Container& c) { set(c, "full_precision", 1); });
    refuse("outside [0, 299)", [&](Container& c) { c.sections[1].bytes[3] = '\x70'; });
    refuse("of 1 rows are kept", [&](Container& c) {
        c.sections[1].shape = {1, 2};
        c.sections[1].bytes.resize(8);
    });
    refuse("'vectors' is no f32 matrix", [&](Container& c) { c.sections[0].dtype = "i32"; });
    refuse("vectors", [&](Container& c) { c.sections[0].name = "values"; });
}
