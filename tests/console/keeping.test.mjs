// Leaving observe mode takes two people; a rule is looked at before it acts; what is marked stays; two ways out of quarantine.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { team, until } from './team.mjs';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../fixtures/demo');
let t;
before(async () => { t = await team(['officer', 'second', 'keeper', 'lead'], { measure: true }); });
after(async () => { await t?.stop(); });

test('a call in another language leaves quarantine with a transcript made elsewhere', async () => {
  const { page } = t.people.officer;
  await page.goto(`${t.server.origin}/quarantine`);
  await page.locator('tbody a').first().click();
  const id = new URL(page.url()).pathname.split('/').pop();
  await page.getByLabel('Transcript').setInputFiles(join(DEMO, 'transcripts/2026-03-07_linea-es_+13055550109.json'));
  await page.getByRole('button', { name: 'Go on with it' }).click();
  await page.getByText('The transcript is taken').waitFor();
  await until(async () => (await t.good('officer', 'GET', '/conversations?state=recorded&limit=100')).conversations.some((c) => c.id === id));
  const seen = await t.good('officer', 'GET', `/conversations/${id}?purpose=dispute`);
  const all = seen.turns.map((x) => x.text).join(' ');
  assert.match(all, /\[CREDIT_CARD\]/);
  assert.doesNotMatch(all, /Robles|cuatro cero cero/);
  // Nobody who knows the language listened again, and the page says so.
  await t.open('officer', `/conversations/${id}`);
  await page.getByText('not heard again').waitFor();
  await page.goto(`${t.server.origin}/quarantine`);
  await page.getByText('Nothing is in quarantine.').waitFor();
  t.clean();
});

test('observe mode is left by two people, each on their page', async () => {
  const [officer, second] = [t.people.officer.page, t.people.second.page];
  await officer.goto(`${t.server.origin}/retention`);
  await officer.getByText('This vault observes.').waitFor();
  await officer.locator('summary', { hasText: 'Ask to leave observe mode' }).click();
  const report = officer.getByLabel('The measurement');
  const measured = JSON.parse(t.server.report);
  const refusals = [[{ planted_released: 120, covered: 118 }, 'not signed by a vault'], [{ ...measured, planted_released: measured.planted_released + 1 }, 'was changed']];
  for (const [bad, why] of refusals) {
    await report.fill(JSON.stringify(bad));
    await officer.getByLabel('Days between proof and destruction').fill('7');
    await officer.getByRole('button', { name: 'Ask a second person' }).click();
    await officer.getByText(why).waitFor();
    await officer.goBack();
    if (!await report.isVisible()) await officer.locator('summary', { hasText: 'Ask to leave observe mode' }).click();
  }
  await report.fill(t.server.report);
  await officer.getByLabel('Days between proof and destruction').fill('7');
  await officer.getByRole('button', { name: 'Ask a second person' }).click();
  await officer.getByText('Somebody asked to leave it').waitFor();
  // Who asked finds nothing to decide.
  await officer.goto(`${t.server.origin}/requests`);
  assert.equal(await officer.getByRole('button', { name: /Agree; it holds/ }).count(), 0);
  assert.equal((await t.good('officer', 'GET', '/overview')).observing, true);
  await second.goto(t.server.origin);
  await second.getByRole('link', { name: /change of observe mode/ }).click();
  await second.getByText(`${measured.covered} of ${measured.planted_released} planted values covered`).waitFor();
  await second.getByRole('button', { name: 'Agree; it holds at once' }).click();
  await second.getByText('Approved.').waitFor();
  await second.goto(`${t.server.origin}/retention`);
  await second.getByText('This vault destroys what is due.').waitFor();
  assert.match(await second.locator('.note.warn').first().innerText(), /The officer and The second|The second and The officer/);
  t.clean();
});

test('what is marked stays; a rule is looked at, made, and acted on as it was seen', async () => {
  const [officer, second, keeper] = ['officer', 'second', 'keeper'].map((who) => t.people[who].page);
  const chats = (await t.good('officer', 'GET', '/conversations?channel=chat&limit=50')).conversations;
  assert.ok(chats.length >= 2);
  await t.open('officer', `/conversations/${chats[0].id}`);
  await officer.locator('summary', { hasText: 'Keep it, whatever the rules say' }).click();
  await officer.getByLabel('Why it must be kept').fill('A contract was made here');
  await officer.getByRole('button', { name: 'Mark it' }).click();
  await officer.getByText('Marked; no rule reaches it.').waitFor();
  // The server acts by itself every minute; whatever it was first with is tried with the next class.
  let done = false;
  for (const [cls, named] of [['transcript', 'Masked words'], ['tokens', 'Hidden values']]) {
    await second.goto(`${t.server.origin}/retention`);
    await second.getByLabel('Change').selectOption(cls);
    await second.getByLabel('of', { exact: true }).selectOption('chat');
    await second.getByLabel('to days (empty keeps)').fill('0');
    await second.getByRole('button', { name: 'See what that would destroy' }).click();
    const row = second.locator('tbody tr', { hasText: named }).filter({ hasText: 'chats' });
    const cells = await row.locator('td').allInnerTexts();
    assert.equal(cells[2], String(chats.length - 1), 'one of them is marked');
    assert.equal(cells[5], '1');
    await second.getByRole('button', { name: 'Make this the rule' }).click();
    await second.getByText('Saved.').waitFor();
    await keeper.goto(`${t.server.origin}/retention/preview`);
    const act = keeper.getByRole('button', { name: /^Destroy \d+ now$/ });
    if (!await act.count()) continue;
    await act.click();
    await keeper.waitForLoadState();
    if (await keeper.getByText('What was due is destroyed.').count()) { done = true; break; }
  }
  assert.ok(done, 'no run was made from a preview');
  assert.equal((await t.good('officer', 'GET', `/conversations/${chats[0].id}?purpose=dispute`)).turns.length > 0, true);
  const other = await t.api('officer', 'GET', `/conversations/${chats[1].id}?purpose=dispute`);
  assert.ok(other.status !== 200 || other.body.turns.length === 0 || other.body.findings.every((f) => !f.token), 'nothing was destroyed');
  const entries = await t.good('officer', 'GET', '/ledger-entries?kind=retention.applied&limit=5');
  assert.ok(entries.entries.length >= 1);
  // As it was seen, or not at all.
  assert.equal((await t.api('keeper', 'POST', '/retention-runs', { expected: 4312 })).status, 409);
  t.clean();
});

test('what is no conversation is discarded from quarantine, for good', async () => {
  const [officer, lead] = [t.people.officer.page, t.people.lead.page];
  const head = Buffer.alloc(44);
  head.write('RIFF', 0); head.writeUInt32LE(36 + 16_000, 4); head.write('WAVEfmt ', 8); head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); head.writeUInt16LE(1, 22); head.writeUInt32LE(8000, 24); head.writeUInt32LE(16_000, 28);
  head.writeUInt16LE(2, 32); head.writeUInt16LE(16, 34); head.write('data', 36); head.writeUInt32LE(16_000, 40);
  await lead.goto(`${t.server.origin}/conversations/new`);
  await lead.locator('input[type=file]').setInputFiles({ name: 'fax.wav', mimeType: 'audio/wav', buffer: Buffer.concat([head, Buffer.alloc(16_000)]) });
  await lead.locator('main form button').click();
  await lead.waitForURL(/\/conversations\/[0-9a-f-]{36}/);
  const id = new URL(lead.url()).pathname.split('/').pop();
  // Without an engine it awaits a transcript; with one nobody is heard in it.
  const state = async () => (await t.good('officer', 'GET', '/conversations?limit=200')).conversations.find((c) => c.id === id).state;
  await until(async () => ['awaiting-transcript', 'quarantined'].includes(await state()));
  await lead.goto(`${t.server.origin}/quarantine/${id}`);
  assert.equal(await lead.getByRole('button', { name: 'Discard for good' }).count(), 0);
  await officer.goto(`${t.server.origin}/quarantine/${id}`);
  await officer.getByLabel('Why', { exact: true }).selectOption('no-conversation');
  await officer.getByRole('button', { name: 'Discard for good' }).click();
  await officer.getByText('Discarded; its key is destroyed.').waitFor();
  assert.equal(await state(), 'discarded');
  const entries = await t.good('officer', 'GET', '/ledger-entries?kind=conversation.disposed&limit=5');
  assert.match(JSON.stringify(entries), /no-conversation/);
  assert.equal((await t.good('officer', 'POST', '/ledger-verifications')).whole, true);
  t.clean();
});
