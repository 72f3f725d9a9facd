// What people ask about their own data: a copy of everything of one person and of nobody else, and an erasure that two
// people carry out and whose receipt says what remains.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { browser, person, plant, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = process.env.CALLVAULT_SCREENSHOTS;
const ROLES = { officer: 'privacy officer', second: 'compliance', lead: 'supervisor' };
const people = {};
let server; let chromium;

before(async () => {
  plant('4111 1111 1111 1111');
  server = await serve();
  chromium = await browser();
  const admin = await person(chromium);
  await enrol(admin.page, server.first_administrator);
  for (const [name, role] of Object.entries(ROLES)) {
    const link = await invite(admin.page, server.origin, name, `The ${name}`, [role]);
    people[name] = await person(chromium);
    await enrol(people[name].page, link);
  }
});
after(async () => { await chromium?.close(); await server?.stop(); });

/** A call of the API in somebody's session. */
const api = async (who, method, path, data) => {
  const answer = await people[who].page.request.fetch(`${server.origin}/api/v1${path}`, {
    method, headers: { origin: server.origin, accept: 'application/json' }, ...(data === undefined ? {} : { data }),
  });
  const body = await answer.body();
  const json = (answer.headers()['content-type'] ?? '').includes('json');
  return { status: answer.status(), body: json ? JSON.parse(body.toString()) : body };
};
const good = async (...call) => {
  const { status, body } = await api(...call);
  assert.ok(status >= 200 && status < 300, `${call.slice(0, 3).join(' ')}: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** Customers with their conversations, most first. */
const customers = async () => {
  const out = [];
  const { subjects } = await good('officer', 'GET', '/subjects?limit=200');
  for (const s of subjects.filter((x) => x.role === 'customer' && !x.erased_at && x.conversations > 0)) {
    const { conversations } = await good('officer', 'GET', `/subjects/${s.id}?purpose=subject_request`);
    out.push({ id: s.id, conversations: conversations.filter((c) => ['recorded', 'disposed'].includes(c.state)) });
  }
  return out.filter((s) => s.conversations.length > 0).sort((a, b) => b.conversations.length - a.conversations.length);
};

/** The officer writes a request down on the page and confirms identity; returns its id. */
const filed = async (kind, subject) => {
  const { page } = people.officer;
  await page.goto(`${server.origin}/subject-requests`);
  const form = page.locator('form[action="/subject-requests"]');
  if (!await form.locator('#kind').isVisible()) await page.getByText('Write a request down', { exact: true }).click();
  await form.locator('#kind').selectOption(kind);
  await form.locator('#law').selectOption('eu');
  await form.getByText('More', { exact: true }).click();
  await form.locator('#subject').fill(subject);
  await form.locator('#note').fill('wrote by hand, card 4111 1111 1111 1111');
  await form.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('Written down; its clock runs').waitFor();
  assert.ok(!(await page.content()).includes('4111 1111'), 'the note was not masked');
  await page.locator('#check').selectOption('call_back');
  await page.locator('#result').selectOption('confirms');
  await page.getByRole('button', { name: 'Record the check' }).click();
  await page.getByText('identity confirmed').first().waitFor();
  return page.url().match(/subject-requests\/([0-9a-f-]{36})/)[1];
};

/** The files of a tar archive. */
const untar = (bytes) => {
  const files = {};
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const name = bytes.subarray(at, at + 100).toString().replace(/\0.*$/s, '');
    const size = Number.parseInt(bytes.subarray(at + 124, at + 136).toString(), 8);
    files[name] = bytes.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
};

const accessible = async (page, name) => {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    // The page's policy forbids added scripts, so axe comes by the debugger.
    await page.evaluate(source);
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
    assert.deepEqual(found, [], `${page.url()} in ${scheme}`);
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: `${SHOTS}/requests-${name}-${scheme}.png`, fullPage: true });
    }
  }
};
const clean = (reports) => assert.deepEqual(reports.filter((r) => !r.includes('axe')), []);

test('a person gets a copy of everything held and of nobody else, fetched once', async () => {
  const [subject] = await customers();
  const { page, reports } = people.officer;
  const id = await filed('access', subject.id);
  await accessible(page, 'access');
  assert.match(await page.locator('main').innerText(), /Last day/);
  assert.match(await page.locator('main').innerText(), /not legal advice/i);
  await page.getByRole('link', { name: 'Look over what it holds' }).click();
  await page.getByRole('heading', { name: 'What the copy holds' }).waitFor();
  await accessible(page, 'copy');
  await page.goto(`${server.origin}/subject-requests/${id}`);
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  await page.getByText('ready, once').waitFor();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download, once' }).click();
  const files = untar(readFileSync(await (await coming).path()));
  const copy = JSON.parse(files['copy.json'].toString());
  assert.ok(files['index.html'].toString().includes('What is held about you'));
  assert.deepEqual(copy.conversations.map((c) => c.uuid).sort(), subject.conversations.map((c) => c.id).sort());
  assert.equal(copy.subject.uuid, subject.id);
  for (const talk of copy.conversations) {
    for (const said of talk.dialog) {
      const party = talk.parties[said.party];
      if (!party.you && party.role !== 'agent') assert.equal(said.body, null);
    }
    if (talk.recording) assert.equal(files[talk.recording].subarray(0, 4).toString(), 'RIFF');
  }
  // Once is once, and nobody else fetches anything.
  const { packages } = await good('officer', 'GET', `/subject-requests/${id}`);
  assert.equal((await api('officer', 'POST', `/subject-requests/${id}/packages/${packages[0].id}/content`)).status, 409);
  const ticket = await good('officer', 'POST', `/subject-requests/${id}/packages`);
  assert.equal((await api('second', 'POST', `/subject-requests/${id}/packages/${ticket.id}/content`)).status, 403);
  assert.equal((await api('lead', 'GET', `/subject-requests/${id}`)).status, 403);
  const again = await api('officer', 'POST', `/subject-requests/${id}/packages/${ticket.id}/content`);
  assert.equal(again.status, 200);
  assert.ok(untar(again.body)['copy.json']);
  const entries = JSON.stringify(await good('officer', 'GET', '/ledger-entries?kind=subject.exported&limit=10'));
  assert.ok(entries.includes(subject.id));
  for (const tel of copy.subject.tel) assert.ok(!entries.includes(tel) && !server.log().includes(tel));
  await page.locator('#outcome').selectOption('granted');
  await page.getByRole('button', { name: 'Answered today' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  clean(reports);
});

test('a person is erased by two people; what is held stays with its reason, and the receipt says so', async () => {
  const known = await customers();
  const subject = known.find((s) => s.conversations.length > 1) ?? known[0];
  const held = subject.conversations.length > 1 ? subject.conversations[0].id : null;
  const { page, reports } = people.officer;
  if (held) {
    await good('officer', 'POST', '/holds', { target_kind: 'conversation', target: held, matter: 'claim of the customer', review: '2027-06-01' });
  }
  const id = await filed('erasure', subject.id);
  await page.getByRole('heading', { name: 'What goes, what stays' }).waitFor();
  await accessible(page, 'plan');
  assert.equal((await api('officer', 'POST', `/subject-requests/${id}/erasure`, { suppress: true })).status, 409);
  await page.getByRole('button', { name: 'Ask a second person' }).click();
  await page.getByText('A second person was asked').waitFor();
  const second = people.second.page;
  await second.goto(`${server.origin}/requests`);
  await second.getByText('Erase a person for good').waitFor();
  await second.getByRole('button', { name: /agree/i }).first().click();
  await second.getByText('Approved.').waitFor();
  await page.goto(`${server.origin}/subject-requests/${id}`);
  await page.getByRole('button', { name: 'Erase for good' }).click();
  await page.getByText('Erased. The receipt says').waitFor();
  await accessible(page, 'receipt');
  const text = await page.locator('main').innerText();
  for (const part of ['do-not-contact list', 'ledger', 'backups']) assert.ok(text.includes(part), part);
  const receipt = await good('second', 'GET', `/subject-requests/${id}/receipt`);
  assert.equal(receipt.statement.subject, subject.id);
  for (const item of receipt.statement.items) {
    assert.equal(item.kept?.code ?? null, item.conversation === held ? 'hold' : null);
  }
  assert.equal(receipt.statement.title, held ? receipt.statement.title : 'Person erased');
  if (held) assert.match(receipt.statement.title, /in part/);
  // Their words are gone for every reader; held ones are not.
  for (const c of subject.conversations) {
    const seen = await good('lead', 'GET', `/conversations/${c.id}?purpose=dispute`);
    const own = seen.turns.filter((t) => t.role === 'customer');
    assert.equal(own.length > 0, c.id === held, c.id);
  }
  clean(reports);
});

test('a restriction keeps a person from being read, and the API tells why', async () => {
  const known = await customers();
  const subject = known[known.length - 1];
  const call = subject.conversations[0].id;
  await good('lead', 'GET', `/conversations/${call}?purpose=dispute`);
  const { id } = await good('officer', 'POST', '/subject-requests', {
    kind: 'restriction', law: 'uk', arrived: 'letter', received_on: '2026-01-05', subject: subject.id,
  });
  await good('officer', 'POST', `/subject-requests/${id}/steps`, { step: 'check', check: 'document', passed: true, confirms: true });
  await good('officer', 'POST', `/subject-requests/${id}/steps`, { step: 'carry_out' });
  const refused = await api('lead', 'GET', `/conversations/${call}?purpose=dispute`);
  assert.equal(refused.status, 403);
  assert.match(refused.body.type, /restricted$/);
  await good('officer', 'GET', `/conversations/${call}?purpose=subject_request`);
  const seen = await good('second', 'GET', `/subject-requests/${id}`);
  assert.ok(seen.clock.rows.every((r) => r.cite.length > 0 && r.read && r.confidence));
  assert.equal((await api('second', 'POST', `/subject-requests/${id}/steps`, { step: 'close' })).status, 403);
});
