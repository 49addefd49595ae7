# SPDX-License-Identifier: MIT
# Tests that are not C programs of a room: fences, install, README, the browser client, browsers, foreign peers.
# They run once, over the ordinary build.
set(scripts ${PROJECT_SOURCE_DIR}/scripts)
set(skipped 77)

# wrd_test_around(name label timeout command...)
function(wrd_test_around name label timeout)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE ${skipped}
        ENVIRONMENT "WRD_COMMAND=${PROJECT_BINARY_DIR}/wrd;WRD_BUILD=${PROJECT_BINARY_DIR}")
endfunction()

wrd_test_around(fences/rooms fences 30 ${scripts}/check-rooms)
wrd_test_around(fences/symbols fences 60 ${scripts}/check-symbols ${PROJECT_BINARY_DIR})
wrd_test_around(fences/pure fences 60 ${scripts}/check-pure)
wrd_test_around(fences/hygiene fences 60 ${scripts}/check-hygiene)
wrd_test_around(fences/claims fences 30 ${scripts}/check-claims)
wrd_test_around(fences/warnings fences 400 ${scripts}/check-warnings ${PROJECT_BINARY_DIR}/warnings)
wrd_test_around(fences/can_fail fences 120 ${scripts}/test-fences)
if(BUILD_SHARED_LIBS)
    set_tests_properties(fences/symbols PROPERTIES DISABLED TRUE) # reads archives
endif()

wrd_test_around(install/static install 120 ${PROJECT_SOURCE_DIR}/tests/install/run static)
wrd_test_around(install/shared install 300 ${PROJECT_SOURCE_DIR}/tests/install/run shared)
set_tests_properties(install/static install/shared fences/warnings PROPERTIES RESOURCE_LOCK "web;build")

# The command line, by whatever programs its author wrote.
file(GLOB cli_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_*)
foreach(test IN LISTS cli_tests)
    get_filename_component(name ${test} NAME_WE)
    string(REGEX REPLACE "^test_" "" name ${name})
    wrd_test_around(cli/${name} cli 120 ${test})
    set_tests_properties(cli/${name} PROPERTIES RESOURCE_LOCK web)
endforeach()
# A server with faults, which a bench must see; some by waiting.
if(TEST cli/bench)
    set_tests_properties(cli/bench PROPERTIES TIMEOUT 300)
endif()
if(TARGET wrd)
    add_executable(faulty_echo ${CMAKE_CURRENT_SOURCE_DIR}/cli/faulty_echo.c)
    target_link_libraries(faulty_echo PRIVATE wrd_options wrd_server)
    set_target_properties(faulty_echo PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli)
endif()
if(TEST cli/make_run) # builds again, in place
    set_tests_properties(cli/make_run PROPERTIES RUN_SERIAL ON TIMEOUT 300)
endif()

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
foreach(folder browser interop stress)
    if(TARGET wrd)
        add_subdirectory(${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    else()
        message(WARNING "The tests of tests/${folder} are left out: the wrd command is not built.")
    endif()
endforeach()
