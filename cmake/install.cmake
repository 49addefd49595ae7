# SPDX-License-Identifier: MIT
# What `cmake --install` puts in place: headers, libraries, a CMake package and pkg-config files (cli/ adds the wrd command).
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/webrtc-direct)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/wrd TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
if(TARGET wrd AND BUILD_SHARED_LIBS)
    file(RELATIVE_PATH to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(wrd PROPERTIES INSTALL_RPATH "$ORIGIN/${to_lib}")
endif()

set(installed_libs "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(installed_libs "\$ENV{DESTDIR}${CMAKE_INSTALL_LIBDIR}")
endif()

# The protocol library has an export of its own, so that those who take only it need no OpenSSL.
foreach(name IN LISTS WRD_LIBRARIES)
    set(export webrtc-direct-native)
    if(name STREQUAL "protocol")
        set(export webrtc-direct-protocol)
    endif()
    install(TARGETS wrd_${name} EXPORT ${export})
    # What GCC left for link time is for this very version of it; another one's linker would stop at it.
    if(WRD_LTO AND NOT BUILD_SHARED_LIBS)
        install(CODE "execute_process(COMMAND \"${CMAKE_OBJCOPY}\" -R .gnu.lto_* -R .gnu.debuglto_*
            \"${installed_libs}/libwrd-${name}.a\" COMMAND_ERROR_IS_FATAL ANY)")
    endif()
endforeach()
foreach(export webrtc-direct-protocol webrtc-direct-native)
    if(export STREQUAL "webrtc-direct-protocol" OR TARGET wrd_core)
        install(EXPORT ${export} NAMESPACE wrd:: FILE ${export}-targets.cmake DESTINATION ${package_dir})
    endif()
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/webrtc-direct-config.cmake.in
    ${PROJECT_BINARY_DIR}/webrtc-direct-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/webrtc-direct-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/webrtc-direct-config.cmake
    ${PROJECT_BINARY_DIR}/webrtc-direct-config-version.cmake DESTINATION ${package_dir})

# pkg-config. The files find their prefix from where they lie, so that an installed tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
function(wrd_pkg_config name description requires)
    if(NOT TARGET wrd_${name})
        return()
    endif()
    set(pc_name ${name})
    set(pc_description ${description})
    set(pc_requires "")
    set(pc_requires_private "")
    # A static library's user must name what it needs; a shared one brings it along.
    if(BUILD_SHARED_LIBS AND name STREQUAL "core")
        set(pc_requires_private "${requires}")
    else()
        set(pc_requires "${requires}")
    endif()
    configure_file(${PROJECT_SOURCE_DIR}/cmake/wrd.pc.in ${PROJECT_BINARY_DIR}/wrd-${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/wrd-${name}.pc DESTINATION ${pc_dir})
endfunction()
set(core_requires "libssl >= 3.0, libcrypto >= 3.0")
if(NOT BUILD_SHARED_LIBS)
    set(core_requires "wrd-protocol = ${PROJECT_VERSION}, ${core_requires}")
endif()
wrd_pkg_config(protocol "addresses, fingerprints, SDP and framing of webrtc-direct, freestanding" "")
wrd_pkg_config(core "the connections of one UDP socket as a value without input or output" "${core_requires}")
wrd_pkg_config(server "WebRTC data channels from browsers, served from one UDP socket"
    "wrd-core = ${PROJECT_VERSION}")
wrd_pkg_config(client "WebRTC data channels to a webrtc-direct server" "wrd-core = ${PROJECT_VERSION}")
