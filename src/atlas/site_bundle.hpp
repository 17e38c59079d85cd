// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_SRC_ATLAS_SITE_BUNDLE_HPP
#define FILMATLAS_SRC_ATLAS_SITE_BUNDLE_HPP

#include <string_view>

namespace filmatlas::detail {

extern const std::string_view kSiteScript;  ///< web/dist/atlas.js
extern const std::string_view kSiteStyle;   ///< web/dist/atlas.css

}  // namespace filmatlas::detail
#endif  // FILMATLAS_SRC_ATLAS_SITE_BUNDLE_HPP
