// SPDX-License-Identifier: MIT
// A program that uses the package. package.test.mjs checks that its types hold; it is never run.
import { connect, DirectError, loadCodec, parseAddress, type Connection } from 'webrtc-direct';
import { connect as connectWithChannels, type Channel, type Connection as WithChannels } from 'webrtc-direct/channels';

export async function framed(): Promise<void> {
  const connection: Connection = await connect('203.0.113.5:3478', { fingerprint: 'ab'.repeat(32), timeout: 5_000 });
  await connection.send('text');
  await connection.send(new Uint8Array(4));
  await connection.send(new ArrayBuffer(4));
  const accepted: boolean = connection.trySend('more');
  const message: Uint8Array | undefined = await connection.recv();
  for await (const next of connection) console.log(next.byteLength, accepted, message?.length);
  const stream: ReadableStream<Uint8Array> = connection.readable;
  await stream.pipeTo(connection.writable);
  const { roundTripTime } = await connection.stats();
  console.log(roundTripTime?.toFixed(), connection.bufferedAmount);
  const end: DirectError = await connection.closed;
  if (end.code === 'lost') await connection.close();
  // @ts-expect-error There is no such code.
  if (end.code === 'bored') return;
  // @ts-expect-error Numbers are not sent.
  await connection.send(42);
}

export async function raw(signal: AbortSignal): Promise<string | Uint8Array | undefined> {
  const address = '203.0.113.5:3478 ' + 'ab'.repeat(32);
  await using connection = await connect(address, { framing: 'raw', compat: 'v1', token: 'wt1', signal });
  const message = await connection.recv();
  // @ts-expect-error Raw messages may be text.
  const bytes: Uint8Array | undefined = message;
  return bytes;
}

export async function pure(): Promise<number> {
  const codec = await loadCodec();
  const decoder = codec.decoder();
  let length = parseAddress('203.0.113.5:3478 ' + 'ab'.repeat(32)).port;
  for (const message of decoder.push(codec.encode(new Uint8Array(3)))) length += message.length;
  decoder.free();
  return length;
}

export async function channels(address: string): Promise<number> {
  await using connection: WithChannels = await connectWithChannels(address, { acceptChannels: 4 });
  const pings: Channel = await connection.open('pings', { ordered: false, maxRetransmits: 0, priority: 'high' });
  await pings.send('text');
  const message: string | Uint8Array | undefined = await pings.recv();
  for await (const channel of connection.incoming()) console.log(channel.label, channel.id, message?.length);
  await pings.drained(1000);
  await pings.close(7, 'done');
  // @ts-expect-error There is no such option.
  await connection.open('x', { reliable: false });
  const plain: Connection = connection;
  return (await plain.closed).closeCode;
}

// @ts-expect-error There is no such framing.
export const wrong = connect('203.0.113.5:3478', { framing: 'zip' });
