// Somebody hears what the program missed, marks it, and another person decides; one record of two people, and two of one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sound, team, until } from './team.mjs';

let t;
before(async () => { t = await team(['officer', 'judge', 'lead']); });
after(async () => { await t?.stop(); });

const text = async (id, turn) => (await t.good('officer', 'GET', `/conversations/${id}?purpose=dispute`)).turns[turn].text;

test('a missed value is marked by its words, decided by another person, and gone from text and sound', async () => {
  const { id, seen } = await t.recordedCall();
  const [lead, judge] = [t.people.lead.page, t.people.judge.page];
  const turn = seen.turns.findIndex((x) => /^\w+ \w+ \w+/.test(x.text) && !x.text.includes('['));
  const [first, next] = seen.turns[turn].text.split(/\s+/);
  await t.open('lead', `/conversations/${id}`);
  await lead.locator(`a[href="/conversations/${id}/turns/${turn}"]`).focus();
  await lead.keyboard.press('Enter');
  await lead.getByRole('heading', { name: 'Report what was missed' }).waitFor();
  // By keyboard: the first two words.
  await lead.getByRole('checkbox', { name: first, exact: true }).first().focus();
  await lead.keyboard.press('Space');
  await lead.getByRole('checkbox', { name: next, exact: true }).first().check({ force: true });
  await lead.getByLabel('What it is').selectOption('ORGANIZATION');
  await lead.getByLabel('What the other person should know').fill('They name their bank; the account is 000123456789');
  await lead.getByRole('button', { name: 'Report it' }).click();
  await lead.getByText('another person has to decide').waitFor();
  assert.equal(await text(id, turn), seen.turns[turn].text, 'asking changes nothing');
  await t.open('judge', `/conversations/${id}`);
  await judge.goto(`${t.server.origin}/requests`);
  await judge.getByRole('link', { name: 'see it in its place' }).click();
  assert.deepEqual(await judge.locator('mark.marked').allInnerTexts(), [first, next]);
  assert.ok(!(await judge.locator('main').innerText()).includes('000123456789'));
  await judge.getByRole('button', { name: 'Accept' }).click();
  await judge.getByText('Accepted; the text is corrected.').waitFor();
  assert.ok((await text(id, turn)).startsWith('[ORGANIZATION]'));
  // The recording follows by the worker; nobody plays it before.
  const audio = () => lead.request.get(`${t.server.origin}/conversations/${id}/audio`);
  const answer = await until(async () => { const a = await audio(); return a.status() === 200 ? a : null; });
  const heard = sound(await answer.body());
  const { start_ms: from, end_ms: to } = seen.turns[turn];
  for (let c = 0; c < heard.channels; c += 1) assert.ok(heard.silent(c, from, to), `channel ${c} can be heard`);
  const entries = await t.good('officer', 'GET', '/ledger-entries?kind=audio.remuted&limit=5');
  assert.equal(entries.entries.length, 1);
  t.clean();
});

test('a chip that is none is reported and refused, and its reporter cannot decide', async () => {
  const { id, seen } = await t.recordedCall();
  const name = seen.findings.find((f) => f.token && !['CREDIT_CARD', 'EXPIRY', 'CVV', 'PIN'].includes(f.entity));
  const [judge, officer] = [t.people.judge.page, t.people.officer.page];
  await judge.goto(`${t.server.origin}/conversations/${id}/findings/${name.position}`);
  await judge.locator('summary', { hasText: 'It is no' }).click();
  await judge.getByLabel('How you know').fill('It is the name of a product');
  await judge.getByRole('button', { name: 'Report it' }).click();
  await judge.waitForURL(/\/corrections\//);
  const path = new URL(judge.url()).pathname;
  assert.equal(await judge.getByRole('button', { name: 'Accept' }).count(), 0);
  assert.equal((await t.api('judge', 'POST', `${path}/decision`, { agree: true })).status, 403);
  await t.open('officer', `/conversations/${id}`);
  await officer.goto(t.server.origin + path);
  await officer.getByRole('button', { name: 'Refuse' }).click();
  await officer.locator('.badge.bad', { hasText: 'refused' }).waitFor();
  assert.equal((await t.api('officer', 'POST', `${path}/decision`, { agree: true })).status, 409);
  t.clean();
});

test('two records of one person are merged after a preview, and the merge is undone on the page', async () => {
  const { page } = t.people.officer;
  const { subjects } = await t.good('officer', 'GET', '/subjects?limit=100');
  const [into, from] = subjects.filter((s) => s.role === 'customer' && s.conversations > 0);
  await t.open('officer', `/subjects/${into.id}`);
  const rows = () => page.locator('section[aria-labelledby=talks] tbody tr').count();
  const before = await rows();
  await page.getByLabel('Another record of this person').fill(from.id.slice(-8));
  await page.getByRole('button', { name: 'See what a merge would move' }).click();
  await page.getByRole('heading', { name: 'What moves' }).waitFor();
  assert.match(await page.locator('main').innerText(), new RegExp(`${from.conversations} conversation`));
  await page.getByLabel('Why they are one person').fill('Same voice, same account');
  await page.getByRole('button', { name: 'Merge them' }).click();
  await page.getByText('The two records are one person now.').waitFor();
  assert.equal(await rows(), before + from.conversations);
  await page.locator('summary', { hasText: 'Undo' }).click();
  await page.getByLabel('Why it was wrong').fill('Brother and sister');
  await page.getByRole('button', { name: 'Undo it' }).click();
  await page.getByText('Undone; what was moved and is still there went back.').waitFor();
  assert.equal(await rows(), before);
  assert.match(await page.locator('section[aria-labelledby=links]').innerText(), /Brother and sister/);
  // Who read what of this person stays on the page.
  assert.match(await page.locator('section[aria-labelledby=readings]').innerText(), /you/);
  const verdict = await t.good('officer', 'POST', '/ledger-verifications');
  assert.equal(verdict.whole, true);
  t.clean();
});
