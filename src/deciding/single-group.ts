import { BatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import { describeFormation, restoreFormation, type Formations, type TokenCheck } from './formations.ts';
import type { GroupDecider } from './group-decider.ts';

/** The formations as a keeper knows them that decides for its own group: just that one. */
export function singleGroup(
  decider: GroupDecider,
  { store, tokenCheck }: { readonly store: Store; readonly tokenCheck: TokenCheck },
): Formations {
  const { formation, group } = decider.current().record;

  function own(name: string): GroupDecider {
    if (name === formation) return decider;
    throw new BatonError('BATON_FORMATION_NOT_FOUND', `this keeper belongs to formation "${formation}"`, {
      hint: `Ask a keeper of formation "${name}".`,
    });
  }

  const describe = () => describeFormation({ name: formation, kind: 'pgsql' }, new Map([[group, decider]]));
  const elsewhere = (): Promise<never> =>
    Promise.reject(
      new BatonError('BATON_REFUSED', 'a keeper does not make or drop formations', {
        hint: 'Name the store with --store: they are made and dropped there.',
      }),
    );

  return {
    list: () => [describe()],
    describe(name) {
      own(name);
      return describe();
    },
    create: elsewhere,
    adopt: elsewhere,
    restore: () => restoreFormation(store, formation, group, tokenCheck),
    drop: elsewhere,
    decider(name, number) {
      if (own(name) && number === group) return decider;
      throw new BatonError('BATON_FORMATION_NOT_FOUND', `this keeper belongs to group ${group}`, {
        hint: `Ask a keeper of group ${number}.`,
      });
    },
    findDecider: (name, number) => (name === formation && number === group ? decider : undefined),
    decidersOf: (name) => [own(name)],
    allDeciders: () => [decider],
    close: () => decider.close(),
  };
}
