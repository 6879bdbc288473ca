import { createClient, type Client } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { SecureClientSessionOptions } from 'node:http2';
import { Auth, KV, Lease, Watch } from './rpc_pb.ts';

/** One member of the etcd cluster, and the connection to it, which is opened when it is first needed. */
export interface Member {
  /** `host:port`, for messages. */
  readonly name: string;
  readonly kv: Client<typeof KV>;
  readonly lease: Client<typeof Lease>;
  readonly watch: Client<typeof Watch>;
  readonly auth: Client<typeof Auth>;
  /** Gives up an attempt to connect, so that the next call makes a fresh one at once. */
  dropUnconnected(): void;
  close(): void;
}

export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
}

/** PEM texts. */
export interface EtcdTls {
  /** Undefined: the CAs that the machine trusts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** What of the server's certificate is checked: its signature and its name, its signature only, nothing. */
  readonly verify: 'full' | 'ca' | 'none';
}

/** etcd takes pings that come more often than every 5 s for an attack, and closes the connection. */
const PING_INTERVAL_MS = 6_000;
const PING_TIMEOUT_MS = 3_000;

export function createMember({ host, port }: EtcdEndpoint, tls: EtcdTls | undefined): Member {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const baseUrl = `${tls === undefined ? 'http' : 'https'}://${authority}`;
  const sessionManager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS },
    tls === undefined ? {} : toSessionOptions(tls),
  );
  // Small messages on a local network: compressing them costs more than it saves.
  const transport = createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [] });
  return {
    name: authority,
    kv: createClient(KV, transport),
    lease: createClient(Lease, transport),
    watch: createClient(Watch, transport),
    auth: createClient(Auth, transport),
    dropUnconnected() {
      if (sessionManager.state() === 'connecting') sessionManager.abort();
    },
    close: () => sessionManager.abort(),
  };
}

function toSessionOptions(tls: EtcdTls): SecureClientSessionOptions {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    rejectUnauthorized: tls.verify !== 'none',
    ...(tls.verify === 'ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}
