/* SPDX-License-Identifier: MIT */
// The status page: asks /status.json every second and draws what changed. No number here is kept by the server.
const PERIOD_MS = 1000;
const PATIENCE_MS = 5000;
const WINDOW_S = 120;

const $ = (id) => document.getElementById(id);
const show = (id, text) => { $(id).textContent = text; };

// ---- words for numbers

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = (value) => {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return new Intl.NumberFormat('en', { maximumFractionDigits: digits }).format(value);
};

function scaled(value, units, step = 1000) {
  let unit = 0;
  for (; value >= step && unit < units.length - 1; unit++) value /= step;
  return `${short(value)} ${units[unit]}`.trim();
}

const bytes = (value) => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
const rate = (value) => `${bytes(value)}/s`;
const count = (value) => (value < 100 ? short(value) : scaled(value, ['', 'k', 'M', 'G']));
const perSecond = (value) => `${count(value)}/s`;
const milliseconds = (seconds) => (seconds < 1 ? `${short(seconds * 1000)} ms` : `${short(seconds)} s`);

function duration(seconds) {
  const [days, hours, minutes] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

// ---- drawing

const svg = (name, attributes, text) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

/** The next round number that is not below `value`. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((factor) => factor * power).find((step) => step >= value * 0.999);
}

/** The drawing area of a chart as large as it is on the page, and lines across it, each at a share of its height with a word. */
function frame(chart, lines) {
  const { width, height } = chart.getBoundingClientRect();
  const area = { left: 0, right: width, top: 14, bottom: height - 16 };
  const parts = lines.flatMap(([share, word]) => {
    const y = area.bottom - share * (area.bottom - area.top);
    const line = svg('line', { class: 'rule', x1: area.left, x2: area.right, y1: y, y2: y });
    return [line, svg('text', { x: area.left, y: y - 3 }, word)];
  });
  chart.setAttribute('viewBox', `0 0 ${width} ${height}`);
  return { area, parts };
}

/** A filled line over the last two minutes, from `base` up or, when `height` is negative, down. */
function curve({ left, right }, base, height, points, most, now, name) {
  const x = (time) => (right - ((now - time) / WINDOW_S) * (right - left)).toFixed(1);
  const at = ([time, value]) => `${x(time)},${(base - (value / most) * height).toFixed(1)}`;
  if (points.length < 2) return [];
  const line = points.map(at).join(' L');
  return [
    svg('path', { class: `area ${name}`, d: `M${x(points[0][0])},${base} L${line} L${x(points.at(-1)[0])},${base} Z` }),
    svg('path', { class: `line ${name}`, d: `M${line}` }),
  ];
}

const ends = ({ left, right, bottom }) => [
  svg('text', { x: left, y: bottom + 13 }, '2 min ago'),
  svg('text', { x: right, y: bottom + 13, 'text-anchor': 'end' }, 'now'),
];

const highest = (least, ...lines) => roundUp(Math.max(least, ...lines.flat().map(([, value]) => value)));

/** `points` is a list of [time, value]. */
function drawLine(chart, points, now, words, least) {
  const most = highest(least, points);
  const { area, parts } = frame(chart, [[1, words(most)], [0.5, words(most / 2)], [0, '']]);
  chart.replaceChildren(...parts, ...curve(area, area.bottom, area.bottom - area.top, points, most, now, ''), ...ends(area));
}

/** What comes in goes up from the middle, what goes out down, both on one scale. */
function drawBothWays(chart, [incoming, outgoing], now, words, least) {
  const most = highest(least, incoming, outgoing);
  const { area, parts } = frame(chart, [[1, words(most)], [0.5, ''], [0, '']]);
  const [middle, half] = [(area.top + area.bottom) / 2, (area.bottom - area.top) / 2];
  chart.replaceChildren(...parts, ...curve(area, middle, half, incoming, most, now, ''),
    ...curve(area, middle, -half, outgoing, most, now, 'second'), ...ends(area));
}

/** Bars of `counts`, one for each class; the bound of a class stands at its right edge. */
function drawBars(chart, counts, bounds) {
  const most = roundUp(Math.max(1, ...counts));
  const { area, parts } = frame(chart, [[1, count(most)], [0.5, ''], [0, '']]);
  const step = (area.right - area.left) / counts.length;
  const bars = counts.map((value, n) => {
    const height = value && Math.max(2, (value / most) * (area.bottom - area.top));
    return svg('rect', { class: 'bar', x: area.left + n * step + 2, y: area.bottom - height, width: Math.max(1, step - 4), height, rx: 2 });
  });
  const sparse = step < 28 ? 2 : 1; /* of a narrow chart only every other bound has its label */
  const labels = bounds.map((bound, n) => {
    if (n % sparse) return svg('text', {});
    const text = bound < 1 ? `${short(bound * 1000)}` : `${short(bound)} s`;
    return svg('text', { x: area.left + (n + 1) * step, y: area.bottom + 13, 'text-anchor': 'middle' }, text);
  });
  labels[0].textContent += ' ms';
  chart.replaceChildren(...parts, ...bars, ...labels);
}

function fill(list, rows) {
  list.replaceChildren(...rows.map(([name, value, more]) => {
    const row = document.createElement('div');
    const [term, number] = ['dt', 'dd'].map((tag) => document.createElement(tag));
    term.textContent = name;
    number.textContent = value;
    if (more) {
      const small = document.createElement('small');
      small.textContent = more;
      number.append(small);
    }
    row.append(term, number);
    return row;
  }));
}

// ---- what happened

let history = []; // what /status.json said, oldest first

/** [time, how much `pick` grew per second] between any two answers. */
const rates = (pick) => history.slice(1).map((here, n) => {
  const before = history[n];
  return [here.clock, Math.max(0, (pick(here) - pick(before)) / (here.clock - before.clock))];
});
const latest = (points) => points.at(-1)?.[1] ?? 0;
/** How much `pick` grew over what the charts show. */
const grown = (pick) => pick(history.at(-1)) - pick(history[0]);

/** An upper bound for the share of the round trips; "–" when there were none. */
function quantile(counts, bounds, share) {
  const total = counts.reduce((sum, value) => sum + value, 0);
  let below = 0;
  if (!total) return '–';
  const at = counts.findIndex((value) => (below += value) >= total * share);
  return at < bounds.length ? `≤ ${milliseconds(bounds[at])}` : `> ${milliseconds(bounds.at(-1))}`;
}

function drawTraffic(status) {
  const open = history.map((entry) => [entry.clock, entry.connections.open]);
  show('connections', whole.format(status.connections.open));
  show('opening', whole.format(status.connections.opening));
  show('opened', perSecond(latest(rates((entry) => entry.handshakes.opened))));
  drawLine($('connections-chart'), open, status.clock, count, 2);
  for (const [name, words, least] of [['bytes', rate, 1000], ['messages', perSecond, 10]]) {
    const lines = ['in', 'out'].map((way) => rates((entry) => entry[name][way]));
    ['in', 'out'].forEach((way, n) => show(`${name}-${way}`, words(latest(lines[n]))));
    drawBothWays($(`${name}-chart`), lines, status.clock, words, least);
  }
}

function drawRoundTrips(status) {
  const all = status.rtt.counts;
  const recent = all.map((_, n) => grown((entry) => entry.rtt.counts[n]));
  const counts = recent.some((value) => value > 0) ? recent : all;
  show('rtt-median', quantile(counts, status.rtt.bounds, 0.5));
  show('rtt-high', quantile(counts, status.rtt.bounds, 0.95));
  drawBars($('rtt-chart'), counts, status.rtt.bounds);
}

function drawLists({ handshakes, connections, dropped }) {
  fill($('handshakes'), [
    ['Handshakes begun', whole.format(handshakes.begun)],
    ['Connections opened', whole.format(handshakes.opened)],
    ['Handshakes that failed', whole.format(handshakes.failed)],
    ['Handshakes that took too long, or gave way', whole.format(handshakes.timed_out + handshakes.evicted)],
    ['Connections closed', whole.format(connections.closed)],
    ['Of those, lost or failed', whole.format(connections.lost + connections.failed)],
    ['Clients that moved to another address', whole.format(connections.moved)],
  ]);
  const some = dropped.map((cause, n) => ({ ...cause, recent: grown((entry) => entry.dropped[n].count) }))
    .filter((cause) => cause.count > 0);
  $('no-drops').hidden = some.length > 0;
  fill($('dropped'), some.map(({ words, count: all, recent }) => [
    words[0].toUpperCase() + words.slice(1), whole.format(all), recent ? `${count(recent)} lately` : '',
  ]));
}

function drawProcess(status) {
  show('memory', bytes(status.memory.connections));
  show('process', bytes(status.memory.process));
  show('cpu', `${short(100 * latest(rates((entry) => entry.cpu)))} %`);
  show('retransmitted', whole.format(status.retransmitted));
}

function say(state, text) {
  $('state').dataset.state = state;
  if ($('state').textContent !== text) show('state', text); // it is read aloud
}

function draw(status) {
  say(status.draining ? 'draining' : 'open', status.draining ? 'Draining: takes nobody any more' : 'Running');
  const threads = status.threads === 1 ? '1 thread' : `${status.threads} threads`;
  show('about', `${status.address} · up ${duration(status.uptime)} · ${threads} · ${status.version}`);
  drawTraffic(status);
  drawRoundTrips(status);
  drawLists(status);
  drawProcess(status);
}

function remember(status) {
  const before = history.at(-1);
  if (before && (status.clock <= before.clock || status.uptime < before.uptime - 1)) history = []; // another server, or boot
  history.push(status);
  while (history[0].clock < status.clock - WINDOW_S) history.shift();
}

async function ask() {
  try {
    const response = await fetch('status.json', { signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-store' });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    remember(await response.json());
    draw(history.at(-1));
  } catch (error) {
    say('failed', 'The server does not answer');
    console.debug(error);
  }
  setTimeout(ask, PERIOD_MS);
}

addEventListener('resize', () => history.length && draw(history.at(-1)));
ask();
