// SPDX-License-Identifier: MIT
// The neighbour graph, queries against given vectors, principal components.
#include "common.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "filmatlas/neighbors/count_closer.hpp"
#include "filmatlas/neighbors/exact_rows.hpp"
#include "filmatlas/neighbors/graph_stats.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"
#include "filmatlas/neighbors/knn_index.hpp"
#include "filmatlas/neighbors/knn_index_file.hpp"
#include "rows.hpp"

namespace filmatlas::python {
namespace {

/// (n_trees, leaf_size, list_size, max_candidates, max_iterations, delta, recall_sample); None = the default.
using DescentTuple = std::tuple<std::optional<int>, std::optional<int>, std::optional<int>, std::optional<int>,
                                std::optional<int>, std::optional<double>, std::optional<int>>;

DescentOptions descent_options(const DescentTuple& given) {
    DescentOptions options;
    options.n_trees = std::get<0>(given);
    options.leaf_size = std::get<1>(given);
    options.list_size = std::get<2>(given);
    options.max_candidates = std::get<3>(given);
    options.max_iterations = std::get<4>(given).value_or(options.max_iterations);
    options.delta = std::get<5>(given).value_or(options.delta);
    options.recall_sample = std::get<6>(given).value_or(options.recall_sample);
    return options;
}

std::vector<std::string> fault_names(const std::vector<RowFault>& faults) {
    std::vector<std::string> names;
    for (const RowFault fault : faults) names.emplace_back(to_string(fault));
    return names;
}

RowFault fault_of(const std::string& name) {
    for (const RowFault fault : {RowFault::Nan, RowFault::Infinite, RowFault::Zero}) {
        if (to_string(fault) == name) return fault;
    }
    throw_invalid("KnnGraph", "invalid_reasons", "holds '" + name + "'", "use nan, infinite or zero");
}

}  // namespace

void bind_neighbors(py::module_& module) {
    py::class_<KnnGraph, std::shared_ptr<KnnGraph>>(module, "KnnGraph")
        .def(py::init([](const Array<Index>& indices, const Array<float>& distances, const std::string& metric,
                         const std::string& method, const std::string& reason,
                         const std::tuple<double, double, double>& recall, std::vector<Index> invalid_rows,
                         const std::vector<std::string>& invalid_reasons) {
                 auto graph = std::make_shared<KnnGraph>();
                 graph->indices = copy_2d(indices, "KnnGraph");
                 graph->distances = copy_2d(distances, "KnnGraph");
                 graph->metric = metric_from_string(metric);
                 graph->method = method;
                 graph->reason = reason;
                 std::tie(graph->recall, graph->recall_low, graph->recall_high) = recall;
                 graph->invalid_rows = std::move(invalid_rows);
                 for (const std::string& name : invalid_reasons) graph->invalid_reasons.push_back(fault_of(name));
                 validate(*graph);
                 return graph;
             }),
             py::arg("indices").noconvert(), py::arg("distances").noconvert(), "metric"_a, "method"_a, "reason"_a,
             "recall"_a, "invalid_rows"_a, "invalid_reasons"_a = std::vector<std::string>())
        .def_property_readonly("indices",
                               [](py::object self) { return borrow(self.cast<const KnnGraph&>().indices, self); })
        .def_property_readonly("distances",
                               [](py::object self) { return borrow(self.cast<const KnnGraph&>().distances, self); })
        .def_property_readonly("metric", [](const KnnGraph& self) { return std::string(to_string(self.metric)); })
        .def_readonly("method", &KnnGraph::method)
        .def_readonly("reason", &KnnGraph::reason)
        .def_property_readonly(
            "recall",
            [](const KnnGraph& self) { return std::make_tuple(self.recall, self.recall_low, self.recall_high); })
        .def_property_readonly("invalid_rows",
                               [](py::object self) { return borrow(self.cast<const KnnGraph&>().invalid_rows, self); })
        .def_property_readonly("invalid_reasons",
                               [](const KnnGraph& self) { return fault_names(self.invalid_reasons); })
        .def_property_readonly(
            "effort",
            [](const KnnGraph& self) {
                py::dict effort;
                effort["screen"] = self.effort.screen;
                effort["measured_pairs"] = self.effort.measured_pairs;
                return effort;
            },
            "What the exact search took: `screen`, the products that ruled pairs out (\"bfloat16\" or \"float32\",\n"
            "\"\" without them), and `measured_pairs`, how many distances were measured all the same. Diagnostics:\n"
            "they may differ between machines and between runs, and are not saved.")
        .def_property_readonly("run", [](const KnnGraph& self) { return run_dict(self.run); });

    module.def(
        "knn_graph",
        [](const RowsTuple& vectors, int k, const std::string& metric, const std::string& method,
           std::optional<std::int64_t> memory_limit, std::uint64_t seed, int num_threads, const py::object& progress,
           const std::optional<DescentTuple>& descent) {
            const HeldRows held = held_rows(vectors);
            KnnOptions options;
            options.k = k;
            options.metric = metric_from_string(metric);
            options.method = knn_method_from_string(method);
            options.memory_limit = memory_limit;
            options.seed = seed;
            options.num_threads = num_threads;
            if (descent) options.descent = descent_options(*descent);
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<KnnGraph>(knn_graph(held.rows(num_threads), options, p));
            });
        },
        "vectors"_a, "k"_a, "metric"_a, "method"_a, "memory_limit"_a, "seed"_a, "num_threads"_a,
        "progress"_a, "descent"_a = py::none());
    module.def(
        "exact_rows",
        [](const RowsTuple& vectors, const Array<Index>& rows, int k, const std::string& metric, int num_threads,
           const py::object& progress) {
            const HeldRows held = held_rows(vectors);
            KnnOptions options;
            options.k = k;
            options.metric = metric_from_string(metric);
            options.num_threads = num_threads;
            const std::span<const Index> chosen(rows.data(), static_cast<std::size_t>(rows.size()));
            auto found = run_released(progress, [&](const Progress& p) {
                return exact_rows(held.rows(num_threads), chosen, options, p);
            });
            return py::make_tuple(give(std::move(found.indices)), give(std::move(found.distances)));
        },
        "vectors"_a, py::arg("rows").noconvert(), "k"_a, "metric"_a, "num_threads"_a, "progress"_a);
    module.def(
        "count_closer",
        [](const RowsTuple& vectors, const Array<Index>& others, const std::string& metric, int num_threads,
           const py::object& progress) {
            const HeldRows held = held_rows(vectors);
            const auto given = view_2d(others, "others");
            const CloserOptions options{metric_from_string(metric), num_threads};
            return give(run_released(progress, [&](const Progress& p) {
                return count_closer(held.rows(num_threads), given, options, p);
            }));
        },
        "vectors"_a, py::arg("others").noconvert(), "metric"_a, "num_threads"_a, "progress"_a);
    module.def(
        "recall", [](const KnnGraph& graph, const KnnGraph& truth) { return recall(graph, truth); }, "graph"_a,
        "truth"_a);

    module.def(
        "hubness",
        [](const KnnGraph& graph, int max_hubs) {
            Hubness result = run_released([&] { return hubness(graph, max_hubs); });
            return py::dict("occurrences"_a = give(std::move(result.occurrences)), "skewness"_a = result.skewness,
                            "gini"_a = result.gini, "anti_hub_share"_a = result.anti_hub_share,
                            "anti_hubs"_a = give(std::move(result.anti_hubs)), "hubs"_a = give(std::move(result.hubs)));
        },
        "graph"_a, "max_hubs"_a);
    module.def(
        "mutual_graph",
        [](const KnnGraph& graph) { return give_csr(run_released([&] { return mutual_graph(graph); })); }, "graph"_a);

    py::class_<KnnIndex, std::shared_ptr<KnnIndex>>(module, "KnnIndex")
        .def(py::init([](const RowsTuple& vectors, const std::string& metric, const std::string& method, int links,
                         double target_recall, int target_k, std::optional<int> ef,
                         std::optional<std::int64_t> memory_limit, std::uint64_t seed, int num_threads,
                         const py::object& progress) {
                 const HeldRows held = held_rows(vectors);
                 KnnIndexOptions options;
                 options.metric = metric_from_string(metric);
                 options.method = knn_index_method_from_string(method);
                 options.links = links;
                 options.target_recall = target_recall;
                 options.target_k = target_k;
                 options.ef = ef;
                 options.memory_limit = memory_limit;
                 options.seed = seed;
                 options.num_threads = num_threads;
                 return run_released(progress, [&](const Progress& p) {
                     return std::make_shared<KnnIndex>(held.rows(num_threads), options, p);
                 });
             }),
             "vectors"_a, "metric"_a, "method"_a, "links"_a, "target_recall"_a, "target_k"_a, "ef"_a, "memory_limit"_a,
             "seed"_a, "num_threads"_a, "progress"_a)
        .def_static(
            "load",
            [](const std::string& path, int num_threads, const py::object& progress) {
                return run_released(progress, [&](const Progress& p) {
                    return std::make_shared<KnnIndex>(load_knn_index(path, num_threads, p));
                });
            },
            "path"_a, "num_threads"_a, "progress"_a)
        .def_static(
            "from_bytes",
            [](const py::bytes& bytes) {
                const std::string copy = bytes;
                return run_released([&] { return std::make_shared<KnnIndex>(unpack_knn_index(copy)); });
            },
            "bytes"_a)
        .def(
            "save", [](const KnnIndex& self, const std::string& path) { run_released([&] { save_knn_index(self, path); }); },
            "path"_a)
        .def("to_bytes",
             [](const KnnIndex& self) { return py::bytes(run_released([&] { return pack_knn_index(self); })); })
        .def_property_readonly("shape", [](const KnnIndex& self) { return std::make_pair(self.size(), self.dim()); })
        .def_property_readonly("metric", [](const KnnIndex& self) { return std::string(to_string(self.metric())); })
        .def_property_readonly("method", [](const KnnIndex& self) { return std::string(to_string(self.method())); })
        .def_property_readonly("reason", [](const KnnIndex& self) { return self.reason(); })
        .def_property_readonly("quality",
                               [](const KnnIndex& self) {
                                   const KnnIndexQuality& q = self.quality();
                                   return py::dict("ef"_a = q.ef, "k"_a = q.k, "recall"_a = q.recall, "low"_a = q.low,
                                                   "high"_a = q.high, "rows"_a = q.rows);
                               })
        .def(
            "query",
            [](const KnnIndex& self, const RowsTuple& queries, int k, int ef, int num_threads,
               const py::object& progress) {
                const HeldRows held = held_rows(queries);
                auto found = run_released(progress, [&](const Progress& p) {
                    return self.query(held.rows(num_threads), k, num_threads, p, ef);
                });
                return py::make_tuple(give(std::move(found.indices)), give(std::move(found.distances)));
            },
            "queries"_a, "k"_a, "ef"_a, "num_threads"_a, "progress"_a);

    module.def(
        "pca",
        [](const Array<float>& X, int n_components, std::uint64_t seed, int num_threads) {
            const auto view = view_2d(X, "pca");
            PcaOptions options;
            options.n_components = n_components;
            options.seed = seed;
            options.num_threads = num_threads;
            PcaResult result = run_released([&] { return pca(view, options); });
            return py::dict("components"_a = give(std::move(result.components)), "mean"_a = give(std::move(result.mean)),
                            "explained_variance"_a = give(std::move(result.explained_variance)),
                            "explained_variance_ratio"_a = give(std::move(result.explained_variance_ratio)),
                            "transformed"_a = give(std::move(result.transformed)), "method"_a = result.method,
                            "run"_a = run_dict(result.run));
        },
        py::arg("X").noconvert(), "n_components"_a, "seed"_a, "num_threads"_a);
}

}  // namespace filmatlas::python
