# SPDX-License-Identifier: MIT
# The suites of the wrd command, the examples and a server under stress, by whatever programs their authors wrote. A build
# with a sanitizer has those of them where it can find something; tests/sanitized sees what it found.
set(runner "")
set(environment "WRD_COMMAND=${PROJECT_BINARY_DIR}/wrd;WRD_BUILD=${PROJECT_BINARY_DIR}")
if(WRD_SANITIZE)
    set(runner ${launcher} ${CMAKE_CURRENT_SOURCE_DIR}/sanitized)
    list(APPEND environment WRD_SANITIZED=1)
endif()

# wrd_test_around(name label timeout command...)
function(wrd_test_around name label timeout)
    if(WRD_TEST_ONLY AND NOT "${name}" MATCHES "${WRD_TEST_ONLY}")
        return()
    endif()
    add_test(NAME ${WRD_TEST_PREFIX}${name} COMMAND ${runner} ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${WRD_TEST_PREFIX}${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE 77
        ENVIRONMENT "${environment}")
endfunction()

if(NOT TARGET wrd)
    message(WARNING "The tests of tests/cli and tests/stress are left out: the wrd command is not built.")
    return()
endif()

file(GLOB cli_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_*)
if(WRD_SANITIZE) # not what measures, builds, or looks at deploy/
    list(FILTER cli_tests EXCLUDE REGEX "/test_(bench|make_run|deploy)\\.")
endif()
foreach(test IN LISTS cli_tests)
    get_filename_component(name ${test} NAME_WE)
    string(REGEX REPLACE "^test_" "" name ${name})
    wrd_test_around(cli/${name} cli 300 ${test})
    if(TEST ${WRD_TEST_PREFIX}cli/${name} AND (NOT WRD_SANITIZE OR name STREQUAL "serve")) # the one that reads web/dist
        set_tests_properties(${WRD_TEST_PREFIX}cli/${name} PROPERTIES RESOURCE_LOCK web)
    endif()
endforeach()
# A server with faults, which a bench must see; some by waiting.
if(TEST cli/bench)
    set_tests_properties(cli/bench PROPERTIES TIMEOUT 600)
    add_executable(faulty_echo ${CMAKE_CURRENT_SOURCE_DIR}/cli/faulty_echo.c)
    target_link_libraries(faulty_echo PRIVATE wrd_options wrd_server)
    set_target_properties(faulty_echo PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli)
endif()
if(TEST cli/doctor)
    add_library(no_files MODULE ${CMAKE_CURRENT_SOURCE_DIR}/cli/no_files.c)
    target_link_libraries(no_files PRIVATE wrd_options)
    set_target_properties(no_files PROPERTIES PREFIX "" SUFFIX ".so" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli)
endif()
if(TEST cli/make_run) # builds again, in place
    set_tests_properties(cli/make_run PROPERTIES RUN_SERIAL ON TIMEOUT 300)
endif()

# That a report fails a suite, or none of them would mean anything.
if(WRD_SANITIZE)
    find_package(Threads REQUIRED)
    add_executable(fault ${CMAKE_CURRENT_SOURCE_DIR}/cli/fault.c)
    target_link_libraries(fault PRIVATE wrd_options Threads::Threads)
    set_target_properties(fault PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli)
    add_test(NAME ${WRD_TEST_PREFIX}cli/reports
        COMMAND sh -c "said=$(\"$@\" 2>&1); [ $? = 1 ] && case $said in *ERROR:*Leak*|*WARNING:*race*) ;; *) exit 1 ;; esac"
        sh ${runner} sh -c "\"$0\" || true" $<TARGET_FILE:fault>)
    set_tests_properties(${WRD_TEST_PREFIX}cli/reports PROPERTIES LABELS cli TIMEOUT 30)
endif()

if(NOT WRD_TEST_ONLY)
    add_subdirectory(${CMAKE_CURRENT_SOURCE_DIR}/stress)
endif()
