// SPDX-License-Identifier: MIT
// What the steps of a map hold at most, counted where it is asked for: no operating system's pages are in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;

// Sanitisers bring operators of their own, which these would hide.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILMATLAS_COUNTS_BYTES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FILMATLAS_COUNTS_BYTES 0
#endif
#endif
#ifndef FILMATLAS_COUNTS_BYTES
#define FILMATLAS_COUNTS_BYTES 1
#endif

namespace {

std::atomic<std::int64_t> held{0};
std::atomic<std::int64_t> most{0};

#if FILMATLAS_COUNTS_BYTES
constexpr std::size_t kRoom = 16;  // in front of every block: its size

void* counted(std::size_t size, std::size_t alignment) {
    const std::size_t room = std::max(alignment, kRoom);
    const std::size_t whole = (size + room + alignment - 1) / alignment * alignment;
    void* block = alignment > kRoom ? std::aligned_alloc(alignment, whole) : std::malloc(whole);
    if (block == nullptr) throw std::bad_alloc();
    char* given = static_cast<char*>(block) + room;
    std::memcpy(given - sizeof(size), &size, sizeof(size));
    const std::int64_t now = held += static_cast<std::int64_t>(size);
    for (std::int64_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    return given;
}

void uncounted(void* given, std::size_t alignment) noexcept {
    if (given == nullptr) return;
    std::size_t size = 0;
    std::memcpy(&size, static_cast<char*>(given) - sizeof(size), sizeof(size));
    held -= static_cast<std::int64_t>(size);
    std::free(static_cast<char*>(given) - std::max(alignment, kRoom));
}

#endif

/// Most bytes per item held at once beyond what was held before.
template <class Function>
double bytes_per_item(std::int64_t n, Function&& function) {
    const std::int64_t before = held;
    most = before;
    static_cast<void>(function());
    return static_cast<double>(most - before) / static_cast<double>(n);
}

}  // namespace

#if FILMATLAS_COUNTS_BYTES
void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* given) noexcept { uncounted(given, 1); }
void operator delete(void* given, std::size_t) noexcept { uncounted(given, 1); }
void operator delete(void* given, std::align_val_t alignment) noexcept {
    uncounted(given, static_cast<std::size_t>(alignment));
}
void operator delete(void* given, std::size_t, std::align_val_t alignment) noexcept {
    uncounted(given, static_cast<std::size_t>(alignment));
}

#endif

TEST_CASE("memory: the counter sees what a vector holds, and its most" * doctest::skip(FILMATLAS_COUNTS_BYTES == 0)) {
    const auto twice = [] {
        std::vector<double> first(1000);
        first = std::vector<double>(500);
        return first.size();
    };
    CHECK(bytes_per_item(1000, twice) == doctest::Approx(12));
}

TEST_CASE("memory: the steps of a map stay within 600 bytes per item beyond vectors and neighbours" *
          doctest::skip(FILMATLAS_COUNTS_BYTES == 0)) {
    constexpr std::int64_t n = 20000;
    const Matrix<float> x = filmatlas::testing::blobs(n, 8, 8, 6.0);
    const KnnGraph graph = knn_graph(x.view(), {.k = 15, .metric = Metric::Euclidean, .num_threads = 2});
    SUBCASE("the fuzzy graph") {
        CHECK(bytes_per_item(n, [&] { return fuzzy_graph(graph, {.num_threads = 2}); }) < 400);
    }
    SUBCASE("t-SNE's similarities") {
        CHECK(bytes_per_item(n, [&] { return tsne_affinities(graph, 30, 2); }) < 400);
    }
    SUBCASE("landmarks and principal components") {
        CHECK(bytes_per_item(n, [&] { return landmark_start(x.view(), graph.metric, {.num_threads = 2}); }) < 150);
        CHECK(bytes_per_item(n, [&] { return pca_start(x.view(), {.num_threads = 2}); }) < 150);
    }
    SUBCASE("the spectral start, with the graph that it is made of") {
        CHECK(bytes_per_item(n, [&] {
                  const CsrMatrix<float> weights = fuzzy_graph(graph, {.num_threads = 2});
                  return spectral_start(x.view(), weights, {.num_threads = 2});
              }) < 600);
    }
    SUBCASE("UMAP, whole, from its spectral start") {
        UmapOptions options;
        options.n_epochs = 60;
        options.num_threads = 2;
        CHECK(bytes_per_item(n, [&] { return umap(x.view(), graph, options); }) < 600);
    }
    SUBCASE("the default map, whole") {
        MapOptions options;
        options.n_iter = 12;
        options.num_threads = 2;
        CHECK(bytes_per_item(n, [&] { return atlas_map(x.view(), graph, options); }) < 600);
        options.n_components = 3;
        CHECK(bytes_per_item(n, [&] { return atlas_map(x.view(), graph, options); }) < 600);
    }
    SUBCASE("t-SNE, whole, by tree and by grid") {
        TsneOptions options;
        options.n_iter = 4;
        options.early_exaggeration_iter = 4;
        options.init = LayoutInit::Pca;
        options.num_threads = 2;
        for (const TsneRepulsion repulsion : {TsneRepulsion::Tree, TsneRepulsion::Grid}) {
            options.repulsion = repulsion;
            CHECK(bytes_per_item(n, [&] { return tsne(x.view(), graph, options); }) < 600);
        }
    }
}
