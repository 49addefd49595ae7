// SPDX-License-Identifier: MIT
// The codec as pages use it: the C of src/frame in wasm behind the TypeScript of web/src/frame.ts.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { DirectError, loadCodec } from '../../web/dist/webrtc-direct.js';

const folder = new URL('../vectors/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('frames.json', folder), 'utf8')).map((vector) => ({
  ...vector,
  frame: vector.wire === undefined ? readFileSync(new URL(vector.wire_file, folder)) : Buffer.from(vector.wire, 'hex'),
}));
const codec = await loadCodec();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const text = (string) => new TextEncoder().encode(string);
const code = (wanted) => (error) => error instanceof DirectError && error.code === wanted && error.message.length > 20;

function noise(length, x = 1) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  return bytes;
}

function decode(frame, step = frame.length) {
  const decoder = codec.decoder();
  const messages = [];
  for (let at = 0; at < frame.length; at += step) messages.push(...decoder.push(frame.subarray(at, at + step)));
  assert.equal(decoder.partial(), false);
  decoder.free();
  return messages;
}

test('every shared vector decodes to its input', () => {
  assert.equal(vectors.length, 14);
  for (const { name, frame, input_sha256, input_len } of vectors) {
    const [message, ...more] = decode(frame, 61440);
    assert.deepEqual([message.length, sha256(message), more.length], [input_len, input_sha256, 0], name);
  }
});

test('what is encoded decodes again', () => {
  for (const { name, frame } of vectors) {
    const [message] = decode(frame);
    const [again] = decode(codec.encode(message), 61440);
    assert.ok(Buffer.compare(message, again) === 0, name);
  }
  for (const length of [0, 1, 12, 13, 14, 255, 256, 4096, 65535, 65536, 1_000_000]) {
    const [again] = decode(codec.encode(noise(length)));
    assert.ok(Buffer.compare(noise(length), again) === 0, `noise of ${length}`);
  }
});

test('the empty message is the five bytes that the original sends', () => {
  assert.equal(Buffer.from(codec.encode(new Uint8Array(0))).toString('hex'), '000000050000000000');
});

test('several messages of one push all come out, and one message of many pushes comes out whole', () => {
  const frames = ['one', '', 'three'].map((word) => Buffer.from(codec.encode(text(word))));
  const stream = Buffer.concat(frames);
  for (const step of [stream.length, 1, 5]) {
    assert.deepEqual(decode(stream, step).map((message) => Buffer.from(message).toString()), ['one', '', 'three']);
  }
});

test('partial tells whether a message is incomplete', () => {
  const decoder = codec.decoder();
  const frame = codec.encode(text('hello'));
  assert.equal(decoder.partial(), false);
  for (const _ of decoder.push(frame.subarray(0, 3))) assert.fail('a message too early');
  assert.equal(decoder.partial(), true);
  assert.equal([...decoder.push(frame.subarray(3))].length, 1);
  assert.equal(decoder.partial(), false);
  for (const _ of decoder.push(new Uint8Array(0))) assert.fail('a message of nothing');
  decoder.free();
});

test('bytes that are no frame end the stream for good, after the good messages before them', () => {
  for (const [name, hex] of [
    ['a length of nothing', '00000000'],
    ['a length without room for a block', '0000000400000000'],
    ['a block that ends early', '0000000605000000f068'],
    ['a block that does not give the size', '0000000a060000005068656c6c6f'],
  ]) {
    const decoder = codec.decoder();
    const got = [];
    assert.throws(() => {
      const stream = Buffer.concat([codec.encode(text('good')), Buffer.from(hex, 'hex')]);
      for (const message of decoder.push(stream)) got.push(message);
    }, code('protocol'), name);
    assert.equal(got.length, 1, name);
    assert.throws(() => [...decoder.push(codec.encode(text('more')))], code('protocol'), name);
    decoder.free();
  }
});

test('text is no frame', () => {
  const decoder = codec.decoder();
  assert.throws(() => [...decoder.push('hello')], code('protocol'));
  decoder.free();
});

test('announced sizes above the limit are refused before their bytes arrive', () => {
  for (const [limit, hex] of [
    [0, '01000001'],
    [0, '0000ffff01000001'],
    [4, '0000000a050000005068656c6c6f'],
  ]) {
    const decoder = codec.decoder(limit);
    assert.throws(() => [...decoder.push(Buffer.from(hex, 'hex'))], code('too-large'), hex);
    decoder.free();
  }
});

test('a message over 16 MiB is refused, one of 16 MiB that compresses is not', () => {
  assert.throws(() => codec.encode(new Uint8Array(16 * 1024 * 1024 + 1)), code('too-large'));
  assert.throws(() => codec.encode(noise(16 * 1024 * 1024)), code('too-large'), 'its frame is above the limit');
  assert.equal(decode(codec.encode(new Uint8Array(16 * 1024 * 1024)), 61440)[0].length, 16 * 1024 * 1024);
});

test('messages are copies: later calls do not change them', () => {
  const first = decode(codec.encode(text('first')))[0];
  const frame = codec.encode(text('frame'));
  decode(codec.encode(noise(100_000)));
  assert.equal(Buffer.from(first).toString(), 'first');
  assert.equal(Buffer.from(decode(frame)[0]).toString(), 'frame');
});
