# Each dependency is taken from the system when it is there (Debian 12 packages all of them), else fetched at a pinned
# commit. None is part of the public interface of the compiled library.
include(FetchContent)
set(FETCHCONTENT_QUIET ON)

set(NANOFLANN_BUILD_EXAMPLES OFF)
set(NANOFLANN_BUILD_TESTS OFF)
set(EIGEN_BUILD_DOC OFF)
set(EIGEN_BUILD_TESTING OFF)
set(DOCTEST_WITH_TESTS OFF)
set(BENCHMARK_ENABLE_TESTING OFF)
set(JSON_BuildTests OFF)
set(JSON_Install OFF)

function(filmatlas_fetch name repository commit)
  message(STATUS "filmatlas: ${name} is not installed, fetching ${repository} at ${commit}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit})
  FetchContent_MakeAvailable(${name})
endfunction()

# Header-only dependencies of the algorithms' bodies: wrapped in interface targets so that the names are the same for
# every origin, and their warnings are not ours.
function(filmatlas_header_dependency name target include_hint)
  add_library(${name} INTERFACE)
  if(TARGET ${target})
    get_target_property(_dirs ${target} INTERFACE_INCLUDE_DIRECTORIES)
    target_include_directories(${name} SYSTEM INTERFACE ${_dirs})
  else()
    target_include_directories(${name} SYSTEM INTERFACE ${include_hint})
  endif()
endfunction()

find_package(Threads REQUIRED)

find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  filmatlas_fetch(eigen https://gitlab.com/libeigen/eigen.git 3147391d946bb4b6c68edd901f2add6ac1f31f8c) # 3.4.0
endif()
filmatlas_header_dependency(filmatlas_eigen Eigen3::Eigen "")
target_compile_definitions(filmatlas_eigen INTERFACE EIGEN_DONT_PARALLELIZE EIGEN_MPL2_ONLY)

find_package(nanoflann 1.4 QUIET)
if(NOT TARGET nanoflann::nanoflann)
  filmatlas_fetch(nanoflann https://github.com/jlblancoc/nanoflann.git 923c2ac16a955317054c296d298425d33c0cb9de) # 1.5.5
endif()
filmatlas_header_dependency(filmatlas_nanoflann nanoflann::nanoflann "")

find_package(nlohmann_json 3.10 QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  filmatlas_fetch(nlohmann_json https://github.com/nlohmann/json.git 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03) # 3.11.3
endif()
filmatlas_header_dependency(filmatlas_json nlohmann_json::nlohmann_json "")

# fmt is used header-only, so that a static filmatlas needs no second library at its users' link step.
find_package(fmt 9 QUIET)
if(NOT TARGET fmt::fmt-header-only)
  filmatlas_fetch(fmt https://github.com/fmtlib/fmt.git a33701196adfad74917046096bf5a2aa0ab0bb50) # 9.1.0
endif()
filmatlas_header_dependency(filmatlas_fmt fmt::fmt-header-only "")
target_compile_definitions(filmatlas_fmt INTERFACE FMT_HEADER_ONLY=1)

find_package(ZLIB QUIET)
if(NOT TARGET ZLIB::ZLIB)
  filmatlas_fetch(zlib https://github.com/madler/zlib.git 51b7f2abdade71cd9bb0e7a373ef2610ec6f9daf) # 1.3.1
  add_library(ZLIB::ZLIB ALIAS zlibstatic)
endif()

if(FILMATLAS_TESTS)
  find_package(doctest 2.4 QUIET)
  if(NOT TARGET doctest::doctest)
    filmatlas_fetch(doctest https://github.com/doctest/doctest.git ae7a13539fb71f270b87eb2e874fbac80bc8dda2) # 2.4.11
  endif()
  filmatlas_header_dependency(filmatlas_doctest doctest::doctest "")
endif()
if(FILMATLAS_BENCHMARKS)
  find_package(benchmark 1.7 QUIET)
  if(NOT TARGET benchmark::benchmark)
    filmatlas_fetch(benchmark https://github.com/google/benchmark.git 344117638c8ff7e239044fd0fa7085839fc03021) # 1.8.3
  endif()
endif()
if(FILMATLAS_PYTHON)
  find_package(pybind11 2.10 QUIET CONFIG)
  if(NOT TARGET pybind11::module)
    filmatlas_fetch(pybind11 https://github.com/pybind/pybind11.git a2e59f0e7065404b44dfe92a28aca47ba1378dc4) # 2.13.6
  endif()
endif()
