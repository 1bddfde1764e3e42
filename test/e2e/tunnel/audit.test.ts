/** The audit log: what it says of a connection, its filters, its chain, and one changed byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { postern } from '@postern/testing';
import { open, refused, target } from './targets.ts';
import { agentEmail, clientEmail, TunnelWorld } from './world.ts';

describe('audit', () => {
  let world: TunnelWorld;
  before(async () => {
    world = await TunnelWorld.start();
  });
  after(() => world[Symbol.asyncDispose]());

  const verify = () => postern(['tunnel', 'audit', 'verify', '--dir', world.dir]);

  test('a connection leaves open and close with everything a reviewer asks for', async () => {
    await using echo = await target((socket) => socket.pipe(socket));
    const socket = await open(world, echo.port);
    socket.write('hello');
    await once(socket, 'data');
    socket.end();
    await once(socket, 'close');
    const opened = await world.audited('connection.open');
    const closed = await world.audited('connection.close');
    for (const entry of [opened, closed]) {
      assert.equal(entry.client, clientEmail);
      assert.equal(entry.agent, agentEmail);
      assert.equal(entry.destination, `host.corp.example:${echo.port}`);
      assert.equal(entry.resolvedAddress, `127.0.0.1:${echo.port}`);
      assert.equal(entry.rule, 'everything-of-the-corporation');
      assert.equal(entry.connection, opened.connection);
      assert.ok(Math.abs(Date.parse(entry.time) - Date.now()) < 60_000);
    }
    assert.equal(closed.bytesFromClient, 5);
    assert.equal(closed.bytesFromAgent, 5);
    assert.ok(closed.ms! >= 0);
  });

  test('sessions and certificates are there too, and the filters filter', async () => {
    for (const event of ['session.open', 'certificate.issue', 'identity.create']) {
      const emails = new Set((await world.audit('--event', event)).map((entry) => entry.identity));
      assert.ok(emails.has(agentEmail) && emails.has(clientEmail), `${event}: ${[...emails].join(' ')}`);
    }
    const mine = await world.audit('--identity', clientEmail);
    assert.ok(
      mine.length > 0 && mine.every((entry) => [entry.identity, entry.client, entry.agent].includes(clientEmail)),
    );
    assert.equal((await world.audit('--since', '1h')).length, (await world.audit()).length);
    const bad = await postern(['tunnel', 'audit', '--dir', world.dir, '--since', 'yesterday']);
    assert.equal(bad.code, 2);
    const table = await world.ok('tunnel', 'audit', '--dir', world.dir);
    assert.match(table, /connection\.close/);
  });

  test('a name with control characters never reaches a terminal raw', async () => {
    const { body } = await refused(world, '\x1b[31mevil.example:443');
    assert.ok(!body.includes('\x1b'));
    assert.ok(!(await world.ok('tunnel', 'audit', '--dir', world.dir)).includes('\x1b'));
  });

  test('verify passes, also beside a running server', async () => {
    const { code, stdout, stderr } = await verify();
    assert.equal(code, 0, stdout + stderr);
  });

  test('verify fails after one byte of one record has changed, and says which', async () => {
    await world.server.process.stop();
    assert.equal((await verify()).code, 0);
    const database = new DatabaseSync(`${world.dir}/data/audit.db`);
    const change = (from: string, to: string): number =>
      Number(
        database
          .prepare("UPDATE audit SET record = replace(record, ?, ?) WHERE record LIKE '%connection.close%'")
          .run(from, to).changes,
      );
    assert.equal(change(`"client":"${clientEmail}"`, `"client":"h${clientEmail.slice(1)}"`), 1);
    const broken = await verify();
    assert.equal(broken.code, 1, broken.stdout);
    assert.match(broken.stdout + broken.stderr, /\d/);
    change(`"client":"h${clientEmail.slice(1)}"`, `"client":"${clientEmail}"`);
    assert.equal((await verify()).code, 0);
    database.exec('DELETE FROM audit WHERE rowid = (SELECT rowid FROM audit ORDER BY rowid LIMIT 1 OFFSET 3)');
    assert.equal((await verify()).code, 1, 'a record is missing in the middle');
    database.close();
  });
});
