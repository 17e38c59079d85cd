# Writes a C++ source that holds the page's script and style as string literals.
# cmake -DSCRIPT=… -DSTYLE=… -DOUT=… -P embed_site.cmake
file(READ "${SCRIPT}" _script)
file(READ "${STYLE}" _style)
foreach(_text IN ITEMS _script _style)
  string(FIND "${${_text}}" ")filmatlas\"" _at)
  if(NOT _at EQUAL -1)
    message(FATAL_ERROR "the page's bundle holds the delimiter of a raw string")
  endif()
endforeach()
file(WRITE "${OUT}.new" "// Generated from web/dist by cmake/embed_site.cmake.
#include \"site_bundle.hpp\"

namespace filmatlas::detail {
const std::string_view kSiteScript = R\"filmatlas(${_script})filmatlas\";
const std::string_view kSiteStyle = R\"filmatlas(${_style})filmatlas\";
}  // namespace filmatlas::detail
")
file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
file(REMOVE "${OUT}.new")
