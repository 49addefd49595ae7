# SPDX-License-Identifier: MIT
# Writes assets.c: the files that the programs carry, as C arrays.
#   cmake -DOUT=assets.c "-DASSETS=/|page|/path/index.html;..." -P embed.cmake
# The word in the middle says with what it is served: page, status, or both.
# A file that is not there becomes an asset without bytes, which the HTTP side answers with 503 and a plain sentence.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")

string(REPEAT "." 100 row) # 20 bytes as "0x00,"
set(arrays "")
set(table "")
set(number 0)
foreach(asset IN LISTS ASSETS)
    string(REPLACE "|" ";" asset "${asset}")
    list(GET asset 0 url)
    list(GET asset 1 of)
    list(GET asset 2 file)
    set(sets "false, false")
    if(of STREQUAL "page")
        set(sets "true, false")
    elseif(of STREQUAL "status")
        set(sets "false, true")
    elseif(of STREQUAL "both")
        set(sets "true, true")
    endif()
    string(REGEX REPLACE ".*\\." "" extension "${file}")
    if(EXISTS "${file}")
        file(READ "${file}" hex HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(REGEX REPLACE "(${row})" "\\1\n" bytes "${bytes}")
        string(APPEND arrays "static const unsigned char file_${number}[] = {\n${bytes}\n};\n\n")
        string(APPEND table "    {\"${url}\", \"${type_${extension}}\", file_${number}, sizeof file_${number},\n     ${sets}},\n")
    else()
        message("Not built yet: ${file}. Pages made without it say so; the next build takes it in.")
        string(APPEND table "    {\"${url}\", \"${type_${extension}}\", NULL, 0, ${sets}},\n")
    endif()
    math(EXPR number "${number} + 1")
endforeach()
set(text "/* Written by cli/embed.cmake. */
#include \"cli/assets.h\"

${arrays}const struct asset assets[] = {
${table}};
const size_t asset_count = sizeof assets / sizeof assets[0];
")

# Only a changed file gets a new time stamp, so that nothing is compiled twice.
set(before "")
if(EXISTS "${OUT}")
    file(READ "${OUT}" before)
endif()
if(NOT "${before}" STREQUAL "${text}")
    file(WRITE "${OUT}" "${text}")
endif()
