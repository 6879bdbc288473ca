/** Reacts to the signals that a service manager sends: SIGHUP reloads; SIGTERM and SIGINT stop and end the process. */
export function onSignals(service: { reload(): Promise<void>; stop(): Promise<void> }): void {
  process.on('SIGHUP', () => void service.reload());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void service.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`pgbaton: could not stop cleanly: ${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
}
