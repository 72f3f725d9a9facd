// What the console is for, told by people: hear a call without hearing the card, see one value with a second person,
// lend a right and take it away, hold what must stay.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const ROLES = { officer: 'privacy officer', second: 'compliance', lead: 'supervisor', agent: 'agent', keeper: 'disposal officer' };
const people = {};
let server; let chromium;

before(async () => {
  server = await serve();
  chromium = await browser();
  const admin = await person(chromium);
  await enrol(admin.page, server.first_administrator);
  for (const [name, role] of Object.entries(ROLES)) {
    const link = await invite(admin.page, server.origin, name, `The ${name}`, [role]);
    people[name] = await person(chromium);
    await enrol(people[name].page, link);
  }
  people.admin = admin;
});
after(async () => { await chromium?.close(); await server?.stop(); });

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
const recordedCall = async () => {
  const { conversations } = await good('officer', 'GET', '/conversations?channel=voice&state=recorded&limit=50');
  for (const { id } of conversations) {
    const seen = await good('officer', 'GET', `/conversations/${id}?purpose=dispute`);
    if (seen.findings.some((f) => f.entity === 'CREDIT_CARD' && f.token)) return { id, seen };
  }
  throw new Error('the demo has no recorded call with a card that is kept');
};

test('a supervisor finds a call and hears it without hearing the card', async () => {
  const { id, seen } = await recordedCall();
  const { page, reports } = people.lead;
  await page.goto(`${server.origin}/conversations`);
  await page.goto(`${server.origin}/conversations/${id}`);
  const choice = page.locator('input[name=purpose]').first();
  if (await choice.count()) { await choice.check(); await page.locator('main form button').first().click(); }
  await page.locator('audio').waitFor();
  const loaded = await page.locator('audio').evaluate((a) => new Promise((done) => {
    if (a.readyState > 0) done(a.duration);
    a.addEventListener('loadedmetadata', () => done(a.duration)); a.addEventListener('error', () => done(0)); a.load();
  }));
  assert.ok(loaded > 1, 'the browser cannot play the muted recording');
  const sound = await page.request.get(`${server.origin}/api/v1/conversations/${id}/audio?purpose=quality`);
  assert.equal(sound.status(), 200);
  const wav = await sound.body();
  const [channels, rate] = [wav.readUInt16LE(22), wav.readUInt32LE(24)];
  const start = wav.indexOf('data') + 8;
  const sides = { agent: null, customer: null };
  let zeros = 0;
  for (const f of seen.findings.filter((x) => ['CREDIT_CARD', 'CVV'].includes(x.entity))) {
    // The parties are in the order of the channels; whichever spoke, its side is silent there.
    const silent = Array.from({ length: channels }, (_, c) => {
      for (let n = Math.floor((f.start_ms * rate) / 1000); n < Math.floor((f.end_ms * rate) / 1000); n += 1) {
        if (wav.readInt16LE(start + 2 * (n * channels + c)) !== 0) return false;
      }
      return true;
    });
    assert.ok(silent.some(Boolean), `${f.entity} at ${f.start_ms} ms can be heard`);
    sides[f.role] = silent;
    zeros += 1;
  }
  assert.ok(zeros > 0);
  assert.deepEqual(reports, []);
});

test('a hidden card number is shown once, to nobody without a second person, and the ledger tells', async () => {
  const { seen } = await recordedCall();
  const { token } = seen.findings.find((f) => f.entity === 'CREDIT_CARD' && f.token);
  const asked = await good('lead', 'POST', '/reveals', { token, purpose: 'dispute', reason: 'the customer disputes the charge' });
  assert.ok(asked.needs_second);
  assert.equal((await api('lead', 'POST', `/reveals/${asked.id}/value`)).status, 403);
  assert.equal((await api('lead', 'POST', `/reveals/${asked.id}/decision`, { agree: true })).status, 403);
  // The second person decides on the page.
  const { page } = people.second;
  await page.goto(`${server.origin}/requests`);
  await page.getByRole('button', { name: /agree|approve|allow|yes/i }).first().click();
  const shown = await good('lead', 'POST', `/reveals/${asked.id}/value`);
  assert.ok(shown.value.length > 3); // As it was said: in figures or in words.
  assert.notEqual((await api('lead', 'POST', `/reveals/${asked.id}/value`)).status, 200);
  const entries = await good('officer', 'GET', '/ledger-entries?kind=access.revealed&limit=5');
  assert.ok(JSON.stringify(entries).includes(token));
  assert.ok(!JSON.stringify(entries).includes(shown.value));
  assert.ok(!server.log().includes(shown.value));
});

test('a right for a while is asked for, given, used, and taken away at once', async () => {
  const { id } = await recordedCall();
  const listen = () => people.agent.page.request.get(`${server.origin}/api/v1/conversations/${id}/audio?purpose=dispute`);
  assert.equal((await listen()).status(), 403);
  const wish = { act: 'play_muted', target_kind: 'conversation', target: id, purpose: 'dispute', reason: 'the caller complains about this call', minutes: 30 };
  const { id: grant } = await good('agent', 'POST', '/grants', wish);
  assert.equal((await api('agent', 'POST', `/grants/${grant}/decision`, { agree: true })).status, 403);
  await good('officer', 'POST', `/grants/${grant}/decision`, { agree: true });
  assert.equal((await listen()).status(), 200);
  await good('officer', 'DELETE', `/grants/${grant}`);
  const began = Date.now();
  assert.equal((await listen()).status(), 403);
  assert.ok(Date.now() - began < 1000);
});

test('the administrator sees no content, and the agent no list of people', async () => {
  const { id } = await recordedCall();
  for (const [who, path] of [['admin', `/conversations/${id}?purpose=audit`], ['admin', '/conversations'], ['agent', '/accounts'], ['agent', '/ledger-entries']]) {
    assert.equal((await api(who, 'GET', path)).status, 403, `${who} ${path}`);
  }
});

test('what is held is not destroyed, and what a rule would destroy is told before', async () => {
  const { id } = await recordedCall();
  const held = await good('officer', 'POST', '/holds', { target_kind: 'conversation', target: id, matter: 'claim 7 of the insurer', review: '2027-06-01' });
  const preview = await good('keeper', 'GET', '/retention-preview');
  assert.equal(typeof preview.total, 'number');
  await good('officer', 'POST', `/holds/${held.id}/release`, { reason: 'the claim is settled' });
});

test('after all of this the ledger is whole', async () => {
  const verdict = await good('officer', 'POST', '/ledger-verifications');
  assert.ok(JSON.stringify(verdict).includes('true') || verdict.size > 0, JSON.stringify(verdict));
});
