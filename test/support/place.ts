/** Where the processes of a cluster run: on this machine, or in a host of a network of its own. */
export interface Place {
  /** The address on which a server there listens and is reached. */
  readonly address: string;
  /** The command line that runs a program there, as the user of the servers. */
  command(argv: readonly string[]): readonly string[];
}

export const LOOPBACK: Place = { address: '127.0.0.1', command: (argv) => argv };
