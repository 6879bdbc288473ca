import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSystemdUnit } from './render-systemd-unit.ts';

const keeper = {
  role: 'postgres',
  dataDirectory: '/var/lib/postgresql/node1',
  user: 'postgres',
  program: '/usr/lib/pgbaton/bin/pgbaton',
  workingDirectory: '/',
} as const;

test('the unit of a keeper leaves PostgreSQL alone when the keeper is restarted', () => {
  const unit = renderSystemdUnit(keeper);
  assert.match(unit, /^KillMode=process$/m);
  assert.match(unit, /^KillSignal=SIGUSR2$/m);
  assert.match(unit, /^Environment="PGDATA=\/var\/lib\/postgresql\/node1"$/m);
  assert.match(unit, /^User=postgres$/m);
  assert.match(unit, /^ExecStart="\/usr\/lib\/pgbaton\/bin\/pgbaton" run$/m);
  assert.match(unit, /^OOMScoreAdjust=-900$/m);
  assert.match(unit, /^Environment=PG_OOM_ADJUST_FILE=\/proc\/self\/oom_score_adj$/m);
  assert.match(unit, /^Restart=always$/m);
});

test('the unit of a monitor is ended by the signal that systemd sends by itself', () => {
  const unit = renderSystemdUnit({ ...keeper, role: 'monitor' });
  assert.doesNotMatch(unit, /KillMode|KillSignal/);
});

test('what systemd would read itself in a path is written so that it does not', () => {
  const unit = renderSystemdUnit({ ...keeper, dataDirectory: '/data/50% "big" $HOME' });
  assert.match(unit, /^Environment="PGDATA=\/data\/50%% \\"big\\" \$HOME"$/m);
});
