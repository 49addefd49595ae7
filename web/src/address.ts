// SPDX-License-Identifier: MIT
// The address and the answer, as src/dial has them in C: a page has URL, atob and templates, so this costs a third of
// the C. The tests hold both to the same words.
import { DirectError } from './error.js';

export interface Address {
  /** An IP literal in the one form that browsers print; IPv4-mapped IPv6 is IPv4 here. */
  ip: string;
  port: number;
  /** 64 lower-case hex digits. */
  fingerprint: string;
}

const WORDS = /^(?:([\d.]+)|\[([\da-f:.]+)]):([1-9]\d*)(?:\s+(.+))?$/i;
const MULTIADDR =
  /^\/ip(?:4\/([\d.]+)|6\/([\da-f:.]+))\/udp\/([1-9]\d*)\/webrtc-direct(?:\/certhash\/(u[^/]+))?(\/(certhash|p2p)\/[^/]+)*$/i;

export const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Reads "IP:PORT FINGERPRINT" or "/ip4/IP/udp/PORT/webrtc-direct/certhash/HASH". Throws a DirectError. */
export const parseAddress = (text: string): Address => {
  text = text.trim();
  const [, four, six, port = 0, print = ''] = WORDS.exec(text) ?? MULTIADDR.exec(text) ?? [];
  let ip: string | undefined;
  try {
    // Strict about IPv4: URL would read 010.1 as octal and 1.2 as 1.0.0.2.
    ip = new URL(`http://${four ?? `[${six}]`}`).hostname.replace(/[[\]]/g, '');
  } catch {}
  if (!ip || (four && four != ip) || +port > 65535)
    throw new DirectError(
      'bad-address',
      'The address must be IP:PORT or /ip4/IP/udp/PORT/webrtc-direct/..., not a host name.',
    );
  // URL reads a number as IPv4, too.
  ip = ip.replace(/^::ffff:(\w+):(\w+)$/, (_, high, low) => new URL(`http://0x${high}${low.padStart(4, 0)}`).hostname);

  const digits = print.replace(/^sha-256 /i, '');
  let fingerprint = digits.replace(/:/g, '').toLowerCase();
  if (/^uEi[A-D][\w-]{42}[AQgw]$/.test(digits))
    fingerprint = hex(
      Uint8Array.from(atob(digits.slice(1).replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0)),
    ).slice(4);
  else if (!/^[\da-f]{2}(:?)([\da-f]{2}\1){30}[\da-f]{2}$/i.test(digits))
    throw new DirectError('bad-fingerprint', 'The fingerprint must be 64 hex digits or a certhash (uEi...).');
  return { ip, port: +port, fingerprint };
};

/** The session description with which the server at this address would answer an offer with this `mid`. */
export const renderAnswer = ({ ip, port, fingerprint }: Address, ufrag: string, mid: string): string => {
  const family = ip.includes(':') ? 'IP6 ' : 'IP4 ';
  return `v=0
o=- 0 0 IN ${family}${ip}
s=-
t=0 0
a=group:BUNDLE ${mid}
a=ice-lite
m=application ${port} UDP/DTLS/SCTP webrtc-datachannel
c=IN ${family}${ip}
a=mid:${mid}
a=ice-options:ice2
a=ice-ufrag:${ufrag}
a=ice-pwd:${ufrag}
a=fingerprint:sha-256 ${fingerprint.toUpperCase().match(/../g)!.join(':')}
a=setup:passive
a=sctp-port:5000
a=max-message-size:262144
a=candidate:1467250027 1 UDP 1467250027 ${ip} ${port} typ host
a=end-of-candidates
`.replace(/\n/g, '\r\n');
};
