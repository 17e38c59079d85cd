// SPDX-License-Identifier: MIT
#include "common.hpp"
#include "filmatlas/core/version.hpp"

namespace fp = filmatlas::python;

PYBIND11_MODULE(_core, module) {
    module.doc() = "Compiled core of filmatlas; private, use the names of `filmatlas`.";
    module.attr("__version__") = FILMATLAS_VERSION;
    // Values that others mention in their signatures come first.
    fp::bind_core(module);
    fp::bind_profile(module);
    fp::bind_neighbors(module);
    fp::bind_sources(module);
    fp::bind_cluster(module);
    fp::bind_hierarchy_tools(module);
    fp::bind_linkage(module);
    fp::bind_density(module);
    fp::bind_text(module);
    fp::bind_labels(module);
    fp::bind_topics(module);
    fp::bind_layout(module);
    fp::bind_linalg(module);
    fp::bind_atlas(module);
}
