// SPDX-License-Identifier: MIT
// The strict tree, nested clusters, scores.
#include "common.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/cluster/smooth.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

namespace filmatlas::python {
namespace {

// Nodes are stored as four Index values each, so that they can be read as an (m, 4) array: begin, end, level, parent.
static_assert(sizeof(HierarchyNode) == 4 * sizeof(Index));

SilhouetteOptions silhouette_options(const std::string& metric, std::int64_t exact_limit, int num_threads) {
    SilhouetteOptions options;
    options.metric = metric_from_string(metric);
    options.exact_limit = exact_limit;
    options.num_threads = num_threads;
    return options;
}

py::dict balance_dict(const SizeBalance& balance) {
    return py::dict("clusters"_a = balance.clusters, "smallest"_a = balance.smallest, "largest"_a = balance.largest,
                    "median"_a = balance.median, "largest_share"_a = balance.largest_share,
                    "max_over_median"_a = balance.max_over_median, "gini"_a = balance.gini,
                    "coverage"_a = balance.coverage);
}

void bind_hierarchy(py::module_& module) {
    py::class_<Hierarchy, std::shared_ptr<Hierarchy>>(module, "Hierarchy")
        .def(py::init([](std::vector<std::string> level_names, const Array<Index>& order, const Array<Index>& nodes,
                         const Array<Index>& level_begin) {
                 auto tree = std::make_shared<Hierarchy>();
                 tree->level_names = std::move(level_names);
                 tree->order = copy_1d(order, "Hierarchy");
                 const auto rows = view_2d(nodes, "Hierarchy");
                 if (rows.cols != 4) throw_shape("Hierarchy", "nodes need 4 columns: begin, end, level, parent");
                 for (std::int64_t i = 0; i < rows.rows; ++i) {
                     tree->nodes.push_back({rows(i, 0), rows(i, 1), rows(i, 2), rows(i, 3)});
                 }
                 tree->level_begin = copy_1d(level_begin, "Hierarchy");
                 validate(*tree);
                 return tree;
             }),
             "level_names"_a, py::arg("order").noconvert(), py::arg("nodes").noconvert(),
             py::arg("level_begin").noconvert())
        .def_readonly("level_names", &Hierarchy::level_names)
        .def_property_readonly("num_items", &Hierarchy::num_items)
        .def_property_readonly("order",
                               [](py::object self) { return borrow(self.cast<const Hierarchy&>().order, self); })
        .def_property_readonly("nodes",
                               [](py::object self) {
                                   const auto& tree = self.cast<const Hierarchy&>();
                                   return borrow(reinterpret_cast<const Index*>(tree.nodes.data()),
                                                 {tree.num_nodes(), 4}, self);
                               })
        .def_property_readonly("level_begin",
                               [](py::object self) { return borrow(self.cast<const Hierarchy&>().level_begin, self); })
        .def(
            "labels", [](const Hierarchy& self, int level) { return give(self.labels(level)); }, "level"_a)
        .def("leaves", [](const Hierarchy& self) { return give(self.leaves()); })
        .def(
            "children", [](const Hierarchy& self, Index node) { return self.children(node); }, "node"_a)
        .def(
            "path", [](const Hierarchy& self, Index node) { return self.path(node); }, "node"_a)
        .def("__eq__", [](const Hierarchy& self, const Hierarchy& other) { return self == other; });

    module.def(
        "hierarchy_from_labels",
        [](const std::vector<Array<Index>>& labels, std::vector<std::string> level_names) {
            std::vector<std::vector<Index>> levels;
            for (const auto& level : labels) levels.push_back(copy_1d(level, "Hierarchy"));
            return std::make_shared<Hierarchy>(hierarchy_from_labels(levels, std::move(level_names)));
        },
        "labels"_a, "level_names"_a);
    module.def("default_level_names", [](int levels) { return default_level_names(levels); }, "num_levels"_a);
}

void bind_nested(py::module_& module) {
    module.def(
        "nested_clusters",
        [](const Array<float>& X, const KnnGraph& graph, std::vector<std::string> level_names,
           std::optional<std::vector<int>> n_clusters, std::optional<int> min_size, std::optional<int> max_size,
           std::optional<double> max_share, std::optional<int> smoothing_steps,
           const std::optional<std::vector<std::pair<int, int>>>& level_ranges, const std::string& method,
           std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "nested_clusters");
            NestedOptions options;
            options.level_names = std::move(level_names);
            options.n_clusters = std::move(n_clusters);
            options.min_size = min_size;
            options.max_size = max_size;
            options.max_share = max_share;
            options.smoothing_steps = smoothing_steps;
            options.method = nested_method_from_string(method);
            options.seed = seed;
            options.num_threads = num_threads;
            if (level_ranges) {
                options.level_ranges.emplace();
                for (const auto& [low, high] : *level_ranges) options.level_ranges->push_back({low, high});
            }
            NestedResult result =
                run_released(progress, [&](const Progress& p) { return nested_clusters(view, graph, options, p); });
            const auto n = static_cast<py::ssize_t>(result.hierarchy.num_items());
            const auto levels = static_cast<py::ssize_t>(result.hierarchy.num_levels());
            py::list ranges;
            if (result.options.level_ranges) {
                for (const LevelRange& range : *result.options.level_ranges) {
                    ranges.append(py::make_tuple(range.min, range.max));
                }
            }
            py::list trials;
            for (const NestedTrial& trial : result.trials) {
                trials.append(py::dict("level"_a = trial.level, "steps"_a = trial.steps, "method"_a = trial.method,
                                       "foresight"_a = trial.foresight, "chosen"_a = trial.chosen));
            }
            const py::dict resolved("n_clusters"_a = result.options.n_clusters, "min_size"_a = result.options.min_size,
                                    "max_size"_a = result.options.max_size, "max_share"_a = result.options.max_share,
                                    "smoothing_steps"_a = result.options.smoothing_steps, "level_ranges"_a = ranges,
                                    "method"_a = std::string(to_string(result.options.method)), "seed"_a = result.options.seed);
            return py::dict("hierarchy"_a = std::make_shared<Hierarchy>(std::move(result.hierarchy)),
                            "strength"_a = give(std::move(result.strength), {n, levels}),
                            "runner_up"_a = give(std::move(result.runner_up), {n, levels}),
                            "reassigned"_a = give(std::move(result.reassigned)), "options"_a = resolved,
                            "level_gap"_a = result.level_gap, "trials"_a = trials,
                            "run"_a = run_dict(result.run));
        },
        py::arg("X").noconvert(), "graph"_a, "level_names"_a, "n_clusters"_a, "min_size"_a, "max_size"_a, "max_share"_a,
        "smoothing_steps"_a, "level_ranges"_a, "method"_a, "seed"_a, "num_threads"_a, "progress"_a);

    module.def(
        "smooth_embedding",
        [](const Array<float>& X, const KnnGraph& graph, int steps, double keep, int num_threads,
           const py::object& progress) {
            const auto view = view_2d(X, "smooth_embedding");
            SmoothOptions options;
            options.steps = steps;
            options.keep = keep;
            options.num_threads = num_threads;
            return give(
                run_released(progress, [&](const Progress& p) { return smooth_embedding(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "graph"_a, "steps"_a, "keep"_a, "num_threads"_a, "progress"_a);
}

void bind_scores(py::module_& module) {
    const auto pair_score = [&](const char* name, double (*score)(std::span<const Index>, std::span<const Index>)) {
        module.def(
            name,
            [score](const Array<Index>& a, const Array<Index>& b) {
                const auto first = view_1d(a, "scores");
                const auto second = view_1d(b, "scores");
                return run_released([&] { return score(first, second); });
            },
            py::arg("a").noconvert(), py::arg("b").noconvert());
    };
    pair_score("adjusted_rand_index", &adjusted_rand_index);
    pair_score("mutual_information", &mutual_information);
    pair_score("normalized_mutual_information", &normalized_mutual_information);
    pair_score("adjusted_mutual_information", &adjusted_mutual_information);
    pair_score("fowlkes_mallows", &fowlkes_mallows);
    module.def(
        "v_measure",
        [](const Array<Index>& classes, const Array<Index>& clusters, double beta) {
            const VMeasure result = v_measure(view_1d(classes, "scores"), view_1d(clusters, "scores"), beta);
            return py::dict("homogeneity"_a = result.homogeneity, "completeness"_a = result.completeness,
                            "v"_a = result.v);
        },
        py::arg("classes").noconvert(), py::arg("clusters").noconvert(), "beta"_a);
    module.def(
        "match_labels",
        [](const Array<Index>& a, const Array<Index>& b) {
            const auto first = view_1d(a, "scores");
            const auto second = view_1d(b, "scores");
            LabelMatching result = run_released([&] { return match_labels(first, second); });
            return py::dict("a"_a = give(std::move(result.a)), "b"_a = give(std::move(result.b)),
                            "items"_a = give(std::move(result.items)), "accuracy"_a = result.accuracy);
        },
        py::arg("a").noconvert(), py::arg("b").noconvert());
    module.def(
        "contingency",
        [](const Array<Index>& a, const Array<Index>& b) {
            Contingency table = contingency(view_1d(a, "scores"), view_1d(b, "scores"));
            const py::tuple parts =
                py::make_tuple(py::make_tuple(table.counts.rows, table.counts.cols), give(std::move(table.counts.indptr)),
                               give(std::move(table.counts.indices)), give(std::move(table.counts.values)));
            return py::make_tuple(give(std::move(table.row_labels)), give(std::move(table.col_labels)), parts);
        },
        py::arg("a").noconvert(), py::arg("b").noconvert());
    const auto partition_score = [&](const char* name,
                                     double (*score)(MatrixView<const float>, std::span<const Index>, int)) {
        module.def(
            name,
            [score](const Array<float>& X, const Array<Index>& labels, int num_threads) {
                const auto view = view_2d(X, "scores");
                const auto given = view_1d(labels, "scores");
                return run_released([&] { return score(view, given, num_threads); });
            },
            py::arg("X").noconvert(), py::arg("labels").noconvert(), "num_threads"_a);
    };
    partition_score("davies_bouldin", &davies_bouldin);
    partition_score("calinski_harabasz", &calinski_harabasz);

    module.def(
        "silhouette",
        [](const Array<float>& X, const Array<Index>& labels, const std::string& metric, std::int64_t exact_limit,
           int num_threads) {
            const auto view = view_2d(X, "silhouette");
            const auto label_view = view_1d(labels, "silhouette");
            const auto options = silhouette_options(metric, exact_limit, num_threads);
            SilhouetteResult result = run_released([&] { return silhouette(view, label_view, options); });
            return py::dict("mean"_a = result.mean, "per_item"_a = give(std::move(result.per_item)),
                            "per_label"_a = give(std::move(result.per_label)), "exact"_a = result.exact);
        },
        py::arg("X").noconvert(), py::arg("labels").noconvert(), "metric"_a, "exact_limit"_a, "num_threads"_a);
    module.def(
        "size_balance", [](const Array<Index>& labels) { return balance_dict(size_balance(view_1d(labels, "size_balance"))); },
        py::arg("labels").noconvert());
    module.def(
        "nesting_report",
        [](const std::vector<Array<Index>>& labels) {
            std::vector<std::vector<Index>> levels;
            for (const auto& level : labels) levels.push_back(copy_1d(level, "nesting_report"));
            const NestingReport report = nesting_report(levels);
            return py::dict("violations"_a = report.violations, "orphans"_a = report.orphans,
                            "coverage"_a = report.coverage, "strict"_a = report.strict());
        },
        "labels"_a);
    module.def(
        "dendrogram_purity",
        [](const Hierarchy& hierarchy, const Array<Index>& classes) {
            const auto view = view_1d(classes, "dendrogram_purity");
            return run_released([&] { return dendrogram_purity(hierarchy, view); });
        },
        "hierarchy"_a, py::arg("classes").noconvert());
    module.def(
        "dasgupta_cost",
        [](const Hierarchy& hierarchy, const KnnGraph& graph) {
            return run_released([&] { return dasgupta_cost(hierarchy, graph); });
        },
        "hierarchy"_a, "graph"_a);
    module.def(
        "neighbor_containment",
        [](const Hierarchy& hierarchy, const KnnGraph& graph) {
            return run_released([&] { return neighbor_containment(hierarchy, graph); });
        },
        "hierarchy"_a, "graph"_a);
    module.def(
        "level_scores",
        [](const Array<float>& X, const Hierarchy& hierarchy, const std::string& metric, std::int64_t exact_limit,
           int num_threads) {
            const auto view = view_2d(X, "level_scores");
            const auto options = silhouette_options(metric, exact_limit, num_threads);
            py::list out;
            for (LevelScore& score : run_released([&] { return level_scores(view, hierarchy, options); })) {
                py::dict entry = balance_dict(score.balance);
                entry["silhouette"] = score.silhouette;
                entry["node_silhouette"] = give(std::move(score.node_silhouette));
                out.append(std::move(entry));
            }
            return out;
        },
        py::arg("X").noconvert(), "hierarchy"_a, "metric"_a, "exact_limit"_a, "num_threads"_a);
}

}  // namespace

void bind_cluster(py::module_& module) {
    bind_hierarchy(module);
    bind_nested(module);
    bind_scores(module);
}

}  // namespace filmatlas::python
