// SPDX-License-Identifier: MIT
// Linkage trees, their cuts and what else they say; k-means.
#include "common.hpp"
#include "filmatlas/cluster/choose_k.hpp"
#include "filmatlas/cluster/dendrogram.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/cluster/linkage_graph.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas::python {
namespace {

LinkageTree tree_from(const Array<double>& merges, std::int64_t num_items) {
    LinkageTree tree;
    tree.merges = copy_2d(merges, "linkage");
    tree.num_items = num_items;
    validate(tree);
    return tree;
}

LinkageOptions linkage_options(const std::string& method, const std::string& metric,
                               std::optional<std::int64_t> memory_limit, bool single_precision, int num_threads) {
    LinkageOptions options;
    options.method = linkage_method_from_string(method);
    options.metric = metric_from_string(metric);
    options.memory_limit = memory_limit;
    options.single_precision = single_precision;
    options.num_threads = num_threads;
    return options;
}

template <class T>
void def_linkage(py::module_& module) {
    module.def(
        "linkage",
        [](const Array<T>& X, const std::string& method, const std::string& metric,
           std::optional<std::int64_t> memory_limit, bool single_precision, int num_threads, const py::object& progress) {
            const auto options = linkage_options(method, metric, memory_limit, single_precision, num_threads);
            const auto view = view_2d(X, "linkage");
            LinkageTree tree = run_released(progress, [&](const Progress& p) { return linkage(view, options, p); });
            return give(std::move(tree.merges));
        },
        py::arg("X").noconvert(), "method"_a, "metric"_a, "memory_limit"_a, "single_precision"_a, "num_threads"_a,
        "progress"_a);
}

GraphLinkageOptions graph_options(const std::string& method, const std::string& metric,
                                  std::optional<std::int64_t> memory_limit, int num_threads) {
    GraphLinkageOptions options;
    options.method = linkage_method_from_string(method);
    options.metric = metric_from_string(metric);
    options.memory_limit = memory_limit;
    options.num_threads = num_threads;
    return options;
}

py::tuple give_graph_linkage(GraphLinkage result) {
    return py::make_tuple(give(std::move(result.tree.merges)), result.components);
}

template <class T>
void def_linkage_on_graph(py::module_& module) {
    module.def(
        "linkage_on_graph",
        [](const Array<T>& X, std::pair<std::int64_t, std::int64_t> shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const std::string& method, const std::string& metric,
           std::optional<std::int64_t> memory_limit, int num_threads, const py::object& progress) {
            const auto options = graph_options(method, metric, memory_limit, num_threads);
            const auto view = view_2d(X, "linkage_on_graph");
            CsrMatrix<float> graph;
            graph.rows = shape.first;
            graph.cols = shape.second;
            graph.indptr = copy_1d(indptr, "linkage_on_graph");
            graph.indices = copy_1d(indices, "linkage_on_graph");
            bool whole = static_cast<std::int64_t>(graph.indptr.size()) == graph.rows + 1 && graph.indptr.front() == 0 &&
                         graph.indptr.back() == static_cast<std::int64_t>(graph.indices.size());
            for (std::size_t i = 1; whole && i < graph.indptr.size(); ++i) whole = graph.indptr[i - 1] <= graph.indptr[i];
            if (!whole) throw_shape("linkage_on_graph", "the graph's row offsets do not fit its entries");
            return give_graph_linkage(
                run_released(progress, [&](const Progress& p) { return linkage_on_graph(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), "method"_a,
        "metric"_a, "memory_limit"_a, "num_threads"_a, "progress"_a);
}

void bind_trees(py::module_& module) {
    def_linkage<float>(module);
    def_linkage<double>(module);
    module.def(
        "linkage_from_distances",
        [](const Array<double>& condensed, const std::string& method, std::optional<std::int64_t> memory_limit,
           bool single_precision, int num_threads, const py::object& progress) {
            const auto options = linkage_options(method, "euclidean", memory_limit, single_precision, num_threads);
            const auto distances = view_1d(condensed, "linkage");
            LinkageTree tree = run_released(
                progress, [&](const Progress& p) { return linkage_from_distances(distances, options, p); });
            return give(std::move(tree.merges));
        },
        py::arg("condensed").noconvert(), "method"_a, "memory_limit"_a, "single_precision"_a, "num_threads"_a,
        "progress"_a);
    module.def(
        "linkage_memory",
        [](std::int64_t n, std::int64_t d, const std::string& method, const std::string& metric, bool single_precision) {
            return linkage_memory(n, d, linkage_options(method, metric, std::nullopt, single_precision, 0));
        },
        "n"_a, "d"_a, "method"_a, "metric"_a, "single_precision"_a);
    def_linkage_on_graph<float>(module);
    def_linkage_on_graph<double>(module);
    module.def(
        "linkage_on_knn",
        [](const Array<float>& X, const KnnGraph& graph, const std::string& method, const std::string& metric,
           std::optional<std::int64_t> memory_limit, int num_threads, const py::object& progress) {
            const auto options = graph_options(method, metric, memory_limit, num_threads);
            const auto view = view_2d(X, "linkage_on_graph");
            return give_graph_linkage(
                run_released(progress, [&](const Progress& p) { return linkage_on_graph(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "graph"_a, "method"_a, "metric"_a, "memory_limit"_a, "num_threads"_a, "progress"_a);
}

void bind_cuts(py::module_& module) {
    module.def(
        "cut_linkage",
        [](const Array<double>& merges, std::int64_t num_items, const std::vector<int>& n_clusters) {
            const LinkageTree tree = tree_from(merges, num_items);
            py::list out;
            for (auto& labels : cut_linkage(tree, std::span<const int>(n_clusters))) out.append(give(std::move(labels)));
            return out;
        },
        py::arg("merges").noconvert(), "num_items"_a, "n_clusters"_a);
    module.def(
        "cut_linkage_height",
        [](const Array<double>& merges, std::int64_t num_items, double height) {
            return give(cut_linkage_height(tree_from(merges, num_items), height));
        },
        py::arg("merges").noconvert(), "num_items"_a, "height"_a);
    module.def(
        "cut_linkage_inconsistency",
        [](const Array<double>& merges, std::int64_t num_items, double threshold, int depth) {
            return give(cut_linkage_inconsistency(tree_from(merges, num_items), threshold, depth));
        },
        py::arg("merges").noconvert(), "num_items"_a, "threshold"_a, "depth"_a);
    module.def(
        "inconsistency",
        [](const Array<double>& merges, std::int64_t num_items, int depth) {
            return give(inconsistency(tree_from(merges, num_items), depth));
        },
        py::arg("merges").noconvert(), "num_items"_a, "depth"_a);
    module.def(
        "cophenetic_distances",
        [](const Array<double>& merges, std::int64_t num_items, std::optional<std::int64_t> memory_limit) {
            return give(cophenetic_distances(tree_from(merges, num_items), memory_limit));
        },
        py::arg("merges").noconvert(), "num_items"_a, "memory_limit"_a);
    module.def(
        "cophenetic_correlation",
        [](const Array<double>& merges, std::int64_t num_items, const Array<double>& distances) {
            const LinkageTree tree = tree_from(merges, num_items);
            const auto given = view_1d(distances, "cophenetic_correlation");
            return run_released([&] { return cophenetic_correlation(tree, given); });
        },
        py::arg("merges").noconvert(), "num_items"_a, py::arg("distances").noconvert());
    module.def(
        "leaf_order",
        [](const Array<double>& merges, std::int64_t num_items) {
            return give(leaf_order(tree_from(merges, num_items)));
        },
        py::arg("merges").noconvert(), "num_items"_a);
    module.def(
        "optimal_leaf_order",
        [](const Array<double>& merges, std::int64_t num_items, const Array<double>& distances, int num_threads,
           const py::object& progress) {
            const LinkageTree tree = tree_from(merges, num_items);
            const auto given = view_1d(distances, "optimal_leaf_order");
            return give(run_released(
                progress, [&](const Progress& p) { return optimal_leaf_order(tree, given, num_threads, p); }));
        },
        py::arg("merges").noconvert(), "num_items"_a, py::arg("distances").noconvert(), "num_threads"_a, "progress"_a);
}

KMeansOptions kmeans_options(const py::dict& fields) {
    KMeansOptions options;
    options.max_iterations = fields["max_iterations"].cast<int>();
    options.tolerance = fields["tolerance"].cast<double>();
    options.seed = fields["seed"].cast<std::uint64_t>();
    options.spherical = fields["spherical"].cast<bool>();
    options.n_init = fields["n_init"].cast<int>();
    options.num_threads = fields["num_threads"].cast<int>();
    options.start = kmeans_start_from_string(fields["start"].cast<std::string>());
    options.batch_size = fields["batch_size"].cast<std::int64_t>();
    return options;
}

void bind_kmeans(py::module_& module) {
    module.def(
        "kmeans",
        [](const Array<float>& X, int k, const Array<double>& weights, const py::dict& fields,
           const std::optional<Array<float>>& initial, const py::object& progress) {
            const auto view = view_2d(X, "kmeans");
            const auto weight_view = view_1d(weights, "kmeans");
            KMeansOptions options = kmeans_options(fields);
            if (initial) options.initial = view_2d(*initial, "kmeans");
            KMeansResult result =
                run_released(progress, [&](const Progress& p) { return kmeans(view, k, options, weight_view, p); });
            return py::dict("centroids"_a = give(std::move(result.centroids)), "labels"_a = give(std::move(result.labels)),
                            "sizes"_a = give(std::move(result.sizes)), "inertia"_a = result.inertia,
                            "run"_a = run_dict(result.run));
        },
        py::arg("X").noconvert(), "k"_a, py::arg("weights").noconvert(), "options"_a, py::arg("initial").noconvert(),
        "progress"_a);
    module.def(
        "choose_k",
        [](const Array<float>& X, const std::vector<int>& counts, const py::dict& fields, const std::string& metric,
           const py::object& progress) {
            const auto view = view_2d(X, "choose_k");
            ChooseKOptions options;
            options.kmeans = kmeans_options(fields);
            options.silhouette.metric = metric_from_string(metric);
            ChooseKResult result =
                run_released(progress, [&](const Progress& p) { return choose_k(view, counts, options, p); });
            py::list labels;
            for (auto& each : result.labels) labels.append(give(std::move(each)));
            return py::dict("k"_a = result.k, "inertia"_a = give(std::move(result.inertia)),
                            "silhouette"_a = give(std::move(result.silhouette)),
                            "davies_bouldin"_a = give(std::move(result.davies_bouldin)),
                            "calinski_harabasz"_a = give(std::move(result.calinski_harabasz)),
                            "bend"_a = give(std::move(result.bend)), "labels"_a = labels,
                            "converged"_a = result.converged, "elbow"_a = result.elbow,
                            "best_silhouette"_a = result.best_silhouette,
                            "best_davies_bouldin"_a = result.best_davies_bouldin,
                            "best_calinski_harabasz"_a = result.best_calinski_harabasz);
        },
        py::arg("X").noconvert(), "counts"_a, "options"_a, "metric"_a, "progress"_a);
    module.def(
        "assign_to_centroids",
        [](const Array<float>& X, const Array<float>& centroids, int num_threads) {
            const auto view = view_2d(X, "assign_to_centroids");
            const auto centers = view_2d(centroids, "assign_to_centroids");
            return give(run_released([&] { return assign_to_centroids(view, centers, num_threads); }));
        },
        py::arg("X").noconvert(), py::arg("centroids").noconvert(), "num_threads"_a);
}

}  // namespace

void bind_linkage(py::module_& module) {
    bind_trees(module);
    bind_cuts(module);
    bind_kmeans(module);
}

}  // namespace filmatlas::python
