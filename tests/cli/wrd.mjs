// SPDX-License-Identifier: MIT
// Starts the programs under test and waits for what they say. Nothing here sleeps for a fixed time.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const build = process.env.WRD_BUILD ?? path.resolve('build');
export const wrd = process.env.WRD_COMMAND ?? path.join(build, 'wrd');
export const example = (name) => path.join(build, 'example', name);

const PATIENCE_MS = 30_000;

/** A program that runs. `out` and `err` grow, unless `options.unread` names the one; `until` waits for them; `ended` resolves to
 * its exit code or signal. */
export class Program {
  constructor(command, args = [], options = {}) {
    this.out = '';
    this.err = '';
    this.waiting = new Set();
    this.started = performance.now(); // a clock that is never set
    this.child = spawn(command, args, { stdio: 'pipe', ...options });
    this.child.stdin?.on('error', () => {}); // it may end before it read everything
    for (const name of ['out', 'err']) if (options.unread !== name) this.read(name);
    this.ended = new Promise((resolve) => {
      const end = (code) => {
        this.took = performance.now() - this.started;
        this.code ??= code;
        resolve(this.code);
        for (const look of this.waiting) look();
      };
      this.child.on('error', (error) => end(error.message)); // it could not be started
      this.child.on('close', (code, signal) => end(code ?? signal));
      if (options.unread) this.child.on('exit', () => this.child[`std${options.unread}`].resume()); // 'close' waits for it
    });
  }

  /** Takes what the program says from now on, and what of it waits. */
  read(name) {
    const stream = name === 'out' ? this.child.stdout : this.child.stderr;
    stream?.setEncoding('utf8');
    stream?.on('data', (text) => {
      this[name] += text;
      for (const look of this.waiting) look();
    });
  }

  /** Waits until `pattern` is found in 'out' or 'err', and answers the match. */
  until(pattern, where = 'out', patience = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle(value);
      };
      const look = () => {
        const match = pattern.exec(this[where]);
        if (match) done(resolve, match);
        else if (this.code !== undefined) done(reject, new Error(`ended with ${this.code}: ${this.out}${this.err}`));
      };
      const timer = setTimeout(
        () => done(reject, new Error(`no ${pattern} in ${JSON.stringify(this[where])}`)), patience);
      this.waiting.add(look);
      look();
    });
  }

  write(text) {
    return new Promise((resolve) => this.child.stdin.write(text, resolve));
  }

  async stop(signal = 'SIGTERM') {
    if (this.code === undefined) this.child.kill(signal);
    return this.ended;
  }
}

/** Runs a program to its end with `input` as its stdin. */
export async function run(command, args, input = '', options = {}) {
  const program = new Program(command, args, options);
  program.child.stdin.end(input);
  await program.ended;
  return program;
}

/** What a busy machine may need; behind it a test can ask for less. */
const PATIENT_DIAL = ['--timeout', '60', '--wait', '60'];

/** Runs wrd. */
export const command = (args, input, options) =>
  run(wrd, args[0] === 'dial' ? ['dial', ...PATIENT_DIAL, ...args.slice(1)] : args, input, options);

/** Starts `wrd serve` on a free port of loopback, ends it with the test. */
export async function serve(t, args = [], listen = '127.0.0.1:0', options = {}) {
  const server = new Program(wrd, ['serve', '--listen', listen, ...args], options);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint, multiaddr] = await server.until(/^listening (\S+) ([0-9a-f]{64}) (\S+)\n/);
  return Object.assign(server, { where, fingerprint, multiaddr, port: Number(where.split(':').pop()) });
}

/** The same with a page, and where it and its status are. */
export async function serveWithPage(t, args = [], listen = '127.0.0.1:0', at = '127.0.0.1:0') {
  const server = await serve(t, ['--http', at, ...args], listen);
  const [, url] = await server.until(/^page (http:\S+)$/m);
  return Object.assign(server, { url });
}

/** A client that stays, with one message echoed. */
export async function client(t, server) {
  const dial = new Program(wrd, ['dial', '--timeout', '60', server.where, server.fingerprint]);
  t.after(() => dial.stop('SIGKILL'));
  await dial.write('one\n');
  await dial.until(/one\n/);
  return dial;
}

/** Stops the program where it is; it can do nothing more from then on. */
export async function pause(program) {
  program.child.kill('SIGSTOP');
  const tasks = `/proc/${program.child.pid}/task`;
  const stopped = (task) => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'));
  await eventually(() => readdirSync(tasks).every(stopped), (all) => all);
}

/** What `ask` answers once `is` holds for it: counters of a server may be a moment old. The last answer if that is never. */
export async function eventually(ask, is, patience = PATIENCE_MS) {
  for (const end = performance.now() + patience; ;) {
    const answer = await ask();
    if (is(answer) || performance.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What `ask` answers when it is given 1 s, or more if `is` does not hold for that: a busy machine may do nothing in a second. */
export async function patiently(ask, is) {
  let answer;
  for (const seconds of [1, 5, 30]) {
    answer = await ask(seconds);
    if (is(answer)) break;
  }
  return answer;
}

/** A folder that is gone after the test. */
export function folder(t) {
  const made = mkdtempSync(path.join(tmpdir(), 'wrd-test-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
