# The kernels are compiled once per instruction set. No other file gets such flags: an inline function shared by
# two of them would be linked once, perhaps in its AVX-512 form. Debug builds optimise them too, or sanitised
# tests would crawl.
set(_kernels "${PROJECT_SOURCE_DIR}/src/linalg/kernels")
set_property(SOURCE "${_kernels}_baseline.cpp" "${_kernels}_avx2.cpp" "${_kernels}_avx512.cpp"
                    "${_kernels}_avx512_bf16.cpp" "${_kernels}_amx.cpp"
             APPEND PROPERTY COMPILE_OPTIONS -O3)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE "${_kernels}_avx2.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx2 -mfma -mf16c)
  set_property(SOURCE "${_kernels}_avx512.cpp" "${_kernels}_avx512_bf16.cpp" "${_kernels}_amx.cpp"
               APPEND PROPERTY COMPILE_OPTIONS -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
               -mprefer-vector-width=512)
  set_property(SOURCE "${_kernels}_avx512_bf16.cpp" "${_kernels}_amx.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx512bf16)
  set_property(SOURCE "${_kernels}_avx512_bf16.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx512vnni)
  set_property(SOURCE "${_kernels}_amx.cpp" APPEND PROPERTY COMPILE_OPTIONS -mamx-tile -mamx-bf16 -mamx-int8)
endif()
set_property(SOURCE "${_kernels}_int8_baseline.cpp" "${_kernels}_int8_avx2.cpp" "${_kernels}_int8_avx512.cpp"
             "${_kernels}_int8_vnni.cpp" APPEND PROPERTY COMPILE_OPTIONS -O3)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE "${_kernels}_int8_avx2.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx2)
  set_property(SOURCE "${_kernels}_int8_avx512.cpp" "${_kernels}_int8_vnni.cpp" APPEND PROPERTY COMPILE_OPTIONS
               -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mprefer-vector-width=512)
  set_property(SOURCE "${_kernels}_int8_vnni.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx512vnni)
endif()
set_property(SOURCE "${_kernels}_dense_baseline.cpp" "${_kernels}_dense_avx2.cpp" "${_kernels}_dense_avx512.cpp"
             APPEND PROPERTY COMPILE_OPTIONS -O3)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE "${_kernels}_dense_avx2.cpp" APPEND PROPERTY COMPILE_OPTIONS -mavx2)
  set_property(SOURCE "${_kernels}_dense_avx512.cpp" APPEND PROPERTY COMPILE_OPTIONS
               -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mprefer-vector-width=512)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # false alarms inside GCC 12's own avx512fintrin.h
  set_property(SOURCE "${_kernels}_avx512.cpp" "${_kernels}_avx512_bf16.cpp" "${_kernels}_amx.cpp"
                      "${_kernels}_int8_avx512.cpp" "${_kernels}_int8_vnni.cpp" APPEND PROPERTY COMPILE_OPTIONS
               -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
