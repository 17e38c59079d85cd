// SPDX-License-Identifier: MIT
// Kernels, block products and exact neighbours. "flops" counts multiplications and additions; compare it with
// BM_Peak, what the processor reaches on operands that never leave the first-level cache.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "filmatlas/neighbors/knn.hpp"

namespace {

using namespace filmatlas;

/// Clusters of gaussian rows: nearest neighbours are neither random nor trivial, as in text embeddings.
Matrix<float> clustered(std::int64_t n, std::int64_t d) {
    Matrix<float> x(n, d);
    constexpr std::int64_t clusters = 200;
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream centre(1, "bench centre", static_cast<std::uint64_t>(i % clusters));
        RandomStream noise(1, "bench noise", static_cast<std::uint64_t>(i));
        for (float& value : x.row(i)) value = static_cast<float>(centre.normal() + noise.normal());
    }
    return x;
}

void count_flops(benchmark::State& state, double flops_per_iteration) {
    state.counters["flops"] =
        benchmark::Counter(flops_per_iteration * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
    state.SetLabel(kernels().name);
}

void BM_Dot(benchmark::State& state) {
    const std::int64_t n = state.range(0);
    const auto x = clustered(2, n);
    const Kernels& kernel = kernels();
    for (auto _ : state) {
        benchmark::DoNotOptimize(kernel.dot(x.row_data(0), x.row_data(1), static_cast<std::size_t>(n)));
    }
    count_flops(state, 2.0 * static_cast<double>(n));
}
BENCHMARK(BM_Dot)->Arg(16)->Arg(384)->Arg(768);

void BM_SquaredL2(benchmark::State& state) {
    const std::int64_t n = state.range(0);
    const auto x = clustered(2, n);
    const Kernels& kernel = kernels();
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            kernel.squared_l2(x.row_data(0), x.row_data(1), static_cast<std::size_t>(n)));
    }
    count_flops(state, 3.0 * static_cast<double>(n));
}
BENCHMARK(BM_SquaredL2)->Arg(16)->Arg(384)->Arg(768);

/// 16 x 48 results over 64 dimensions: both operands stay in the first-level cache.
void BM_Peak(benchmark::State& state) {
    const PackedRows<float> a(clustered(16, 64).view(), 1);
    const PackedRows<float> b(clustered(48, 64).view(), 1);
    std::vector<float> c(16 * 48);
    const Kernels& kernel = kernels();
    for (auto _ : state) {
        kernel.block_product(a.panel(0), b.panel(0), 64, 3, c.data(), 48);
        benchmark::ClobberMemory();
    }
    count_flops(state, 2.0 * 16 * 48 * 64);
}
BENCHMARK(BM_Peak);

/// One tile of the neighbour search: 256 x 256 results over d dimensions.
template <bool Loose>
void BM_BlockProduct(benchmark::State& state) {
    const std::int64_t d = state.range(0);
    const PackedRows<float> a(clustered(256, d).view(), 1);
    const PackedRows<float> b(clustered(256, d).view(), 1);
    std::vector<float> c(16 * 256);
    const auto product = Loose ? kernels().block_product_loose : kernels().block_product;
    for (auto _ : state) {
        for (std::int64_t p = 0; p < a.panels(); ++p) {
            product(a.panel(p), b.panel(0), static_cast<std::size_t>(d), 16, c.data(), 256);
        }
        benchmark::ClobberMemory();
    }
    count_flops(state, 2.0 * 256 * 256 * static_cast<double>(d));
}
BENCHMARK(BM_BlockProduct<false>)->Arg(64)->Arg(384)->Arg(768)->Arg(1536);
BENCHMARK(BM_BlockProduct<true>)->Arg(384);

void BM_BlockProductFloat64(benchmark::State& state) {
    const std::int64_t d = state.range(0);
    Matrix<double> x(128, d);
    RandomStream stream(1, "bench");
    for (double& value : x.values()) value = stream.normal();
    const PackedRows<double> packed(std::as_const(x).view(), 1);
    std::vector<double> c(8 * 128);
    const Kernels& kernel = kernels();
    for (auto _ : state) {
        for (std::int64_t p = 0; p < packed.panels(); ++p) {
            kernel.block_product_f64(packed.panel(p), packed.panel(0), static_cast<std::size_t>(d), 16,
                                     c.data(), 128, false);
        }
        benchmark::ClobberMemory();
    }
    count_flops(state, 2.0 * 128 * 128 * static_cast<double>(d));
}
BENCHMARK(BM_BlockProductFloat64)->Arg(384);

void BM_HalfToFloat(benchmark::State& state) {
    const std::vector<std::uint16_t> x(1 << 16, 0x3555);
    std::vector<float> y(x.size());
    const Kernels& kernel = kernels();
    for (auto _ : state) {
        kernel.half_to_float(x.data(), y.data(), x.size());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
    state.SetLabel(kernel.name);
}
BENCHMARK(BM_HalfToFloat);

/// Args: rows, columns, k, threads. "flops" counts n^2 d: each pair once.
void BM_KnnExact(benchmark::State& state) {
    const auto x = clustered(state.range(0), state.range(1));
    const KnnOptions options{.k = static_cast<int>(state.range(2)),
                             .metric = Metric::Cosine,
                             .method = KnnMethod::Exact,
                             .num_threads = static_cast<int>(state.range(3))};
    for (auto _ : state) benchmark::DoNotOptimize(knn_graph(x.view(), options));
    const double n = static_cast<double>(state.range(0));
    count_flops(state, n * n * static_cast<double>(state.range(1)));
}
BENCHMARK(BM_KnnExact)
    ->Args({16000, 384, 15, 1})
    ->Args({16000, 384, 15, 2})
    ->Args({16000, 384, 100, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_KnnTree(benchmark::State& state) {
    const auto x = clustered(state.range(0), state.range(1));
    const KnnOptions options{
        .k = 15, .metric = Metric::Euclidean, .method = KnnMethod::KdTree, .num_threads = 2};
    for (auto _ : state) benchmark::DoNotOptimize(knn_graph(x.view(), options));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KnnTree)->Args({100000, 2})->Args({100000, 3})->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_KnnIndexQuery(benchmark::State& state) {
    const KnnIndex index(clustered(16000, 384).view());
    const auto q = clustered(state.range(0), 384);
    for (auto _ : state) benchmark::DoNotOptimize(index.query(q.view(), 15, 1));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KnnIndexQuery)->Arg(1)->Arg(64)->Arg(1024)->Unit(benchmark::kMicrosecond);

void BM_Pca(benchmark::State& state) {
    const auto x = clustered(16000, state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(pca(x.view(), {.n_components = 50, .num_threads = 2}));
}
BENCHMARK(BM_Pca)->Arg(384)->Arg(768)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
