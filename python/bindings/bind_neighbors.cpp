// SPDX-License-Identifier: MIT
// The neighbour graph, queries against given vectors, principal components.
#include "common.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas::python {

void bind_neighbors(py::module_& module) {
    py::class_<KnnGraph, std::shared_ptr<KnnGraph>>(module, "KnnGraph")
        .def(py::init([](const Array<Index>& indices, const Array<float>& distances, const std::string& metric,
                         const std::string& method, const std::string& reason,
                         const std::tuple<double, double, double>& recall, std::vector<Index> invalid_rows) {
                 auto graph = std::make_shared<KnnGraph>();
                 graph->indices = copy_2d(indices, "KnnGraph");
                 graph->distances = copy_2d(distances, "KnnGraph");
                 graph->metric = metric_from_string(metric);
                 graph->method = method;
                 graph->reason = reason;
                 std::tie(graph->recall, graph->recall_low, graph->recall_high) = recall;
                 graph->invalid_rows = std::move(invalid_rows);
                 validate(*graph);
                 return graph;
             }),
             py::arg("indices").noconvert(), py::arg("distances").noconvert(), "metric"_a, "method"_a, "reason"_a,
             "recall"_a, "invalid_rows"_a)
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
        .def_property_readonly("run", [](const KnnGraph& self) { return run_dict(self.run); });

    module.def(
        "knn_graph",
        [](const Array<float>& vectors, int k, const std::string& metric, const std::string& method,
           std::optional<std::int64_t> memory_limit, std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(vectors, "knn_graph");
            KnnOptions options;
            options.k = k;
            options.metric = metric_from_string(metric);
            options.method = knn_method_from_string(method);
            options.memory_limit = memory_limit;
            options.seed = seed;
            options.num_threads = num_threads;
            return run_released(
                progress, [&](const Progress& p) { return std::make_shared<KnnGraph>(knn_graph(view, options, p)); });
        },
        py::arg("vectors").noconvert(), "k"_a, "metric"_a, "method"_a, "memory_limit"_a, "seed"_a, "num_threads"_a,
        "progress"_a);
    module.def(
        "recall", [](const KnnGraph& graph, const KnnGraph& truth) { return recall(graph, truth); }, "graph"_a,
        "truth"_a);

    py::class_<KnnIndex, std::shared_ptr<KnnIndex>>(module, "KnnIndex")
        .def(py::init([](const Array<float>& vectors, const std::string& metric, int num_threads) {
                 const auto view = view_2d(vectors, "KnnIndex");
                 const Metric parsed = metric_from_string(metric);
                 return run_released([&] { return std::make_shared<KnnIndex>(view, parsed, num_threads); });
             }),
             py::arg("vectors").noconvert(), "metric"_a, "num_threads"_a)
        .def_property_readonly("shape", [](const KnnIndex& self) { return std::make_pair(self.size(), self.dim()); })
        .def_property_readonly("metric", [](const KnnIndex& self) { return std::string(to_string(self.metric())); })
        .def(
            "query",
            [](const KnnIndex& self, const Array<float>& queries, int k, int num_threads, const py::object& progress) {
                const auto view = view_2d(queries, "KnnIndex.query");
                auto found =
                    run_released(progress, [&](const Progress& p) { return self.query(view, k, num_threads, p); });
                return py::make_tuple(give(std::move(found.indices)), give(std::move(found.distances)));
            },
            py::arg("queries").noconvert(), "k"_a, "num_threads"_a, "progress"_a);

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
