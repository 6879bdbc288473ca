import type { ClientRequest, IncomingMessage } from 'node:http';
import { BatonError } from '../lib/baton-error.ts';
import { splitLines } from './split-lines.ts';

/** A request and its answer, both under way. */
export interface Exchanges {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

/** Sends bodies over one request that stays open, and takes their answers from it; opened when it is needed, again after each break. */
export interface HeldRequest {
  /** Resolves with the parsed answer. Throws what {@link Exchanges} could not be opened for, BATON_UNREACHABLE or BATON_TIMEOUT. */
  send(body: unknown, timeoutMs: number): Promise<unknown>;
  close(): void;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: BatonError) => void;
}

/** `where`: `host:port`, for the errors. */
export function createHeldRequest(
  open: (timeoutMs: number) => Promise<Exchanges>,
  where: string,
): HeldRequest {
  let current: Promise<OpenLine> | undefined;

  async function connect(timeoutMs: number): Promise<OpenLine> {
    const line = openLine(await open(timeoutMs), where);
    void line.ended.then(() => (current = undefined));
    return line;
  }

  return {
    async send(body, timeoutMs) {
      const endsAtMs = performance.now() + timeoutMs;
      current ??= connect(timeoutMs);
      let line: OpenLine;
      try {
        line = await current;
      } catch (error) {
        current = undefined;
        throw error;
      }
      return line.send(body, Math.max(1, endsAtMs - performance.now()));
    },
    close() {
      void current?.then(
        (line) => line.end(),
        () => undefined,
      );
    },
  };
}

interface OpenLine {
  send(body: unknown, timeoutMs: number): Promise<unknown>;
  end(): void;
  /** Resolves when it can't be used any more. */
  readonly ended: Promise<void>;
}

function openLine({ request, response }: Exchanges, where: string): OpenLine {
  // Answered in the order in which they were asked.
  const waiting: Waiting[] = [];

  function breakUp(error: BatonError): void {
    for (const { reject } of waiting.splice(0)) reject(error);
    request.destroy();
    response.destroy();
  }

  async function readAnswers(): Promise<void> {
    let cause: unknown;
    try {
      response.setEncoding('utf8');
      for await (const line of splitLines(response as AsyncIterable<string>)) {
        waiting.shift()?.resolve(JSON.parse(line));
      }
    } catch (error) {
      cause = error;
    }
    breakUp(brokenError(cause));
  }

  const brokenError = (cause: unknown): BatonError =>
    new BatonError('BATON_UNREACHABLE', `the monitor at ${where} closed the connection before it answered`, {
      hint: 'Is it being restarted?',
      cause,
    });

  request.on('error', () => undefined);
  return {
    ended: readAnswers(),
    end: () => void request.end(),
    send(body, timeoutMs) {
      return new Promise((resolve, reject) => {
        if (request.destroyed) throw brokenError(undefined);
        const timer = setTimeout(() => {
          // What comes in later could not be told from the answer to the next one.
          breakUp(
            new BatonError(
              'BATON_TIMEOUT',
              `the monitor at ${where} did not answer within ${Math.round(timeoutMs)} ms`,
            ),
          );
        }, timeoutMs);
        waiting.push({
          resolve(answer) {
            clearTimeout(timer);
            resolve(answer);
          },
          reject(error) {
            clearTimeout(timer);
            reject(error);
          },
        });
        request.write(`${JSON.stringify(body)}\n`);
      });
    },
  };
}
