// SPDX-License-Identifier: MIT
// The page of the example and of `wrd serve --http`: connects to the server that it came from, and shows what comes back.
// @ts-check

const NEXT_AFTER_MS = 1000; // an address that has not answered by then gets company by the next
const TRIED_AT_MOST = 8;
const SHOWN_AT_MOST = 200;
const MEGABYTE = 1_000_000;

/** @typedef {{port: number, fingerprint: string, addresses: string[], raw: boolean, token?: string}} Info */
/** @typedef {import('./webrtc-direct.js').Connection<Uint8Array | string>} Connection */
/** @typedef {{sent: number, bytes: Uint8Array, shown: string}} Pending */

/** @type {(id: string) => any} */
const element = (id) => document.getElementById(id);
const firefox = /Firefox\//.test(navigator.userAgent);

/** @type {Connection | undefined} */
let connection;
/** @type {AbortController | undefined} */
let attempt;
let raw = false;
/** @type {Pending[]} */
let pending = [];
let echoes = 0;
let fastest = Infinity;

// ---- which address

/** @param {string} ip */
const isLoopback = (ip) => ip === 'localhost' || ip.endsWith('.localhost') || ip === '::1' || ip.startsWith('127.');
/** @param {string} host */
const isLiteral = (host) => host.includes(':') || /^\d+(\.\d+){3}$/.test(host);

/**
 * What to try, in this order. Where the page came from is where the server is, most likely. Loopback is of use only to a
 * page that was opened there, and Firefox never connects to it over WebRTC.
 * @param {Info} info
 */
function addressesToTry(info) {
  const host = location.hostname.replace(/^\[|\]$/g, '');
  const here = isLoopback(host);
  const listed = info.addresses.filter((ip) => !isLoopback(ip) || (here && !firefox));
  if (here) listed.sort((a, b) => Number(isLoopback(b)) - Number(isLoopback(a)));
  const all = isLiteral(host) && !here ? [host, ...listed] : listed;
  return [...new Set(all)].slice(0, TRIED_AT_MOST).map((ip) => (ip.includes(':') ? `[${ip}]` : ip) + ':' + info.port);
}

/**
 * Tries one address after the other, the next as soon as one failed or is slow; the first that opens wins.
 * Rejects with an array of all errors when none does.
 * @template T
 * @param {string[]} addresses
 * @param {(address: string, signal: AbortSignal) => Promise<T>} open
 * @param {AbortSignal} signal
 * @returns {Promise<{address: string, connection: T}>}
 */
function openAny(addresses, open, signal) {
  return new Promise((resolve, reject) => {
    /** @type {unknown[]} */
    const errors = [];
    /** @type {AbortController[]} */
    const running = [];
    let next = 0;
    let timer = 0;
    const stop = () => {
      clearTimeout(timer);
      next = addresses.length;
      for (const other of running) other.abort();
    };
    const start = () => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined) return;
      const control = new AbortController();
      running.push(control);
      timer = setTimeout(start, NEXT_AFTER_MS);
      open(address, control.signal).then(
        (connection) => {
          running.splice(running.indexOf(control), 1);
          stop();
          resolve({ address, connection });
        },
        (error) => {
          if (errors.push(error) === addresses.length) reject(errors);
          else start();
        },
      );
    };
    signal.addEventListener('abort', () => {
      stop();
      reject([signal.reason]);
    });
    start();
  });
}

// ---- plain words

/**
 * @param {any} error
 * @param {string[]} tried
 * @param {Info | undefined} info
 */
function plainWords(error, tried, info) {
  const where = tried.join(', ');
  switch (error?.code) {
    case 'unreachable':
    case 'timeout':
      return `The page came over HTTP, but over UDP nobody answered at ${where}. A firewall on the way may block UDP port ` +
        `${info?.port}, or the WebRTC server has stopped.`;
    case 'fingerprint-mismatch':
      return `The server at ${where} has another certificate than the one announced. If it was just restarted, connect again; ` +
        'otherwise another server answers in its place.';
    case 'refused-by-browser':
      return `This browser makes no WebRTC connection to ${where}. Open the page at the machine's network address, or in ` +
        'another browser.';
    case 'blocked':
      return 'The browser keeps this page from the local network. Allow it in the settings of this site (left of the address), ' +
        'then connect again.';
    case 'lost':
      return 'The server no longer answers. It may have been stopped, or this machine has changed its network.';
    default:
      return String(error?.message ?? error);
  }
}

/** The error that says most. @param {any[]} errors */
function mostTelling(errors) {
  const order = ['fingerprint-mismatch', 'blocked', 'protocol', 'timeout', 'unreachable'];
  for (const code of order) {
    const found = errors.find((error) => error?.code === code);
    if (found) return found;
  }
  return errors[0];
}

// ---- what is seen

/** @param {'idle' | 'connecting' | 'open' | 'failed'} state @param {string} text */
function showState(state, text) {
  const open = state === 'open';
  element('state').dataset.state = state;
  element('state').textContent = text;
  element('connect').textContent = open ? 'Disconnect' : state === 'connecting' ? 'Cancel' : 'Connect';
  element('connect').classList.toggle('quiet', open || state === 'connecting');
  element('peer').hidden = !open;
  element('text').disabled = element('send').disabled = !open;
  element('megabyte').disabled = !open || raw;
}

/** @param {string} text */
function showProblem(text) {
  element('problem').textContent = text;
  element('problem').hidden = text === '';
}

/** @param {number} ms */
const milliseconds = (ms) => (ms < 100 ? ms.toFixed(1) : ms.toFixed(0)) + ' ms';

/** @param {string} text @param {number} ms */
function showEcho(text, ms) {
  const item = document.createElement('li');
  const words = document.createElement('span');
  const time = document.createElement('time');
  words.textContent = text;
  time.textContent = milliseconds(ms);
  item.append(words, time);
  element('echoes').prepend(item);
  if (element('echoes').children.length > SHOWN_AT_MOST) element('echoes').lastElementChild.remove();
  element('empty').hidden = true;
  fastest = Math.min(fastest, ms);
  element('last').textContent = milliseconds(ms);
  element('fastest').textContent = milliseconds(fastest);
  element('count').textContent = String(++echoes);
}

// ---- the connection

/** @returns {Promise<Info>} */
async function fetchInfo() {
  let response;
  try {
    response = await fetch('webrtc-info', { cache: 'no-store' });
  } catch {
    throw new Error('The server does not answer over HTTP any more. Start it, then connect again.');
  }
  if (!response.ok) throw new Error(`The server answered ${response.status} where its address and fingerprint should be.`);
  return response.json();
}

async function connectToServer() {
  const control = (attempt = new AbortController());
  /** @type {string[]} */
  let tried = [];
  /** @type {Info | undefined} */
  let info;
  showProblem('');
  showState('connecting', 'Connecting…');
  try {
    const client = await import('./webrtc-direct.js').catch(() => {
      throw new Error('The browser client is not part of this server: it was built without it. Run `make`, then start it again.');
    });
    const known = (info = await fetchInfo());
    tried = addressesToTry(known);
    if (tried.length === 0) {
      throw new Error(firefox
        ? 'Firefox makes no WebRTC connection to loopback addresses as 127.0.0.1, and the server has no other. Connect this ' +
          'machine to a network, or open the page in Chromium.'
        : 'The server listens on a loopback address only, which no other machine can reach. Start it with 0.0.0.0.');
    }
    raw = known.raw;
    const { fingerprint, token } = known;
    const framing = /** @type {'raw'} */ (raw ? 'raw' : 'lz4');
    const found = await openAny(tried,
      (address, signal) => client.connect(address, { fingerprint, token, framing, signal }), control.signal);
    connection = found.connection;
    element('address').textContent = found.address;
    element('fingerprint').textContent = fingerprint;
    showState('open', 'Connected');
    element('text').focus();
    void receive(connection);
  } catch (error) {
    if (control.signal.aborted) {
      showState('idle', 'Not connected');
    } else {
      showState('failed', 'Could not connect');
      showProblem(plainWords(Array.isArray(error) ? mostTelling(error) : error, tried, info));
    }
  } finally {
    attempt = undefined;
  }
}

/** @param {Connection} from */
async function receive(from) {
  try {
    for (let message = await from.recv(); message !== undefined; message = await from.recv()) {
      const now = performance.now();
      const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message;
      const sent = pending.shift();
      if (!sent) continue;
      const intact = bytes.length === sent.bytes.length && bytes.every((byte, i) => byte === sent.bytes[i]);
      showEcho(intact ? sent.shown : `${sent.shown} (came back changed)`, now - sent.sent);
    }
  } catch {
    // from.closed says the same, once.
  }
  const end = await from.closed;
  if (connection !== from) return; // the button ended it
  connection = undefined;
  pending = [];
  if (end.code === 'closed') {
    showState('idle', 'The server closed the connection');
  } else {
    showState('failed', 'Connection ended');
    showProblem(plainWords(end, [], undefined));
  }
}

function disconnect() {
  const ending = connection;
  connection = undefined;
  pending = [];
  showState('idle', 'Not connected');
  void ending?.close();
}

/** @param {string | Uint8Array<ArrayBuffer>} data @param {string} shown */
async function send(data, shown) {
  const to = connection;
  if (!to) return;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const entry = { sent: performance.now(), bytes, shown };
  pending.push(entry);
  showProblem('');
  try {
    await to.send(data);
  } catch (error) {
    if (connection !== to) return;
    pending = pending.filter((other) => other !== entry);
    showProblem(plainWords(error, [], undefined));
  }
}

// ---- the buttons

element('connect').addEventListener('click', () => {
  if (attempt) attempt.abort();
  else if (connection) disconnect();
  else void connectToServer();
});

element('form').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  const text = element('text').value;
  if (text === '') return;
  element('text').value = '';
  void send(text, text);
});

element('megabyte').addEventListener('click', () => {
  const bytes = new Uint8Array(MEGABYTE);
  // Random bytes do not compress, so this measures the way and not LZ4. The browser gives 64 KiB at a time.
  for (let at = 0; at < MEGABYTE; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  void send(bytes, '1 MB of random bytes');
});
