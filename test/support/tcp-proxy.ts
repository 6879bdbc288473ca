import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server, and loses what a test tells it to lose. */
export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** What the server answers from now on is lost, on connections that stay open. */
  loseReplies(lose: boolean): void;
  /** Resets every connection. */
  reset(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let losing = false;
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
      // A reset is what the tests are about; the close that follows is all that matters.
      socket.on('error', () => undefined);
    }
    client.on('data', (data) => void upstream.write(data));
    upstream.on('data', (data) => {
      if (!losing) client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    loseReplies: (lose) => void (losing = lose),
    reset,
    async close() {
      reset();
      await once(server.close(), 'close');
    },
  };
}
