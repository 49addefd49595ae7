#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// What the command line holds, right and wrong.
import assert from 'node:assert/strict';
import test from 'node:test';
import { command } from './wrd.mjs';

const FINGERPRINT = 'ab'.repeat(32);

test('without arguments the help goes to stderr and the exit code says usage', async () => {
  const { code, out, err } = await command([]);
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.match(err, /wrd serve/);
});

test('the version is one line', async () => {
  const { code, out } = await command(['--version']);
  assert.equal(code, 0);
  assert.match(out, /^wrd \d+\.\d+\.\d+\n$/);
});

for (const args of [['--help'], ['help'], ['serve', '--help'], ['dial', '--help'], ['bench', '--help'], ['key', '--help'], ['help', 'dial'], ['dial', '-h']]) {
  test(`wrd ${args.join(' ')} explains on stdout`, async () => {
    const { code, out, err } = await command(args);
    assert.equal(code, 0);
    assert.equal(err, '');
    assert.match(out, /wrd /);
    for (const line of out.split('\n')) assert.ok(line.length <= 115, `too wide: ${line}`);
  });
}

test('dial documents every exit code', async () => {
  const { out } = await command(['dial', '--help']);
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]) assert.match(out, new RegExp(`^  ${code} +\\S`, 'm'));
});

const wrong = [
  [['sevre'], /no command sevre; did you mean serve\?/],
  [['frobnicate'], /no command frobnicate\n/],
  [['--verison'], /did you mean --version\?/],
  [['serve', '--lisen', '127.0.0.1:0'], /no option --lisen; did you mean --listen\?/],
  [['serve', '--frobnicate'], /no option --frobnicate\n/],
  [['serve', '-x'], /no option -x/],
  [['serve', '--listen'], /--listen needs a value/],
  [['serve', '--raw=yes'], /--raw takes no value/],
  [['serve', '127.0.0.1:0'], /takes only options/],
  [['serve', '--listen', '127.0.0.1'], /cannot listen on 127\.0\.0\.1: \S/],
  [['serve', '--listen', 'localhost:3478'], /cannot listen on localhost:3478: \S/],
  [['serve', '--listen', '127.0.0.1:65536'], /cannot listen on 127\.0\.0\.1:65536: \S/],
  [['serve', '--listen', '127.0.0.1:0', '--http', 'localhost:8080'], /cannot serve pages at localhost:8080: \S/],
  [['serve', '--listen', '127.0.0.1:0', '--http', '8080'], /at 8080: the IP is missing\. Write 0\.0\.0\.0:8080 .* 127\.0\.0\.1:8080 /],
  [['serve', '--listen', '3478'], /on 3478: the IP is missing\. Write 0\.0\.0\.0:3478 .* 127\.0\.0\.1:3478 /],
  [['serve', '--listen', ':3478'], /on :3478: the IP is missing\. Write 0\.0\.0\.0:3478 /],
  [['serve', '--listen', '347800'], /cannot listen on 347800: \S/],
  [['dial', '3478', FINGERPRINT], /"3478" is no address: the IP is missing\. Write 127\.0\.0\.1:3478 /],
  [['key'], /wrd key new FILE/],
  [['key', 'shwo', 'x'], /did you mean `wrd key show`\?/],
  [['key', 'new'], /exactly one file/],
  [['key', 'show', 'a', 'b'], /exactly one file/],
  [['dial'], /an address is missing/],
  [['dial', '127.0.0.1:1'], /is no address: \S/],
  [['dial', '127.0.0.1', FINGERPRINT], /is no address: \S/],
  [['dial', '127.0.0.1:0', FINGERPRINT], /is no address: \S/],
  [['dial', '127.0.0.1:99999', FINGERPRINT], /is no address: \S/],
  [['dial', '127.0.0.256:1', FINGERPRINT], /is no address: \S/],
  [['dial', 'example.org:1', FINGERPRINT], /is no address: \S/],
  [['dial', '::1:3478', FINGERPRINT], /is no address: \S/],
  [['dial', '127.0.0.1:1', FINGERPRINT.slice(1)], /is no address: \S/],
  [['dial', '127.0.0.1:1', FINGERPRINT.slice(1) + 'g'], /is no address: \S/],
  [['dial', '/ip4/127.0.0.1/udp/1/webrtc-direct'], /is no address: \S/],
  [['dial', '/ip4/127.0.0.1/tcp/1/webrtc-direct/certhash/uEiA'], /is no address: \S/],
  [['dial', '127.0.0.1:1', FINGERPRINT, 'more'], /too many words/],
  [['dial', 'x'.repeat(5000), FINGERPRINT], /too long/],
  [['dial', '', ''], /is no address: \S/],
  [['dial', '--timeout', 'soon', '127.0.0.1:1', FINGERPRINT], /--timeout soon: expected whole seconds/],
  [['dial', '--wait', '0', '127.0.0.1:1', FINGERPRINT], /--wait 0: expected whole seconds/],
  [['dial', '--wait', '-1', '127.0.0.1:1', FINGERPRINT], /--wait -1: expected whole seconds/],
];

for (const [args, says] of wrong) {
  test(`wrd ${args.join(' ').slice(0, 60)} is answered with what is wrong`, async () => {
    const { code, out, err } = await command(args);
    assert.match(err, says);
    assert.equal(out, '');
    assert.equal(code, 2);
  });
}
