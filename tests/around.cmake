# SPDX-License-Identifier: MIT
# Tests that are not C programs of a room: fences, install, README, the browser client, browsers, foreign peers.
# They run once, over the ordinary build.
set(scripts ${PROJECT_SOURCE_DIR}/scripts)

wrd_test_around(fences/rooms fences 30 ${scripts}/check-rooms)
wrd_test_around(fences/symbols fences 60 ${scripts}/check-symbols ${PROJECT_BINARY_DIR})
wrd_test_around(fences/pure fences 60 ${scripts}/check-pure)
wrd_test_around(fences/hygiene fences 60 ${scripts}/check-hygiene)
wrd_test_around(fences/claims fences 30 ${scripts}/check-claims)
wrd_test_around(fences/warnings fences 900 ${scripts}/check-warnings ${PROJECT_BINARY_DIR}/warnings)
wrd_test_around(fences/can_fail fences 120 ${scripts}/test-fences)
if(BUILD_SHARED_LIBS)
    set_tests_properties(fences/symbols PROPERTIES DISABLED TRUE) # reads archives
endif()

wrd_test_around(install/static install 120 ${PROJECT_SOURCE_DIR}/tests/install/run static)
wrd_test_around(install/shared install 300 ${PROJECT_SOURCE_DIR}/tests/install/run shared)
set_tests_properties(install/static install/shared fences/warnings PROPERTIES RESOURCE_LOCK "web;build")

file(GLOB readme CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md)
if(readme)
    wrd_test_around(readme readme 300 ${scripts}/check-readme)
    set_tests_properties(readme PROPERTIES RUN_SERIAL ON)
endif()

file(GLOB web CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/web/package.json)
if(web)
    wrd_test_around(web/unit web 300 npm --prefix ${PROJECT_SOURCE_DIR}/web test)
    set_tests_properties(web/unit PROPERTIES RESOURCE_LOCK web)
endif()

# Browsers and foreign peers, against the wrd command.
foreach(folder browser interop)
    if(TARGET wrd)
        add_subdirectory(${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    else()
        message(WARNING "The tests of tests/${folder} are left out: the wrd command is not built.")
    endif()
endforeach()
