// SPDX-License-Identifier: MIT

/** Why a connection could not be made, ended, or did not take a message. */
export type DirectErrorCode =
  /** The address is not one of the accepted forms. */
  | 'bad-address'
  /** The fingerprint is not one of the accepted forms. */
  | 'bad-fingerprint'
  /** The token has other characters than a connect token may have, or too many. */
  | 'bad-token'
  /** The user or a policy denied this page the local network. */
  | 'blocked'
  /** The browser never tried the address, and never says why. */
  | 'refused-by-browser'
  /** Nobody answered. A server that asks for tokens does not answer who has none that it takes. */
  | 'unreachable'
  /** The server's certificate has another fingerprint. */
  | 'fingerprint-mismatch'
  /** The server answered, but the channel did not open in time. */
  | 'timeout'
  /** The server was there and no longer answers. */
  | 'lost'
  /** A message is above a limit. */
  | 'too-large'
  /** The server sent something that is no frame. */
  | 'protocol'
  /** The options of a channel contradict each other, or its id is taken. */
  | 'bad-channel'
  /** The connection or the channel was closed in order, by either side. */
  | 'closed'
  /** The page's content security policy forbids WebAssembly. */
  | 'wasm-blocked';

/** `code` is for programs, `message` is a sentence for people. */
export class DirectError extends Error {
  declare readonly code: DirectErrorCode;
  /** With code `closed`: the number that the other side closed with, or 0; the message is its reason if it gave one. */
  declare readonly closeCode: number;

  constructor(code: DirectErrorCode, message = 'It was closed in good order.', closeCode = 0) {
    super(message);
    Object.assign(this, { name: 'DirectError', code, closeCode });
  }
}
