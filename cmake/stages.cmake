# A stage is a folder of include/filmatlas and of src/. Each becomes an object library that sees only the stages
# below it; together they make filmatlas::filmatlas.

set(FILMATLAS_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND FILMATLAS_WARNINGS -Wno-restrict) # GCC bug 105651: false alarms at every std::string = "literal"
endif()
if(FILMATLAS_WERROR)
  list(APPEND FILMATLAS_WARNINGS -Werror)
endif()

# Flags of everything compiled here. No contraction: a*b+c is rounded twice on every processor unless the code
# says fma, so that all instruction sets give the same bits.
function(filmatlas_flags target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE ${FILMATLAS_WARNINGS} -ffp-contract=off)
  if(FILMATLAS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${FILMATLAS_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${FILMATLAS_SANITIZE})
  endif()
endfunction()

set_property(GLOBAL PROPERTY FILMATLAS_STAGES "")

# filmatlas_stage(<name> DEPS <stages below>)
function(filmatlas_stage name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY FILMATLAS_STAGES ${name})
  set_property(GLOBAL PROPERTY FILMATLAS_DEPS_${name} "${ARG_DEPS}")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_library(filmatlas_${name} OBJECT ${sources})
  filmatlas_flags(filmatlas_${name})
  target_include_directories(filmatlas_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                             PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(filmatlas_${name} PRIVATE filmatlas_eigen filmatlas_nanoflann filmatlas_json filmatlas_fmt
                        Threads::Threads ZLIB::ZLIB)
  if(EXISTS "${PROJECT_SOURCE_DIR}/src/${name}/stage.cmake")
    include("${PROJECT_SOURCE_DIR}/src/${name}/stage.cmake")
  endif()
endfunction()

# Object files of a stage and of all below it, directly or not.
function(filmatlas_stage_objects name out)
  set(needed ${name})
  set(open ${name})
  while(open)
    list(POP_FRONT open stage)
    get_property(deps GLOBAL PROPERTY FILMATLAS_DEPS_${stage})
    list(REMOVE_ITEM deps ${needed})
    list(APPEND needed ${deps})
    list(APPEND open ${deps})
  endwhile()
  set(objects "")
  foreach(stage IN LISTS needed)
    if(TARGET filmatlas_${stage})
      list(APPEND objects $<TARGET_OBJECTS:filmatlas_${stage}>)
    endif()
  endforeach()
  set(${out} "${objects}" PARENT_SCOPE)
endfunction()

function(filmatlas_library)
  get_property(stages GLOBAL PROPERTY FILMATLAS_STAGES)
  set(objects "")
  foreach(stage IN LISTS stages)
    if(TARGET filmatlas_${stage})
      list(APPEND objects $<TARGET_OBJECTS:filmatlas_${stage}>)
    endif()
  endforeach()
  add_library(filmatlas ${objects})
  add_library(filmatlas::filmatlas ALIAS filmatlas)
  filmatlas_flags(filmatlas)
  set_target_properties(filmatlas PROPERTIES LINKER_LANGUAGE CXX DEBUG_POSTFIX d
                        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(filmatlas PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(filmatlas PUBLIC Threads::Threads PRIVATE ZLIB::ZLIB ${FILMATLAS_WORD_LIBRARIES})

  add_library(filmatlas_header_only INTERFACE)
  add_library(filmatlas::header_only ALIAS filmatlas_header_only)
  set_target_properties(filmatlas_header_only PROPERTIES EXPORT_NAME header_only)
  target_compile_features(filmatlas_header_only INTERFACE cxx_std_20)
  target_compile_definitions(filmatlas_header_only INTERFACE FILMATLAS_HEADER_ONLY=1)
  target_compile_options(filmatlas_header_only INTERFACE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-ffp-contract=off>)
  target_include_directories(filmatlas_header_only INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(filmatlas_header_only INTERFACE Threads::Threads
                        $<BUILD_INTERFACE:filmatlas_eigen> $<BUILD_INTERFACE:filmatlas_nanoflann>
                        $<BUILD_INTERFACE:filmatlas_fmt>)
endfunction()
