import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { FormationBody } from '../api/schemas.ts';
import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord } from '../core/group-record.ts';
import type { Contradiction } from '../core/record-home.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Change, Store } from '../store/store.ts';
import { createGroupDecider, type GroupDecider, type GroupDeciderDeps } from './group-decider.ts';
import { parseRecord } from './record-cell.ts';
import {
  contradictionKey,
  FORMATIONS_PREFIX,
  formationKey,
  parseFormationKey,
  recordKey,
} from './record-key.ts';

/** What the store keeps of a formation beside its groups' records. */
const FormationDocument = z.object({
  name: z.string(),
  kind: z.string(),
  groups: z.array(z.number()),
  /** Where keepers decide: what tells whether a token is that of the formation. */
  token_check: z.optional(z.string()),
});
type FormationDocument = z.infer<typeof FormationDocument>;

interface Formation {
  readonly document: FormationDocument;
  readonly version: number;
  readonly deciders: ReadonlyMap<number, GroupDecider>;
}

/** The formations of this monitor, each group with its decider. */
export interface Formations {
  list(): readonly FormationBody[];
  describe(formation: string): FormationBody;
  create(options: NewFormation): Promise<void>;
  /** Makes a formation that the store does not have of a group's recovered record. */
  adopt(record: GroupRecord): Promise<void>;
  /** For a group that is recovered: a store that was made anew has lost its formation too. */
  restore(formation: string): Promise<void>;
  /** Refuses while the formation has nodes. */
  drop(formation: string): Promise<void>;
  /** Throws BATON_FORMATION_NOT_FOUND. */
  decider(formation: string, group: number): GroupDecider;
  findDecider(formation: string, group: number): GroupDecider | undefined;
  decidersOf(formation: string): readonly GroupDecider[];
  allDeciders(): readonly GroupDecider[];
  close(): Promise<void>;
}

export interface NewFormation {
  readonly name: string;
  readonly kind: string;
  readonly dbname: string;
  readonly numberSyncStandbys: number | null;
}

const CALL = { timeoutMs: 5_000 };

/** What a token leaves in the store of a formation: others have to have the same. */
export type TokenCheck = (formation: string) => string;

/**
 * Reads what the store has. Throws BATON_STORE_UNAVAILABLE. With `tokenCheck`
 * formations are made with it, and those made with another one are refused
 * with BATON_UNAUTHORIZED.
 */
export async function openFormations(deps: GroupDeciderDeps, tokenCheck?: TokenCheck): Promise<Formations> {
  const { store } = deps;
  const formations = await readFormations(store, deps);

  function find(name: string): Formation {
    const formation = formations.get(name);
    if (formation !== undefined) {
      if (tokenCheck !== undefined) refuseForeignToken(formation.document, tokenCheck);
      return formation;
    }
    throw new BatonError('BATON_FORMATION_NOT_FOUND', `formation "${name}" does not exist`, {
      hint: `There is ${[...formations.keys()].map((each) => `"${each}"`).join(', ') || 'none'}. "pgbaton create formation" makes one.`,
    });
  }

  return {
    list: () => [...formations.values()].map(describe),
    describe: (name) => describe(find(name)),
    async create(options) {
      const { name, dbname, numberSyncStandbys } = options;
      if (formations.has(name)) throw formationExists(name);
      const settings = { ...DEFAULT_SETTINGS, dbname, numberSyncStandbys };
      const record = emptyRecord(name, 0, settings, randomUUID());
      formations.set(name, await writeFormation(options.kind, record, deps, tokenCheck));
    },
    async adopt(record) {
      formations.set(record.formation, await writeFormation('pgsql', record, deps, tokenCheck));
    },
    // A store of its own has the formation whenever it has the group.
    restore: () => Promise.resolve(),
    async drop(name) {
      const formation = find(name);
      if (describe(formation).node_count > 0) {
        throw new BatonError('BATON_REFUSED', `formation "${name}" has nodes`, {
          hint: 'Drop its nodes first, with "pgbaton drop node".',
        });
      }
      await removeFormation(formation, store);
      formations.delete(name);
      await Promise.all([...formation.deciders.values()].map((decider) => decider.close()));
    },
    decider(name, group) {
      const decider = find(name).deciders.get(group);
      if (decider !== undefined) return decider;
      throw new BatonError('BATON_FORMATION_NOT_FOUND', `formation "${name}" has no group ${group}`, {
        hint: 'A formation of kind pgsql has one group, number 0.',
      });
    },
    findDecider: (name, group) => formations.get(name)?.deciders.get(group),
    decidersOf: (name) => [...find(name).deciders.values()],
    allDeciders: () => [...formations.values()].flatMap(({ deciders }) => [...deciders.values()]),
    async close() {
      const deciders = [...formations.values()].flatMap((formation) => [...formation.deciders.values()]);
      await Promise.all(deciders.map((decider) => decider.close()));
    },
  };
}

async function readFormations(store: Store, deps: GroupDeciderDeps): Promise<Map<string, Formation>> {
  const { entries } = await store.list(FORMATIONS_PREFIX, CALL);
  const stored = new Map(entries.map((entry) => [entry.key, entry]));
  const formations = new Map<string, Formation>();
  for (const { key, value, version } of entries) {
    const name = parseFormationKey(key);
    if (name === undefined) continue;
    const document = FormationDocument.parse(JSON.parse(value));
    const deciders = new Map<number, GroupDecider>();
    for (const group of document.groups) {
      const entry = stored.get(recordKey(name, group));
      if (entry === undefined) continue;
      const record = parseRecord(entry.value);
      const decider = createGroupDecider({ record, version: entry.version }, deps);
      const contradiction = stored.get(contradictionKey(name, group));
      if (contradiction !== undefined) decider.remember(JSON.parse(contradiction.value) as Contradiction);
      deciders.set(group, decider);
    }
    formations.set(name, { document, version, deciders });
  }
  return formations;
}

function refuseForeignToken({ name, token_check: made }: FormationDocument, tokenCheck: TokenCheck): void {
  if (made === tokenCheck(name)) return;
  throw new BatonError('BATON_UNAUTHORIZED', `the token is not that of formation "${name}"`, {
    detail: made === undefined ? 'The formation was made by a monitor.' : undefined,
    hint: 'Copy the file "token" from the state directory of one of its nodes, with mode 0600, and name it with --token-file.',
  });
}

async function writeFormation(
  kind: string,
  record: GroupRecord,
  deps: GroupDeciderDeps,
  tokenCheck: TokenCheck | undefined,
): Promise<Formation> {
  const { formation: name, group } = record;
  const document = documentOf(name, kind, group, tokenCheck);
  const result = await deps.store.swap(
    {
      changes: [
        { key: formationKey(name), expected: null, value: JSON.stringify(document) },
        { key: recordKey(name, group), expected: null, value: JSON.stringify(record) },
      ],
    },
    CALL,
  );
  if (result.kind !== 'written') throw formationExists(name);
  const { version } = result;
  return { document, version, deciders: new Map([[group, createGroupDecider({ record, version }, deps)]]) };
}

function documentOf(
  name: string,
  kind: string,
  group: number,
  tokenCheck: TokenCheck | undefined,
): FormationDocument {
  const check = tokenCheck?.(name);
  return { name, kind, groups: [group], ...(check === undefined ? {} : { token_check: check }) };
}

/** Writes a formation that the store does not have, without the record of its group. */
export async function restoreFormation(
  store: Store,
  name: string,
  group: number,
  tokenCheck: TokenCheck,
): Promise<void> {
  const value = JSON.stringify(documentOf(name, 'pgsql', group, tokenCheck));
  // It is there already where the store was put back from a backup: that is as good.
  await store.swap({ changes: [{ key: formationKey(name), expected: null, value }] }, CALL);
}

/** On exactly the records that were seen empty: a node may register in the same moment. */
async function removeFormation({ document, version, deciders }: Formation, store: Store): Promise<void> {
  const records: Change[] = [...deciders].map(([group, decider]) => ({
    key: recordKey(document.name, group),
    expected: decider.current().version,
    value: null,
  }));
  const changes = [{ key: formationKey(document.name), expected: version, value: null }, ...records];
  const result = await store.swap({ changes }, CALL);
  if (result.kind === 'written') return;
  throw new BatonError('BATON_GROUP_BUSY', `formation "${document.name}" was changed meanwhile`, {
    hint: 'Look at it again with "pgbaton show state".',
  });
}

function describe({ document, deciders }: Formation): FormationBody {
  return describeFormation(document, deciders);
}

/** What is told of a formation. */
export function describeFormation(
  { name, kind }: { readonly name: string; readonly kind: string },
  deciders: ReadonlyMap<number, GroupDecider>,
): FormationBody {
  const records = [...deciders.values()].map((decider) => decider.current().record);
  const settings = records[0]?.settings ?? DEFAULT_SETTINGS;
  return {
    name,
    kind,
    dbname: settings.dbname,
    number_sync_standbys: settings.numberSyncStandbys,
    groups: [...deciders.keys()],
    node_count: records.reduce((count, record) => count + record.nodes.length, 0),
  };
}

function formationExists(name: string): BatonError {
  return new BatonError('BATON_FORMATION_EXISTS', `formation "${name}" exists already`);
}
