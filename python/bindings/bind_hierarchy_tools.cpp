// SPDX-License-Identifier: MIT
// What is done to and said of strict trees: other tools' labels and merges, placing, figures, updates, bounds.
#include "common.hpp"
#include "filmatlas/cluster/hierarchy_sources.hpp"
#include "filmatlas/cluster/hierarchy_update.hpp"
#include "filmatlas/cluster/item_placing.hpp"
#include "filmatlas/cluster/node_figures.hpp"

namespace filmatlas::python {
namespace {

std::vector<std::vector<Index>> copy_levels(const std::vector<Array<Index>>& labels) {
    std::vector<std::vector<Index>> levels;
    for (const auto& level : labels) levels.push_back(copy_1d(level, "hierarchy_from_labels"));
    return levels;
}

std::shared_ptr<Hierarchy> share(Hierarchy tree) {
    return std::make_shared<Hierarchy>(std::move(tree));
}

/// An array (n, levels) from an item-major list.
template <class T>
py::array give_levels(std::vector<T> values, const Hierarchy& tree) {
    return give(std::move(values), {static_cast<py::ssize_t>(tree.num_items()), tree.num_levels()});
}

/// Options of nested_clusters by their names there.
NestedOptions nested_options(const py::dict& fields) {
    NestedOptions options;
    options.level_names = fields["level_names"].cast<std::vector<std::string>>();
    options.n_clusters = fields["n_clusters"].cast<std::optional<std::vector<int>>>();
    options.min_size = fields["min_size"].cast<std::optional<int>>();
    options.max_size = fields["max_size"].cast<std::optional<int>>();
    options.max_share = fields["max_share"].cast<std::optional<double>>();
    options.smoothing_steps = fields["smoothing_steps"].cast<std::optional<int>>();
    options.method = nested_method_from_string(fields["method"].cast<std::string>());
    options.seed = fields["seed"].cast<std::uint64_t>();
    options.num_threads = fields["num_threads"].cast<int>();
    if (const py::object ranges = fields["level_ranges"]; !ranges.is_none()) {
        options.level_ranges.emplace();
        for (const auto& [low, high] : ranges.cast<std::vector<std::pair<int, int>>>()) {
            options.level_ranges->push_back({low, high});
        }
    }
    return options;
}

void bind_sources_of_trees(py::module_& module) {
    module.def(
        "adopt_labels",
        [](const std::vector<Array<Index>>& labels, std::vector<std::string> level_names,
           const std::optional<Array<float>>& X, const std::string& repair, const std::string& noise,
           const std::string& metric, int num_threads) {
            AdoptOptions options;
            options.repair = nesting_repair_from_string(repair);
            options.noise = noise_rule_from_string(noise);
            options.metric = metric_from_string(metric);
            options.num_threads = num_threads;
            const auto levels = copy_levels(labels);
            const auto view = X ? view_2d(*X, "hierarchy_from_labels") : MatrixView<const float>{};
            AdoptedHierarchy found =
                run_released([&] { return adopt_labels(levels, std::move(level_names), options, view); });
            return py::dict("hierarchy"_a = share(std::move(found.hierarchy)), "moved"_a = give(std::move(found.moved)),
                            "placed"_a = give(std::move(found.placed)), "moved_at"_a = found.moved_at,
                            "placed_at"_a = found.placed_at, "node_label"_a = give(std::move(found.node_label)));
        },
        "labels"_a, "level_names"_a, "X"_a, "repair"_a, "noise"_a, "metric"_a, "num_threads"_a);
    module.def(
        "hierarchy_from_linkage",
        [](const Array<double>& merges, std::int64_t num_items, const std::vector<int>& n_clusters,
           std::vector<std::string> level_names) {
            LinkageTree tree;
            tree.merges = copy_2d(merges, "hierarchy_from_linkage");
            tree.num_items = num_items;
            return share(hierarchy_from_linkage(tree, n_clusters, std::move(level_names)));
        },
        py::arg("merges").noconvert(), "num_items"_a, "n_clusters"_a, "level_names"_a);
}

void bind_placing(py::module_& module) {
    py::class_<ItemPlacing>(module, "ItemPlacing")
        .def(py::init([](const Array<float>& key, const Array<std::uint8_t>& is_core, const Array<float>& place_at) {
                 const auto rows = view_2d(key, "ItemPlacing");
                 if (is_core.size() != key.size() || place_at.size() != key.size())
                     throw_shape("ItemPlacing", "the lists differ in length", "pass what item_placing() made");
                 ItemPlacing out;
                 out.levels = static_cast<int>(rows.cols);
                 out.key.assign(key.data(), key.data() + key.size());
                 out.is_core.assign(is_core.data(), is_core.data() + is_core.size());
                 out.place_at.assign(place_at.data(), place_at.data() + place_at.size());
                 return out;
             }),
             py::arg("key").noconvert(), py::arg("is_core").noconvert(), py::arg("place_at").noconvert())
        .def_readonly("levels", &ItemPlacing::levels)
        .def_property_readonly("num_items", &ItemPlacing::num_items)
        .def_property_readonly("key",
                               [](py::object self) {
                                   const auto& placing = self.cast<const ItemPlacing&>();
                                   return borrow(placing.key.data(), {placing.num_items(), placing.levels}, self);
                               })
        .def_property_readonly("is_core",
                               [](py::object self) {
                                   const auto& placing = self.cast<const ItemPlacing&>();
                                   static_assert(sizeof(bool) == sizeof(std::uint8_t));
                                   return borrow(reinterpret_cast<const bool*>(placing.is_core.data()),
                                                 {placing.num_items(), placing.levels}, self);
                               })
        .def_property_readonly("place_at",
                               [](py::object self) {
                                   const auto& placing = self.cast<const ItemPlacing&>();
                                   return borrow(placing.place_at.data(), {placing.num_items(), placing.levels}, self);
                               })
        .def(
            "labels",
            [](const ItemPlacing& self, const Hierarchy& hierarchy, int level, double coverage) {
                return give(labels_at_coverage(hierarchy, self, level, coverage));
            },
            "hierarchy"_a, "level"_a, "coverage"_a);
    module.def(
        "item_placing",
        [](const Hierarchy& hierarchy, const KnnGraph& graph, int num_threads) {
            return run_released([&] { return item_placing(hierarchy, graph, num_threads); });
        },
        "hierarchy"_a, "graph"_a, "num_threads"_a);
    module.def(
        "item_placing_by_keys",
        [](const Hierarchy& hierarchy, const Array<float>& keys) {
            return item_placing(hierarchy, view_2d(keys, "item_placing"));
        },
        "hierarchy"_a, py::arg("keys").noconvert());
}

void bind_figures(py::module_& module) {
    module.def(
        "node_figures",
        [](const Hierarchy& hierarchy, const Array<float>& X, const std::string& metric, int num_threads,
           const py::object& progress) {
            const auto view = view_2d(X, "node_figures");
            const Metric distance = metric_from_string(metric);
            NodeFigures found = run_released(
                progress, [&](const Progress& p) { return node_figures(hierarchy, view, distance, num_threads, p); });
            return py::dict("size"_a = give(std::move(found.size)), "cohesion"_a = give(std::move(found.cohesion)),
                            "separation"_a = give(std::move(found.separation)),
                            "nearest"_a = give(std::move(found.nearest)),
                            "persistence"_a = give(std::move(found.persistence)));
        },
        "hierarchy"_a, py::arg("X").noconvert(), "metric"_a, "num_threads"_a, "progress"_a);
    module.def(
        "node_stability",
        [](const Hierarchy& hierarchy, const Array<float>& X, const KnnGraph& graph, const py::dict& options,
           int replicates, double share_of_items, std::uint64_t seed, const py::object& progress) {
            const auto view = view_2d(X, "node_stability");
            const NestedOptions nested = nested_options(options);
            const StabilityOptions stability{replicates, share_of_items, seed};
            NodeStability found = run_released(progress, [&](const Progress& p) {
                return node_stability(hierarchy, view, graph, nested, stability, p);
            });
            return py::make_tuple(give(std::move(found.median)), give(std::move(found.low)));
        },
        "hierarchy"_a, py::arg("X").noconvert(), "graph"_a, "options"_a, "replicates"_a, "share"_a, "seed"_a,
        "progress"_a);
    module.def(
        "item_strength",
        [](const Hierarchy& hierarchy, const Array<float>& X, const std::string& metric, int num_threads) {
            const auto view = view_2d(X, "item_strength");
            const Metric distance = metric_from_string(metric);
            ItemStrength found = run_released([&] { return item_strength(hierarchy, view, distance, num_threads); });
            return py::make_tuple(give_levels(std::move(found.strength), hierarchy),
                                  give_levels(std::move(found.runner_up), hierarchy));
        },
        "hierarchy"_a, py::arg("X").noconvert(), "metric"_a, "num_threads"_a);
}

void bind_updates(py::module_& module) {
    module.def(
        "update_hierarchy",
        [](const Hierarchy& hierarchy, const Array<float>& X, const Array<float>& added, const std::string& metric,
           int k, int num_threads, const py::object& progress) {
            const auto known = view_2d(X, "update_hierarchy");
            const auto fresh = view_2d(added, "update_hierarchy");
            const TreeUpdateOptions options{metric_from_string(metric), k, num_threads};
            HierarchyUpdate found = run_released(
                progress, [&](const Progress& p) { return update_hierarchy(hierarchy, known, fresh, options, p); });
            return py::dict(
                "hierarchy"_a = share(std::move(found.hierarchy)), "leaf"_a = give(std::move(found.placement.leaf)),
                "confidence"_a = give(std::move(found.placement.confidence)),
                "added"_a = give(std::move(found.drift.added)), "shift"_a = give(std::move(found.drift.shift)),
                "cohesion"_a = give(std::move(found.drift.cohesion)),
                "added_cohesion"_a = give(std::move(found.drift.added_cohesion)));
        },
        "hierarchy"_a, py::arg("X").noconvert(), py::arg("added").noconvert(), "metric"_a, "k"_a, "num_threads"_a,
        "progress"_a);
    module.def(
        "recluster_nodes",
        [](const Hierarchy& hierarchy, const Array<float>& X, const KnnGraph& graph, const std::vector<Index>& nodes,
           const std::vector<Index>& pinned, const py::dict& options, const py::object& progress) {
            const auto view = view_2d(X, "recluster_nodes");
            const NestedOptions nested = nested_options(options);
            ReclusteredHierarchy found = run_released(progress, [&](const Progress& p) {
                return recluster_nodes(hierarchy, view, graph, nodes, pinned, nested, p);
            });
            return py::make_tuple(share(std::move(found.hierarchy)), give(std::move(found.previous)),
                                  run_dict(found.run));
        },
        "hierarchy"_a, py::arg("X").noconvert(), "graph"_a, "nodes"_a, "pinned"_a, "options"_a, "progress"_a);
    module.def(
        "nested_under",
        [](const Hierarchy& upper, const Array<float>& X, const KnnGraph& graph, const py::dict& options,
           const py::object& progress) {
            const auto view = view_2d(X, "nested_under");
            const NestedOptions nested = nested_options(options);
            NestedUnder found =
                run_released(progress, [&](const Progress& p) { return nested_under(upper, view, graph, nested, p); });
            return py::make_tuple(share(std::move(found.hierarchy)), run_dict(found.run));
        },
        "upper"_a, py::arg("X").noconvert(), "graph"_a, "options"_a, "progress"_a);
    module.def(
        "bound_sizes",
        [](const Hierarchy& hierarchy, const Array<float>& X,
           const std::vector<std::pair<std::int64_t, std::int64_t>>& bounds, const std::string& metric,
           int num_threads) {
            const auto view = view_2d(X, "bound_sizes");
            const Metric distance = metric_from_string(metric);
            std::vector<SizeBounds> given;
            for (const auto& [low, high] : bounds) given.push_back({low, high});
            BoundedHierarchy found =
                run_released([&] { return bound_sizes(hierarchy, view, given, distance, num_threads); });
            return py::make_tuple(share(std::move(found.hierarchy)), found.split, found.merged, found.warnings);
        },
        "hierarchy"_a, py::arg("X").noconvert(), "bounds"_a, "metric"_a, "num_threads"_a);
}

}  // namespace

void bind_hierarchy_tools(py::module_& module) {
    bind_sources_of_trees(module);
    bind_placing(module);
    bind_figures(module);
    bind_updates(module);
}

}  // namespace filmatlas::python
