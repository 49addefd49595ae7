#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// deploy/: what can be known of the systemd unit and the container file without systemd or an engine running.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Program, command, folder, run, wrd } from './wrd.mjs';

const root = new URL('../../', import.meta.url);
const read = (name) => readFileSync(new URL(name, root), 'utf8');
const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const unit = read('deploy/wrd.service');
const setting = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

/** The arguments of `wrd serve` in the unit and in the container file, with their ports and the key's folder made ours. */
function shipped(t, args) {
  const key = path.join(folder(t), 'server.key');
  return args.map((word, n) => {
    if (args[n - 1] === '--listen') return '127.0.0.1:0';
    if (args[n - 1] === '--metrics') return '127.0.0.1:0';
    return args[n - 1] === '--key' ? key : word;
  });
}
const unitArgs = /^ExecStart=\S+ ((?:.*\\\n)*.*)$/m.exec(unit)[1].replaceAll('\\\n', ' ').split(/\s+/);
const containerfile = read('deploy/Containerfile');
const containerArgs = JSON.parse(/^CMD ((?:.*\\\n)*.*)$/m.exec(containerfile)[1].replaceAll('\\\n', ' '));

for (const [name, args] of [['the unit', unitArgs], ['the container', containerArgs]]) {
  test(`the command of ${name} starts a server that keeps its key and drains within its limit`, async (t) => {
    const mine = shipped(t, args);
    const server = new Program(wrd, mine);
    t.after(() => server.stop('SIGKILL'));
    const [, where, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /);
    await server.until(/^status /m);
    const { out } = await command(['dial', where, fingerprint], 'hello\n');
    assert.equal(out, 'hello\n');
    assert.equal(await server.stop(), 0);
    for (const line of server.err.trim().split('\n')) JSON.parse(line);
    const again = new Program(wrd, mine);
    t.after(() => again.stop('SIGKILL'));
    assert.equal((await again.until(/^listening \S+ ([0-9a-f]{64}) /))[1], fingerprint);
  });
}

test('systemd accepts the unit', { skip: !has('systemd-analyze') && 'systemd-analyze is not here' }, async (t) => {
  // With the program where it is here: that it can be started is one of the checks.
  const file = path.join(folder(t), 'wrd.service');
  writeFileSync(file, unit.replace('/usr/local/bin/wrd', wrd));
  const { code, out, err } = await run('systemd-analyze', ['verify', '--man=no', file]);
  assert.equal(out + err, '');
  assert.equal(code, 0);
  writeFileSync(file, unit.replace('/usr/local/bin/wrd', wrd).replace('NoNewPrivileges=yes', 'NoNewPrivilege=yes'));
  assert.match((await run('systemd-analyze', ['verify', '--man=no', file])).err, /NoNewPrivilege/, 'a wrong word would be found');
});

test('systemd stops the server gently, for longer than the drain may take', () => {
  const drain = Number(unitArgs[unitArgs.indexOf('--drain') + 1]);
  assert.equal(setting('KillSignal'), 'SIGTERM');
  assert.ok(Number(setting('TimeoutStopSec')) > drain + 1);
  assert.ok(/--stop-timeout (\d+)/.exec(containerfile)[1] > Number(containerArgs[containerArgs.indexOf('--drain') + 1]) + 1);
});

test('the filter of system calls lets through all that the server makes', {
  skip: (!has('systemd-analyze') && 'systemd-analyze is not here') || (!has('strace') && 'strace is not here') ||
    (spawnSync('strace', ['true']).status !== 0 && 'strace may not trace here'),
}, async (t) => {
  const calls = (set, seen = new Set()) => { // a set may name others
    const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', '--no-pager', set], { encoding: 'utf8' });
    for (const [, word] of stdout.matchAll(/^ {4}(@?\w[\w-]*)$/gm)) word[0] === '@' ? calls(word, seen) : seen.add(word);
    return seen;
  };
  const allowed = calls('@system-service');
  assert.ok(allowed.size > 100 && allowed.has('sendmmsg'));
  const [, denied] = /^SystemCallFilter=~(.*)$/m.exec(unit);
  for (const set of denied.split(' ')) for (const call of calls(set)) allowed.delete(call);

  const log = path.join(folder(t), 'strace');
  const tracing = new Program('strace', ['-f', '-qq', '-o', log, wrd, ...shipped(t, unitArgs), '--threads', '2']);
  t.after(() => tracing.stop('SIGKILL'));
  const [, where, fingerprint] = await tracing.until(/^listening (\S+) ([0-9a-f]{64}) /);
  const [, url] = await tracing.until(/^status (\S+)$/m);
  for (const name of ['status', 'status.json', 'metrics']) await (await fetch(url.replace(/status$/, name))).text();
  const noise = 'a line of some length, of which there are many\n'.repeat(5000);
  assert.equal((await command(['dial', where, fingerprint], noise)).out, noise);
  const stay = new Program(wrd, ['dial', where, fingerprint]);
  await stay.write('one\n');
  await stay.until(/one\n/);
  const pid = readFileSync(`/proc/${tracing.child.pid}/task/${tracing.child.pid}/children`, 'utf8').trim();
  process.kill(Number(pid), 'SIGTERM');
  assert.equal(await tracing.ended, 0);
  assert.equal(await stay.ended, 6);
  const made = new Set([...readFileSync(log, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, call]) => call));
  for (const call of ['execve', 'arch_prctl', 'exit_group', 'rt_sigreturn']) made.delete(call); // systemd allows these always
  assert.ok(made.has('poll') || made.has('epoll_wait') || made.has('epoll_pwait'), [...made].join(' '));
  assert.deepEqual([...made].filter((call) => !allowed.has(call)), []);
});

test('the container file names what is there, and runs as nobody in particular', () => {
  const lines = containerfile.replaceAll(/^#.*\n/gm, '').replaceAll('\\\n', ' ').trim().split(/\n+/);
  for (const line of lines) {
    assert.match(line, /^(FROM|RUN|WORKDIR|COPY|USER|VOLUME|EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD) \S/);
  }
  for (const [, script] of containerfile.matchAll(/(scripts\/[a-z-]+)/g)) assert.ok(existsSync(new URL(script, root)), script);
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const at = (start) => last.findIndex((line) => line.startsWith(start));
  assert.ok(at('USER wrd') > 0 && at('USER wrd') < at('ENTRYPOINT'), 'not root');
  assert.ok(last.includes('EXPOSE 3478/udp'));
  assert.match(containerArgs[containerArgs.indexOf('--listen') + 1], /:3478$/);
  assert.ok(lines.every((line) => !line.includes('COPY') || /COPY (\. \.|--from=build \/installed\/bin\/wrd \/usr\/local\/bin\/wrd)/.test(line)));
  assert.match(read('deploy/wrd-sysctl.conf'), /^net\.core\.rmem_max = 4194304$/m);
});
