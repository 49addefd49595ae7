// SPDX-License-Identifier: MIT
// core.wasm, the whole protocol library: numbers in, numbers out. It also judges how the page itself reads addresses.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { connect, DirectError, parseAddress } from '../../web/dist/webrtc-direct.js';
import { FakePeer, install, settle } from './browser.mjs';

const module = new WebAssembly.Module(readFileSync(new URL('../../web/dist/core.wasm', import.meta.url)));
const start = () => new WebAssembly.Instance(module).exports;
const core = start();
const fingerprint = '8f90f6b5c4d3e2f1000102030405060708090a0b0c0d0e0f1011121314151617';

function bytes(exports, at, length) {
  return new Uint8Array(exports.memory.buffer, at, length);
}

// What C says to an address: the answer, or the code and sentence.
function dial(text, random = Buffer.alloc(32, 0xab), mid = '', token = '') {
  const [address, id, prefix] = [text, mid, token].map((part) => Buffer.from(part));
  const input = Buffer.concat([random, address, id, prefix]);
  const at = core.resize(0, 0, 0, input.length);
  bytes(core, at, input.length).set(input);
  const words = core.dial(at, address.length, id.length, prefix.length);
  core.resize(0, at, input.length, 0);
  const [bad, from, length] = new Uint32Array(core.memory.buffer, words, 3);
  const said = Buffer.from(bytes(core, from, length)).toString();
  return bad ? { code: ['', 'bad-address', 'bad-fingerprint', 'bad-token'][bad], message: said } : { answer: said };
}

// What the page says to the same, on a stand-in browser whose random bytes are these.
async function page(text, random = Buffer.alloc(32, 0xab), mid = '0', token) {
  install();
  Object.assign(FakePeer, { mid, last: undefined });
  const crypto = { getRandomValues: (bytes) => (bytes.set(random), bytes) };
  Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true, writable: true });
  try {
    await Promise.race([connect(text, { token, framing: 'raw' }), settle()]);
    return { answer: FakePeer.last.remote.sdp };
  } catch (error) {
    assert.ok(error instanceof DirectError, error.stack);
    return { code: error.code, message: error.message };
  }
}

const multihash = Buffer.concat([Buffer.from([0x12, 0x20]), Buffer.from(fingerprint, 'hex')]).toString('base64url');

test('the modules import nothing', () => {
  for (const name of ['core.wasm', 'frame.wasm']) {
    const file = new WebAssembly.Module(readFileSync(new URL(`../../web/dist/${name}`, import.meta.url)));
    assert.deepEqual(WebAssembly.Module.imports(file), [], name);
  }
});

test('page and C write the same answer for the same address', async () => {
  const colons = fingerprint.match(/../g).join(':');
  for (const text of [
    `203.0.113.5:3478 ${fingerprint}`,
    `  203.0.113.5:3478   ${fingerprint.toUpperCase()}  `,
    `203.0.113.5:1 ${colons}`,
    `203.0.113.5:65535 sha-256 ${colons.toUpperCase()}`,
    `203.0.113.5:3478 u${multihash}`,
    `0.0.0.0:443 ${fingerprint}`,
    `[2001:db8::1]:3478 ${fingerprint}`,
    `[2001:DB8:0:0:1:0:0:1]:3478 ${fingerprint}`,
    `[::1]:3478 ${fingerprint}`,
    `[::]:3478 ${fingerprint}`,
    `[1::]:3478 ${fingerprint}`,
    `[1:2:3:4:5:6:7:8]:3478 ${fingerprint}`,
    `[1:0:3:4:5:6:7:8]:3478 ${fingerprint}`,
    `[64:ff9b::192.0.2.33]:3478 ${fingerprint}`,
    `[::ffff:203.0.113.5]:3478 ${fingerprint}`,
    `[::ffff:cb00:7105]:3478 ${fingerprint}`,
    `[0:0:0:0:0:ffff:c0a8:1]:3478 ${fingerprint}`,
    `/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/u${multihash}`,
    `/ip6/2001:db8::1/udp/3478/webrtc-direct/certhash/u${multihash}`,
    `/ip6/2001:db8::1/udp/3478/webrtc-direct/certhash/u${multihash}/certhash/uEiother/p2p/12D3KooW`,
  ]) {
    const c = dial(text, Buffer.alloc(32, 7), 'data');
    assert.ok(c.answer, `${text}: ${c.message}`);
    assert.deepEqual(await page(text, Buffer.alloc(32, 7), 'data'), c, text);
  }
});

test('page and C refuse the same addresses, with the same code and a sentence', async () => {
  for (const [wanted, ...texts] of [
    [
      'bad-address',
      '',
      ' ',
      'example.com:3478',
      `example.com:3478 ${fingerprint}`,
      `localhost:3478 ${fingerprint}`,
      `203.0.113.5 ${fingerprint}`,
      `203.0.113.5: ${fingerprint}`,
      `203.0.113.5:0 ${fingerprint}`,
      `203.0.113.5:65536 ${fingerprint}`,
      `203.0.113.5:99999999999999999999 ${fingerprint}`,
      `203.0.113.5:03478 ${fingerprint}`,
      `203.0.113.5:+1 ${fingerprint}`,
      `203.0.113.256:3478 ${fingerprint}`,
      `203.0.113:3478 ${fingerprint}`,
      `203.0.113.5.6:3478 ${fingerprint}`,
      `203.0.113.05:3478 ${fingerprint}`,
      `0xcb.0.113.5:3478 ${fingerprint}`,
      `3405803781:3478 ${fingerprint}`,
      `2001:db8::1:3478 ${fingerprint}`,
      `[2001:db8::1] ${fingerprint}`,
      `[2001:db8::1::]:3478 ${fingerprint}`,
      `[2001:db8::12345]:3478 ${fingerprint}`,
      `[1:2:3:4:5:6:7]:3478 ${fingerprint}`,
      `[1:2:3:4:5:6:7:8:9]:3478 ${fingerprint}`,
      `[::ffff:203.0.113.05]:3478 ${fingerprint}`,
      `[203.0.113.5]:3478 ${fingerprint}`,
      `[example.com]:3478 ${fingerprint}`,
      `https://203.0.113.5:3478 ${fingerprint}`,
      `/ip4/203.0.113.5/tcp/3478/webrtc-direct/certhash/u${multihash}`,
      `/ip4/203.0.113.5/udp/3478/webrtc/certhash/u${multihash}`,
      `/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/u${multihash}/tls`,
      `/ip4/2001:db8::1/udp/3478/webrtc-direct/certhash/u${multihash}`,
      `/ip6/203.0.113.5/udp/3478/webrtc-direct/certhash/u${multihash}`,
      `/dns4/example.com/udp/3478/webrtc-direct/certhash/u${multihash}`,
    ],
    [
      'bad-fingerprint',
      '203.0.113.5:3478',
      '203.0.113.5:3478 xyz',
      `203.0.113.5:3478 ${fingerprint.slice(1)}`,
      `203.0.113.5:3478 ${fingerprint}0`,
      `203.0.113.5:3478 ${fingerprint.replace(/^./, 'g')}`,
      `203.0.113.5:3478 ${fingerprint.match(/../g).join('-')}`,
      `203.0.113.5:3478 :${fingerprint.slice(1)}`,
      `203.0.113.5:3478 u${multihash.slice(1)}`,
      `203.0.113.5:3478 uEj${multihash.slice(2)}`,
      `203.0.113.5:3478 ${fingerprint} ${fingerprint}`,
    ],
  ]) {
    for (const text of texts) {
      const [c, mine] = [dial(text), await page(text)];
      const said = `${text}: C says ${c.message}; the page says ${mine.message}`;
      assert.deepEqual([c.code, mine.code], [wanted, wanted], said);
      assert.ok(mine.message.length > 40 && c.message.length > 40, text);
    }
  }
});

const wire = readFileSync(new URL('../../docs/WIRE.md', import.meta.url), 'utf8');
const example = (name) => new RegExp(`^    ${name} +(\\w+)$`, 'm').exec(wire)[1];

test('page and C mark the dialed fingerprint as docs/WIRE.md says', async () => {
  const random = Buffer.from(example('random'), 'hex');
  const address = `203.0.113.5:3478 ${example('fingerprint')}`;
  const c = dial(address, random, '0');
  assert.ok(c.answer.includes(`\r\na=ice-ufrag:${example('X')}\r\na=ice-pwd:${example('X')}\r\n`), c.answer);
  assert.deepEqual(await page(address, random), c);
});

test('page and C mark alike whatever the bytes are', async () => {
  for (let i = 0; i < 64; i++) {
    const [random, print] = [randomBytes(32), randomBytes(32).toString('hex')];
    const address = `203.0.113.5:3478 ${print}`;
    assert.deepEqual(await page(address, random), dial(address, random, '0'), `${random.toString('hex')} ${print}`);
  }
});

test('the token of docs/WIRE.md is what its table says', () => {
  const [key, token] = [Buffer.from(example('key'), 'hex'), example('token')];
  const fields = Buffer.from(token.slice(3), 'hex');
  const expires = new Date(fields.readUIntBE(0, 5) * 1000);
  assert.equal(expires.toISOString(), '2027-01-15T08:00:00.000Z');
  assert.equal(fields.subarray(5, 21).toString().replace(/\0+$/, ''), 'player 17');
  const mac = createHmac('sha256', key).update('wt1').update(fields.subarray(0, 29)).digest();
  assert.deepEqual(fields.subarray(29), mac.subarray(0, 16));
});

test('page and C put the token in front, and refuse the same ones', async () => {
  const address = `203.0.113.5:3478 ${fingerprint}`;
  const random = randomBytes(32);
  for (const token of ['', 'a', 'Z9+/', `wt1${'0f'.repeat(45)}`, 'x'.repeat(189)]) {
    const c = dial(address, random, '0', token);
    assert.match(c.answer, new RegExp(`^a=ice-ufrag:${token.replace('+', '\\+')}[0-9a-f]{64}\r$`, 'm'));
    assert.deepEqual(await page(address, random, '0', token), c, token);
  }
  const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  const bad = characters.filter((character) => !/^[A-Za-z0-9+/]$/.test(character));
  for (const token of ['x'.repeat(190), 'x'.repeat(1000), 'abc\n', 'a:b', 'a=', ...bad]) {
    const refused = { code: 'bad-token', message: 'The token must be 0-189 letters, digits, + or /.' };
    assert.deepEqual(dial(address, random, '0', token), refused, JSON.stringify(token));
    assert.deepEqual(await page(address, random, '0', token), refused, JSON.stringify(token));
  }
});

test('a mapped IPv4 address becomes IPv4, because Firefox dials no mapped one', () => {
  const { ip } = parseAddress(`[::ffff:203.0.113.5]:3478 ${fingerprint}`);
  assert.equal(ip, '203.0.113.5');
});

test('memory comes back: what was freed is used again, and blocks never overlap', () => {
  const exports = start();
  const sizes = [1, 16, 17, 100, 5000, 70_000, 3_000_000];
  const used = new Map();
  let x = 1;
  for (let i = 0; i < 20_000; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    const size = sizes[(x >>> 8) % sizes.length];
    if (used.size < 8) {
      const at = exports.resize(0, 0, 0, size);
      assert.ok(at > 0 && at % 16 === 0);
      for (const [other, length] of used) assert.ok(at + size <= other || other + length <= at, 'blocks overlap');
      bytes(exports, at, size).fill(i);
      used.set(at, size);
    } else {
      const [at, length] = [...used][(x >>> 4) % used.size];
      used.delete(at);
      const first = bytes(exports, at, 1)[0];
      assert.equal(bytes(exports, at + length - 1, 1)[0], first, 'a block was written over');
      if (x & 1) {
        const moved = exports.resize(0, at, length, size);
        assert.equal(bytes(exports, moved, 1)[0], first);
        bytes(exports, moved, size).fill(i);
        used.set(moved, size);
      } else {
        exports.resize(0, at, length, 0);
      }
    }
  }
  for (const [at, length] of used) exports.resize(0, at, length, 0);
  const high = exports.memory.buffer.byteLength;
  assert.ok(high < 64 * 1024 * 1024, `${high} bytes`);
  const all = exports.resize(0, 0, 0, high - 2 * 65536);
  assert.ok(all > 0);
  assert.equal(exports.memory.buffer.byteLength, high, 'what was freed is one block again');
});

test('an allocation that cannot be is answered with 0', () => {
  const exports = start();
  assert.equal(exports.resize(0, 0, 0, 0x7fffffff), 0);
  assert.ok(exports.resize(0, 0, 0, 100) > 0);
});
