// SPDX-License-Identifier: MIT
// Kernels, block products and exact neighbours. "flops" counts multiplications and additions; "of_peak" is its share
// of what the processor reaches on registers or tiles alone, measured in the same run. FILMATLAS_SIMD picks the level.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_index.hpp"
#include "peak.hpp"

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

/// Processor time of all threads of this process.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Operations per second of the best of some runs; `seconds` is the clock. A round takes many runs, so that a coarse
/// clock does.
template <class Run>
double best_rate(Run&& run, double (*seconds)() = wall_seconds) {
    double best = 0;
    for (int round = 0; round < 20; ++round) {
        const double start = seconds();
        double operations = 0;
        double elapsed = 0;
        do {
            operations += run();
            elapsed = seconds() - start;
        } while (elapsed < 2e-3);
        best = std::max(best, operations / elapsed);
    }
    return best;
}

/// Peak of what the level multiplies float32 or, with `screen`, the words of its screen with; 0 where unknown.
double peak_rate(bool screen) {
    static const double float32 = best_rate([] { return benchmarks::run_float32_peak(100000); });
    static const double tiles = best_rate([] { return benchmarks::run_tile_peak(20000); });
    if (!screen || !kernels().screen_bfloat16) return float32;
    return tiles > 0 ? tiles : 2 * float32;  // two products per word
}

void count_flops_of_peak(benchmark::State& state, double flops_per_iteration, bool screen) {
    count_flops(state, flops_per_iteration);
    if (peak_rate(screen) <= 0) return;
    state.counters["of_peak"] =
        benchmark::Counter(flops_per_iteration * static_cast<double>(state.iterations()) / peak_rate(screen),
                           benchmark::Counter::kIsRate);
    state.counters["peak"] =
        benchmark::Counter(peak_rate(screen), benchmark::Counter::kDefaults, benchmark::Counter::kIs1000);
}

/// One tile of 256 x 256 results over d dimensions.
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
    count_flops_of_peak(state, 2.0 * 256 * 256 * static_cast<double>(d), false);
}
BENCHMARK(BM_BlockProduct<false>)->Arg(64)->Arg(384)->Arg(768)->Arg(1536);
BENCHMARK(BM_BlockProduct<true>)->Arg(384);

/// The screen of the neighbour search on blocks as the search cuts them, with limits that nothing reaches: products
/// and comparisons.
class ScreenBench {
public:
    static constexpr std::size_t rows = 512;
    static constexpr std::size_t cols = 96;

    explicit ScreenBench(std::int64_t d)
        : words_(static_cast<std::size_t>(kernel_.screen_bfloat16 ? (d + 31) / 32 * 16 : d)),
          // 1 as float32, or in both halves as bfloat16
          data_(words_ * rows / 16),
          add_(rows, 0.0F),
          gap_(rows, std::numeric_limits<float>::max()),
          hits_(rows * cols) {
        for (Line& line : data_) std::fill_n(line.word, 16, kernel_.screen_bfloat16 ? 0x3F803F80U : 0x3F800000U);
    }

    std::size_t run() {
        const ScreenRows left{data_.data(), rows / 16, add_.data(), gap_.data()};
        const ScreenRows right{data_.data(), cols / 16, add_.data(), gap_.data()};
        return kernel_.screen_block(left, right, words_, hits_.data());
    }

private:
    struct alignas(64) Line {
        std::uint32_t word[16];
    };
    const Kernels& kernel_ = kernels();
    std::size_t words_;
    std::vector<Line> data_;
    std::vector<float> add_;
    std::vector<float> gap_;
    std::vector<ScreenHit> hits_;
};

void BM_ScreenBlock(benchmark::State& state) {
    ScreenBench bench(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(bench.run());
    count_flops_of_peak(state, 2.0 * ScreenBench::rows * ScreenBench::cols * static_cast<double>(state.range(0)),
                        true);
}
BENCHMARK(BM_ScreenBlock)->Arg(64)->Arg(384)->Arg(768)->Arg(1536);

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
    const double before = cpu_seconds();
    for (auto _ : state) benchmark::DoNotOptimize(knn_graph(x.view(), options));
    const double spent = cpu_seconds() - before;
    const double n = static_cast<double>(state.range(0));
    const double flops = n * n * static_cast<double>(state.range(1));
    count_flops(state, flops);
    // How much of the work is products and their comparison with the limits; the rest is packing, selection, measuring.
    ScreenBench bench(state.range(1));
    const double rate = best_rate(
        [&bench, &state] {
            bench.run();
            return 2.0 * ScreenBench::rows * ScreenBench::cols * static_cast<double>(state.range(1));
        },
        cpu_seconds);
    state.counters["screen_share"] = flops * static_cast<double>(state.iterations()) / rate / spent;
    state.counters["cpu_s"] = spent / static_cast<double>(state.iterations());
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
