// One hidden value, asked for on its page, agreed to by a second person, seen once, and told by the ledger.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { team } from './team.mjs';

let t;
before(async () => { t = await team(['officer', 'second', 'lead']); });
after(async () => { await t?.stop(); });

test('a hidden card number is shown once, to nobody without a second person, and the ledger tells', async () => {
  const { id, seen } = await t.recordedCall();
  const card = seen.findings.find((f) => f.entity === 'CREDIT_CARD' && f.token);
  const [lead, second, officer] = ['lead', 'second', 'officer'].map((who) => t.people[who].page);
  await t.open('lead', `/conversations/${id}`);
  await lead.goto(`${t.server.origin}/conversations/${id}/findings/${card.position}`);
  await lead.getByLabel('What for').selectOption('dispute');
  await lead.getByLabel('Why this value is needed').fill('The customer disputes a charge on 4111 1111 1111 1111');
  await lead.getByRole('button', { name: 'Ask to see it' }).click();
  await lead.getByText('It waits for a second person.').waitFor();
  const reveal = new URL(lead.url()).pathname;
  // What was typed is masked before anybody sees it.
  assert.ok(!(await lead.locator('main').innerText()).includes('4111'));
  await second.goto(`${t.server.origin}/requests`);
  assert.ok(!(await second.locator('main').innerText()).includes('4111'));
  await second.getByRole('button', { name: 'Agree', exact: true }).click();
  await second.getByText('Approved.').waitFor();
  await lead.getByRole('link', { name: 'Look again' }).click();
  await lead.getByRole('button', { name: 'Show it for 30 seconds' }).click();
  const value = await lead.locator('.secret').innerText();
  assert.ok(value.length > 3);
  await lead.goto(t.server.origin + reveal);
  await lead.getByText('It was shown to you, and is off the screen now.').waitFor();
  await officer.goto(`${t.server.origin}/ledger?family=access`);
  const row = officer.locator('tr', { hasText: 'access.revealed' }).first();
  assert.match(await row.innerText(), /The lead/);
  assert.match(await row.innerText(), new RegExp(card.token.slice(0, 12)));
  assert.ok(!(await officer.locator('main').innerText()).includes(value));
  assert.ok(!t.server.log().includes(value));
  t.clean();
});

test('by the API it is the same', async () => {
  const { seen } = await t.recordedCall();
  const { token } = seen.findings.find((f) => f.entity === 'CREDIT_CARD' && f.token);
  const asked = await t.good('lead', 'POST', '/reveals', { token, purpose: 'dispute', reason: 'the customer disputes the charge' });
  assert.ok(asked.needs_second);
  assert.equal((await t.api('lead', 'POST', `/reveals/${asked.id}/value`)).status, 403);
  assert.equal((await t.api('lead', 'POST', `/reveals/${asked.id}/decision`, { agree: true })).status, 403);
  await t.good('second', 'POST', `/reveals/${asked.id}/decision`, { agree: true });
  const shown = await t.good('lead', 'POST', `/reveals/${asked.id}/value`);
  assert.ok(shown.value.length > 3); // As it was said: in figures or in words.
  assert.notEqual((await t.api('lead', 'POST', `/reveals/${asked.id}/value`)).status, 200);
  const verdict = await t.good('officer', 'POST', '/ledger-verifications');
  assert.equal(verdict.whole, true);
});
