set(_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/filmatlas")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/filmatlas" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inc")
install(TARGETS filmatlas filmatlas_header_only EXPORT filmatlasTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT filmatlasTargets NAMESPACE filmatlas:: DESTINATION "${_config_dir}")
configure_package_config_file(cmake/filmatlasConfig.cmake.in "${PROJECT_BINARY_DIR}/filmatlasConfig.cmake"
                              INSTALL_DESTINATION "${_config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/filmatlasConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/filmatlasConfig.cmake" "${PROJECT_BINARY_DIR}/filmatlasConfigVersion.cmake"
        DESTINATION "${_config_dir}")

# pkg-config: absolute install directories stay as they are.
foreach(kind INCLUDE LIB)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}DIR}")
    set(PC_${kind}DIR "${CMAKE_INSTALL_${kind}DIR}")
  else()
    set(PC_${kind}DIR "\${prefix}/${CMAKE_INSTALL_${kind}DIR}")
  endif()
endforeach()
configure_file(cmake/filmatlas.pc.in "${PROJECT_BINARY_DIR}/filmatlas.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/filmatlas.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
