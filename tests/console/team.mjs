// A server over a filled vault, and the people who work with it, each in a browser of their own.
import assert from 'node:assert/strict';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const ROLES = { officer: 'privacy officer', second: 'compliance', lead: 'supervisor', judge: 'quality assurance', agent: 'agent', keeper: 'disposal officer' };

/** Starts all of it; `names` are keys of ROLES, `options` those of `serve`. */
export const team = async (names, options = {}) => {
  const server = await serve(options);
  const chromium = await browser();
  const people = { admin: await person(chromium) };
  await enrol(people.admin.page, server.first_administrator);
  for (const name of names) {
    const link = await invite(people.admin.page, server.origin, name, `The ${name}`, [ROLES[name]]);
    people[name] = await person(chromium);
    Object.assign(people[name], await enrol(people[name].page, link));
  }
  /** A call of the API in somebody's session. */
  const api = async (who, method, path, data) => {
    const answer = await people[who].page.request.fetch(`${server.origin}/api/v1${path}`, {
      method, headers: { origin: server.origin, accept: 'application/json' }, ...(data === undefined ? {} : { data }),
    });
    const text = await answer.text();
    return { status: answer.status(), body: text ? JSON.parse(text) : null };
  };
  const good = async (...call) => {
    const { status, body } = await api(...call);
    assert.ok(status >= 200 && status < 300, `${call.slice(0, 3).join(' ')}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  /** A recorded call with a card that is kept. */
  const recordedCall = async () => {
    const { conversations } = await good('officer', 'GET', '/conversations?channel=voice&state=recorded&limit=50');
    for (const { id } of conversations) {
      const seen = await good('officer', 'GET', `/conversations/${id}?purpose=dispute`);
      if (seen.findings.some((f) => f.entity === 'CREDIT_CARD' && f.token)) return { id, seen };
    }
    throw new Error('the demo has no recorded call with a card that is kept');
  };
  /** Opens a page of ours, and says what for where that is asked. */
  const open = async (who, path) => {
    const { page } = people[who];
    await page.goto(server.origin + path);
    const purpose = page.locator('input[name=purpose]').first();
    if (await purpose.count()) {
      await purpose.check();
      await page.getByRole('button', { name: 'Open', exact: true }).click();
      await page.waitForLoadState();
    }
    return page;
  };
  /** No report of the policy and no error in anybody's browser. */
  const clean = () => { for (const [name, { reports }] of Object.entries(people)) assert.deepEqual(reports, [], name); };
  const stop = async () => { await chromium.close(); await server.stop(); };
  return { server, chromium, people, api, good, recordedCall, open, clean, stop };
};

/** Waits until `look` gives something. */
export const until = async (look, { ms = 90_000, every = 300 } = {}) => {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`nothing came within ${ms} ms`);
    await new Promise((done) => { setTimeout(done, every); });
  }
};

/** The samples of a recording that the browser received: `at(channel, ms)`. */
export const sound = (wav) => {
  const [channels, rate] = [wav.readUInt16LE(22), wav.readUInt32LE(24)];
  const start = wav.indexOf('data') + 8;
  return {
    channels,
    silent: (channel, from, to) => {
      for (let n = Math.floor((from * rate) / 1000); n < Math.floor((to * rate) / 1000); n += 1) {
        const at = start + 2 * (n * channels + channel);
        if (at + 2 <= wav.length && wav.readInt16LE(at) !== 0) return false;
      }
      return true;
    },
  };
};
