# The page's bundle is checked in under web/dist and compiled in, so that an export needs no other file.
set(_bundle "${CMAKE_CURRENT_BINARY_DIR}/site_bundle.cpp")
set(_dist "${PROJECT_SOURCE_DIR}/web/dist")
add_custom_command(
  OUTPUT "${_bundle}"
  COMMAND ${CMAKE_COMMAND} "-DSCRIPT=${_dist}/atlas.js" "-DSTYLE=${_dist}/atlas.css" "-DOUT=${_bundle}"
          -P "${PROJECT_SOURCE_DIR}/cmake/embed_site.cmake"
  DEPENDS "${_dist}/atlas.js" "${_dist}/atlas.css" "${PROJECT_SOURCE_DIR}/cmake/embed_site.cmake"
  VERBATIM)
target_sources(filmatlas_atlas PRIVATE "${_bundle}")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # the script is one long literal
  set_source_files_properties("${_bundle}" PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
endif()
target_include_directories(filmatlas_atlas PRIVATE "${PROJECT_SOURCE_DIR}/src/atlas")
