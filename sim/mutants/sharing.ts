import { inFile, type Mutant } from './mutant.ts';

/** The guards of groups on etcd, where every keeper decides. */
export const SHARING: readonly Mutant[] = [
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'who_was_deaf_listens_first',
      guards: 'a decider that was cut off accuses nobody of the silence that it could not have heard (I32)',
      original: 'if (own === undefined || node === own) return;',
      replacement: 'if (own !== undefined) return;',
    },
    {
      name: 'its_own_reports_are_no_hearing',
      guards: 'a decider that hears nobody but itself is deaf (I32)',
      original: 'if (own === undefined || node === own) return;',
      replacement: 'if (own === undefined) return;',
    },
  ]),
].map((mutant) => ({ ...mutant, store: 'etcd' as const }));
