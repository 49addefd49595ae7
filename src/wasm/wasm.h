/* SPDX-License-Identifier: MIT */
/*
 * The protocol rooms as one WebAssembly module without imports. Everything that crosses the border is a number:
 * pointers and lengths into the exported memory, result codes of wrd/base.h. What a page carries is the framing;
 * web/src/frame.ts is its face. dial_exports.c makes the address part callable too, and the judge of the page's own.
 */
#ifndef WRD_WASM_WASM_H
#define WRD_WASM_WASM_H

#include "wrd/base.h"

/* Exports a function under the short name by which the page calls it. */
#define WRD_EXPORT(name) __attribute__((export_name(name)))

/* The environment of the module: memory from memory.grow, no random (the page brings its own). */
extern const wrd_env wrd_wasm_env;

#endif
