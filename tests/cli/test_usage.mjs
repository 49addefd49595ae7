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

for (const args of [['--help'], ['help'], ['serve', '--help'], ['dial', '--help'], ['key', '--help'], ['token', '--help'], ['doctor', '--help'], ['bench', '--help'], ['help', 'dial'], ['dial', '-h']]) {
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
  [['serve', '--max-clients', '0'], /--max-clients 0: expected 1 to 16777216\n/],
  [['serve', '--max-clients', '16777217'], /--max-clients 16777217: expected 1 to 16777216\n/],
  [['serve', '--max-clients', '0x10'], /--max-clients 0x10: expected 1 to /],
  [['serve', '--max-clients', ' 5'], /--max-clients {2}5: expected 1 to /],
  [['serve', '--max-clients', '99999999999999999999'], /expected 1 to 16777216\n/],
  [['serve', '--max-clients', ''], /--max-clients : expected 1 to /],
  [['serve', '--max-per-address', '0'], /--max-per-address 0: expected 1 to /],
  [['serve', '--handshake-rate', '0'], /--handshake-rate 0: expected 1 to 1000000\n/],
  [['serve', '--address-handshake-rate', '0'], /--address-handshake-rate 0: expected 1 to 1000000\n/],
  [['serve', '--threads', '0'], /--threads 0: expected 1 to 64\n/],
  [['serve', '--threads', '65'], /--threads 65: expected 1 to 64\n/],
  [['serve', '--memory', '0'], /--memory 0: expected MiB from 4 to 1048576\n/],
  [['serve', '--memory', '15', '--threads', '4'], /--memory 15 is too little for 4 threads: each needs 4 MiB, 16 in all\n/],
  [['serve', '--idle-timeout', '0'], /--idle-timeout 0: expected whole seconds from 1 to /],
  [['serve', '--handshake-timeout', '1.5'], /--handshake-timeout 1\.5: expected whole seconds from 1 to 3600\n/],
  [['serve', '--lost-timeout', '-3'], /--lost-timeout -3: expected whole seconds from 1 to 86400\n/],
  [['serve', '--socket-buffer', '0'], /--socket-buffer 0: expected bytes from 4096 to /],
  [['serve', '--drain', '0'], /--drain 0: expected whole seconds from 1 to 3600\n/],
  [['serve', '--channels', '-1'], /--channels -1: expected a number from 0 to /],
  [['serve', '--log', 'xml'], /--log xml: expected text or json\n/],
  [['serve', '--second-key', 'x'], /--second-key needs --key/],
  [['serve', '--http', '127.0.0.1:1', '--metrics', '127.0.0.1:1'], /name the same port, 127\.0\.0\.1:1; choose another/],
  [['serve', ...Array(5).fill(['--token-key', 'x']).flat()], /--token-key can be given 4 times at most/],
  [['serve', '--listen', '127.0.0.1:0', '--metrics', '9100'], /serve metrics at 9100: the IP is missing/],
  [['dial', '--token', 'wt1:0', '127.0.0.1:1', FINGERPRINT], /--token: expected 1 to \d+ letters, digits/],
  [['dial', '--token', '', '127.0.0.1:1', FINGERPRINT], /--token: expected 1 to \d+ letters/],
  [['bench', '--token', 'a b c', '127.0.0.1:1', FINGERPRINT], /--token: expected 1 to \d+ letters, digits/],
  [['token'], /wrd token new-key FILE, wrd token mint FILE, or wrd token show TOKEN/],
  [['token', 'mitn', 'x'], /did you mean `wrd token mint`\?/],
  [['token', 'mint'], /`wrd token mint` takes exactly one file/],
  [['token', 'show', 'wt1'], /"wt1" is no token: expected wt1 and 90 hex digits/],
  [['token', 'show', 'wt1' + 'g'.repeat(90)], /is no token/],
  [['token', 'mint', '--expires', '0', 'x'], /--expires 0: expected whole seconds from 1 to /],
  [['token', 'mint', '--subject', 'x'.repeat(17), 'x'], /--subject is 17 bytes long: expected up to 16 bytes of text, or 32 hex digits/],
  [['token', 'mint', '--key', 'x', 'y'], /--key is for `wrd token show`/],
  [['token', 'show', '--subject', 'x', 'y'], /--subject is for `wrd token mint`/],
  [['doctor'], /an address is missing: wrd doctor IP:PORT FINGERPRINT/],
  [['doctor', '--timeout', '0', '127.0.0.1:1', FINGERPRINT], /--timeout 0: expected whole seconds from 1 to 3600\n/],
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
