/** Runs chunks of seeds on a core of its own. */
import { parentPort } from 'node:worker_threads';
import { runChunk, type Chunk } from './run-many.ts';

parentPort?.on('message', (chunk: Chunk) => parentPort?.postMessage(runChunk(chunk)));
