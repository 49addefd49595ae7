#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd key: files that are made, shown and refused.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { command, folder } from './wrd.mjs';

const GROUP_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

function keyFile(t, text, mode = 0o600) {
  const file = path.join(folder(t), 'server.key');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test('a new key is readable for its owner only, and shown with the same fingerprint', async (t) => {
  const inside = folder(t);
  const file = path.join(inside, 'server.key');
  const made = await command(['key', 'new', file]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^[0-9a-f]{64}\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/);
  assert.deepEqual(readdirSync(inside), ['server.key'], 'nothing else is left behind');
  const shown = await command(['key', 'show', file]);
  assert.equal(shown.code, 0, shown.err);
  assert.equal(shown.out, made.out);
});

test('two new keys differ', async (t) => {
  const inside = folder(t);
  const [one, two] = await Promise.all(['a', 'b'].map((name) => command(['key', 'new', path.join(inside, name)])));
  assert.notEqual(one.out, two.out);
});

test('an existing key is never replaced', async (t) => {
  const file = keyFile(t, 'precious\n');
  const { code, out, err } = await command(['key', 'new', file]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /exists already/);
  assert.equal(readFileSync(file, 'utf8'), 'precious\n');
});

test('the fingerprints of the published vectors are shown', async (t) => {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/certificates.json', import.meta.url), 'utf8'));
  const list = vectors.slice(0, 4);
  assert.equal(list.length, 4);
  for (const vector of list) {
    const { code, out, err } = await command(['key', 'show', keyFile(t, vector.key + '\n')]);
    assert.equal(code, 0, err);
    assert.equal(out, vector.fingerprint + '\n');
  }
});

const refused = [
  ['that others can read', 'ab'.repeat(32) + '\n', 0o644],
  ['that the group can read', 'ab'.repeat(32) + '\n', 0o640],
  ['that is empty', '', 0o600],
  ['that is too short', 'ab'.repeat(31) + '\n', 0o600],
  ['that is too long', 'ab'.repeat(33) + '\n', 0o600],
  ['with a digit that is none', 'ab'.repeat(31) + 'xy\n', 0o600],
  ['with the number 0', '00'.repeat(32) + '\n', 0o600],
  ['with the group order', GROUP_ORDER + '\n', 0o600],
  ['with more than the group order', 'ff'.repeat(32) + '\n', 0o600],
  ['of many megabytes', 'ab'.repeat(4 << 20), 0o600],
];

for (const [what, text, mode] of refused) {
  test(`a key file ${what} is refused with a sentence`, async (t) => {
    const file = keyFile(t, text, mode);
    const { code, out, err } = await command(['key', 'show', file]);
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.ok(err.includes(`cannot use the key file ${file}: `), err);
    assert.ok(err.trim().length > `wrd: cannot use the key file ${file}: `.length + 10, err);
  });
}

test('a missing key file names the command that makes one', async (t) => {
  const { code, err } = await command(['key', 'show', path.join(folder(t), 'none')]);
  assert.equal(code, 1);
  assert.match(err, /does not exist.*wrd key new/);
});

test('a link to nothing is named with its target, whatever is wanted of it', async (t) => {
  const inside = folder(t);
  const link = path.join(inside, 'server.key');
  symlinkSync('gone/real.key', link);
  const wanted = [['key', 'new', link], ['key', 'show', link], ['serve', '--listen', '127.0.0.1:0', '--key', link]];
  for (const args of wanted) {
    const { code, out, err } = await command(args);
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.ok(err.includes(`${link} is a symbolic link to gone/real.key, and nothing is there`), err);
    assert.doesNotMatch(err, /exist/);
  }
  assert.deepEqual(readdirSync(inside), ['server.key']);
});

test('a link to a key is read, and never replaced', async (t) => {
  const file = keyFile(t, 'ab'.repeat(32) + '\n');
  const link = path.join(folder(t), 'link.key');
  symlinkSync(file, link);
  assert.equal((await command(['key', 'show', link])).out, (await command(['key', 'show', file])).out);
  assert.match((await command(['key', 'new', link])).err, /exists already/);
});

test('a folder is no key file', async (t) => {
  const { code, err } = await command(['key', 'show', folder(t)]);
  assert.equal(code, 1);
  assert.match(err, /key file/);
});

test('a file that the user may not read is named', { skip: process.getuid() === 0 && 'root may read everything' }, async (t) => {
  const { code, err } = await command(['key', 'show', keyFile(t, 'ab'.repeat(32) + '\n', 0)]);
  assert.equal(code, 1);
  assert.match(err, /cannot read the key file .*: Permission denied/);
});

test('a key cannot be made in a folder that does not exist, or over a folder', async (t) => {
  const inside = folder(t);
  mkdirSync(path.join(inside, 'folder'));
  for (const name of ['missing/server.key', 'folder']) {
    const { code, err } = await command(['key', 'new', path.join(inside, name)]);
    assert.equal(code, 1);
    assert.match(err, /cannot write|exists already/);
  }
});
