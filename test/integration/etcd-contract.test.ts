/** The contract of the store over a real etcd of three members. */
import { after, before, suite } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import { SYSTEM_CLOCK } from '../../src/store/system-clock.ts';
import { storeContract, type StoreUnderTest } from '../contract/store-contract.ts';
import { ETCD_MISSING, startEtcdCluster, type EtcdCluster } from '../support/etcd-cluster.ts';

const CALL = { timeoutMs: 30_000 };

suite('etcd of three members', { skip: ETCD_MISSING }, () => {
  let etcd: EtcdCluster;
  let stores = 0;
  before(async () => {
    etcd = await startEtcdCluster();
  });
  after(() => etcd.remove());

  storeContract('etcd', async (context) =>
    open(`contract/${++stores}`, (close) => context.after(() => close())),
  );

  async function open(
    prefix: string,
    atEnd: (close: () => PromiseLike<void>) => void,
  ): Promise<StoreUnderTest> {
    const store = await createEtcdStore({ endpoints: etcd.members, prefix }, CALL);
    atEnd(() => store[Symbol.asyncDispose]());
    return {
      store,
      now: () => SYSTEM_CLOCK.now(),
      elapse: async (ms) => {
        await sleep(ms);
      },
      leaseMs: 3_000,
      // A new leader of etcd begins every lease anew.
      leaseEndsLateMs: 15_000,
      async forget() {
        const { version } = await store.list('', CALL);
        await etcd.ctl('compaction', String(version));
      },
      async reopen() {
        await store[Symbol.asyncDispose]();
        for (const member of etcd.members) await member.kill();
        for (const member of etcd.members) member.start();
        return open(prefix, atEnd);
      },
    };
  }
});
