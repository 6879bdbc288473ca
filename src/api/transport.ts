import { readFileSync } from 'node:fs';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { BatonError } from '../lib/baton-error.ts';
import type { Exchanges } from './held-request.ts';
import { ErrorBody } from './schemas.ts';
import { fromErrorBody } from './errors.ts';
import { clientKeyOptions } from './shared-key.ts';
import { toTransportError } from './transport-error.ts';

/** Where a monitor listens and how far it is trusted, in libpq's words. `parseMonitorUri` makes one. */
export interface MonitorEndpoint {
  readonly host: string;
  readonly port: number;
  /** `require` encrypts without verifying, unless `sslrootcert` is given: then it verifies the CA, as libpq does. */
  readonly sslmode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  readonly sslrootcert?: string | undefined;
}

/** Where a keeper listens that decides for its group: only who has the group's key talks with it. */
export interface KeeperEndpoint {
  readonly host: string;
  readonly port: number;
  readonly sslmode: 'key';
  readonly key: Buffer;
}

export type Endpoint = MonitorEndpoint | KeeperEndpoint;

/** One HTTP exchange with the monitor. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** Sending it twice does no harm: it is sent again over a new connection when a kept one turns out to be closed. */
  readonly repeatable: boolean;
}

/** Sends requests over connections that it keeps; node:http itself, as fetch costs 15 MB resident. */
export interface Transport {
  /** Resolves with the parsed JSON of a 2xx answer. Throws the monitor's own error, or what the failed connection means. */
  exchange(exchange: Exchange): Promise<unknown>;
  /** Opens an endless answer; resolves once its headers are there. The caller destroys it. */
  openStream(path: string, headers: Record<string, string>, timeoutMs: number): Promise<IncomingMessage>;
  /** Opens a POST whose body and answer both go on; resolves once the headers of the answer are there. */
  openExchanges(path: string, timeoutMs: number): Promise<Exchanges>;
  close(): void;
}

/** The body of a request that is written later. */
const HELD = Symbol('held');

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export function createTransport(endpoint: Endpoint, token: string | undefined): Transport {
  const encrypted = endpoint.sslmode !== 'disable';
  const where = `${endpoint.host}:${endpoint.port}`;
  const tls =
    endpoint.sslmode === 'key' ? clientKeyOptions(endpoint.key) : encrypted ? tlsOptions(endpoint) : {};
  const explain = (error: unknown): BatonError =>
    endpoint.sslmode === 'key' && isRefusedKey(error)
      ? keyRefused(where, error)
      : toTransportError(error, where);
  const agentOptions = { keepAlive: true, maxFreeSockets: 2, timeout: 60_000 };
  const agent = encrypted ? new HttpsAgent({ ...agentOptions, ...tls }) : new HttpAgent(agentOptions);

  function open(
    options: RequestOptions & { headers: Record<string, string> },
    limits: { readonly timeoutMs: number; readonly deadlineFor: 'answer' | 'headers' },
    body: string | undefined | typeof HELD,
  ): Promise<Exchanges> {
    const { timeoutMs, deadlineFor } = limits;
    return new Promise((resolve, reject) => {
      const send = encrypted ? httpsRequest : httpRequest;
      const request = send({ host: endpoint.host, port: endpoint.port, ...options, ...tls });
      let connected = false;
      let underWay: IncomingMessage | ClientRequest = request;
      const deadline = setTimeout(() => {
        underWay.destroy(timeoutError(where, timeoutMs, connected));
      }, timeoutMs);
      request.once('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once(encrypted ? 'secureConnect' : 'connect', () => (connected = true));
      });
      request.once('response', (response) => {
        underWay = response;
        if (deadlineFor === 'headers') clearTimeout(deadline);
        else response.once('close', () => clearTimeout(deadline));
        resolve({ request, response });
      });
      request.once('error', (error) => {
        clearTimeout(deadline);
        reject(connected && isReset(error) && !request.reusedSocket ? brokenError(where, error) : error);
      });
      if (body === HELD) request.flushHeaders();
      else request.end(body);
    });
  }

  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function attempt({ method, path, body, timeoutMs }: Exchange, reuse: boolean): Promise<unknown> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...authorization,
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    };
    const limits = { timeoutMs, deadlineFor: 'answer' } as const;
    const { response } = await open({ method, path, headers, agent: reuse ? agent : false }, limits, text);
    return readAnswer(response, where);
  }

  return {
    async exchange(exchange) {
      try {
        return await attempt(exchange, true);
      } catch (error) {
        // The monitor may close an idle connection in the moment in which it is used again.
        if (!exchange.repeatable || !isReset(error)) throw explain(error);
      }
      try {
        return await attempt(exchange, false);
      } catch (error) {
        throw explain(error);
      }
    },
    async openStream(path, headers, timeoutMs) {
      try {
        const accept = { ...authorization, ...headers, accept: 'text/event-stream' };
        const limits = { timeoutMs, deadlineFor: 'headers' } as const;
        const options = { method: 'GET', path, headers: accept, agent: false } as const;
        const { response } = await open(options, limits, undefined);
        if (response.statusCode !== 200) await readAnswer(response, where);
        return response;
      } catch (error) {
        throw explain(error);
      }
    },
    async openExchanges(path, timeoutMs) {
      try {
        const headers = { ...authorization, 'content-type': 'application/x-ndjson' };
        const limits = { timeoutMs, deadlineFor: 'headers' } as const;
        const exchanges = await open({ method: 'POST', path, headers, agent: false }, limits, HELD);
        if (exchanges.response.statusCode !== 200) {
          exchanges.request.end();
          await readAnswer(exchanges.response, where);
        }
        return exchanges;
      } catch (error) {
        throw toTransportError(error, where);
      }
    },
    close: () => agent.destroy(),
  };
}

function timeoutError(where: string, timeoutMs: number, connected: boolean): BatonError {
  // Unconnected, nothing has been asked; connected, the outcome is unknown: callers must tell the two apart.
  return connected
    ? new BatonError('BATON_TIMEOUT', `the monitor at ${where} did not answer within ${timeoutMs} ms`, {
        hint: 'It may have done what was asked: look before trying again.',
      })
    : new BatonError(
        'BATON_UNREACHABLE',
        `could not connect to the monitor at ${where} within ${timeoutMs} ms`,
        {
          hint: 'Check the host and port of the monitor URI, the network and the firewall.',
        },
      );
}

function brokenError(where: string, cause: unknown): BatonError {
  return new BatonError(
    'BATON_UNREACHABLE',
    `the monitor at ${where} closed the connection before it answered`,
    {
      detail: 'It may have done what was asked: look before trying again.',
      hint: 'Is it being restarted? If it uses TLS (the default), use sslmode=require in the monitor URI.',
      cause,
    },
  );
}

function tlsOptions(endpoint: MonitorEndpoint) {
  const { sslmode, sslrootcert } = endpoint;
  const verify = sslmode !== 'require' || sslrootcert !== undefined;
  const ca = sslrootcert === undefined ? undefined : readCa(sslrootcert);
  return {
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2' as const,
    // Who verifies nothing needs no CA, and the system's store of them takes megabytes.
    ...(ca === undefined ? (verify ? {} : { ca: [] }) : { ca }),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function isRefusedKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPROTO';
}

function keyRefused(where: string, cause: unknown): BatonError {
  return new BatonError('BATON_UNAUTHORIZED', `the keeper at ${where} has another token`, {
    hint: 'All nodes of a formation need the same token: copy the file "token" of one of its nodes, with mode 0600, and name it with --token-file.',
    cause,
  });
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BatonError('BATON_CONFIG_INVALID', `could not read the CA certificate "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint: 'It is named by sslrootcert in the monitor URI.',
      cause: error,
    });
  }
}

async function readAnswer(response: IncomingMessage, where: string): Promise<unknown> {
  const text = await readText(response, where);
  const status = response.statusCode ?? 0;
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    throw notAMonitor(where, status, error);
  }
  if (status >= 200 && status < 300) return body;
  const parsed = ErrorBody.safeParse(body);
  throw parsed.success ? fromErrorBody(parsed.data) : notAMonitor(where, status, undefined);
}

/** Something answers on that port, but no monitor that this version understands. */
export function notAMonitor(where: string, status: number, cause: unknown): BatonError {
  return new BatonError('BATON_UNREACHABLE', `what answers at ${where} is not a pgbaton monitor`, {
    detail: `Its answer (HTTP status ${status}) could not be understood.`,
    hint: 'Check the port of the monitor URI, and that both sides have the same version of pgbaton.',
    cause,
  });
}

async function readText(response: IncomingMessage, where: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw notAMonitor(where, response.statusCode ?? 0, undefined);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
