// SPDX-License-Identifier: MIT
// Messages to frames and back, by the C of src/frame; the only file that knows the module's memory.
import { DirectError } from './error.js';
import { tooLarge } from './pipe.js';

/** The module, each byte as two of the letters of NIBBLES; both are filled in by build.mjs. */
declare const FRAME_WASM: string;
declare const NIBBLES: string;

interface Exports {
  memory: WebAssembly.Memory;
  resize(user: 0, at: number, oldSize: number, newSize: number): number;
  bound(size: number): number;
  encode(out: number, cap: number, size: number): number;
  decoder(limit: number): number;
  push(decoder: number, at: number, size: number): number;
  release(decoder: number): void;
  drop(decoder: number): void;
}

/** The framing, in C compiled to WebAssembly. */
export interface Codec {
  /** One message as a frame. Throws a DirectError when it is over 16 MiB. */
  encode(message: Uint8Array): Uint8Array;
  /** Takes frames apart. `limit`: the largest message, in bytes; 16 MiB when 0. */
  decoder(limit?: number): Decoder;
}

export interface Decoder {
  /**
   * Yields every message that these bytes complete. Throws a DirectError when they are no frames, as text never is;
   * that is final.
   */
  push(bytes: Uint8Array | string): Generator<Uint8Array, void>;
  /** Whether the last message is still incomplete. */
  partial(): boolean;
  /** Gives the memory back. The decoder must not be used any more. */
  free(): void;
}

/** What `push` answers: a result, bytes used, and with Ok a message and its length. */
type Words = [code: Result, used: number, start: number, size: number];

/** Of wrd_result in wrd/base.h. */
const enum Result {
  Ok = 0,
  Again = -1,
  Protocol = -12,
}

const noFrame = (): never => {
  throw new DirectError('protocol', 'That is no frame: does the server use raw messages?');
};

const face = (wasm: Exports): Codec => {
  const view = (at: number, size: number) => new Uint8Array(wasm.memory.buffer, at, size);
  const alloc = (size: number) => wasm.resize(0, 0, 0, size) || tooLarge();

  return {
    encode(message) {
      const { length } = message;
      const cap = length > 1 << 24 ? tooLarge() : wasm.bound(length);
      const at = alloc(cap + length);
      view(at + cap, length).set(message);
      const size = wasm.encode(at, cap, length);
      const frame = view(at, size).slice();
      wasm.resize(0, at, cap + length, 0);
      return size ? frame : tooLarge();
    },

    decoder(limit = 0) {
      const decoder = wasm.decoder(limit) || tooLarge();
      let partial = false;
      return {
        *push(bytes) {
          if (typeof bytes == 'string') return noFrame();
          const { length } = bytes;
          if (!length) return;
          const input = alloc(length);
          try {
            view(input, length).set(bytes);
            for (let at = 0; at < length; ) {
              const words = wasm.push(decoder, input + at, length - at);
              const [code, used, start, size] = new Int32Array(wasm.memory.buffer, words) as unknown as Words;
              at += used;
              partial = !!code;
              if (code == Result.Protocol) noFrame();
              if (code < Result.Again) tooLarge();
              if (!code) {
                const message = view(start, size).slice();
                wasm.release(decoder);
                yield message;
              }
            }
          } finally {
            wasm.resize(0, input, length, 0);
          }
        },
        partial: () => partial,
        free: () => wasm.drop(decoder),
      };
    },
  };
};

let loading: Promise<Codec> | undefined;

/** The codec, compiled on the first call. Rejects with `wasm-blocked` where the page's policy forbids WebAssembly. */
export const loadCodec = (): Promise<Codec> =>
  (loading ??= WebAssembly.instantiate(
    Uint8Array.from(FRAME_WASM.match(/../g)!, ([high, low]) => NIBBLES.indexOf(high!) * 16 + NIBBLES.indexOf(low!)),
  ).then(
    ({ instance }) => face(instance.exports as unknown as Exports),
    () => {
      throw new DirectError(
        'wasm-blocked',
        "This page's CSP blocks WebAssembly: add 'wasm-unsafe-eval' to its script-src.",
      );
    },
  ));
