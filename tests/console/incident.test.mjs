// One agent reads too much; the lead sees the alert, opens the incident, reads scope and clocks, freezes, drafts.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const SHOTS = process.env.CALLVAULT_SHOTS;
let server; let chromium; let lead; let agent;

before(async () => {
  server = await serve();
  chromium = await browser();
  const admin = await person(chromium);
  await enrol(admin.page, server.first_administrator);
  for (const [name, role] of [['lead', 'incident lead'], ['agent', 'agent']]) {
    const who = await person(chromium);
    const link = await invite(admin.page, server.origin, name, `The ${name}`, [role]);
    await enrol(who.page, link);
    if (name === 'lead') lead = who; else agent = who;
  }
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});
after(async () => { await chromium?.close(); await server?.stop(); });

const shot = async (page, name) => { if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true }); };

test('a mass read is detected and led to the draft of a notice', async () => {
  const list = await agent.page.request.get(`${server.origin}/api/v1/conversations?limit=50`);
  const { conversations } = await list.json();
  // Ten refusals in five minutes are an alert, too; the demo has too few people for sixty.
  const [{ id }] = conversations.filter((c) => c.state === 'recorded');
  for (let n = 0; n < 12; n += 1) {
    const heard = await agent.page.request.get(`${server.origin}/api/v1/conversations/${id}/audio?purpose=service`);
    assert.equal(heard.status(), 403);
  }
  for (const c of conversations.filter((x) => x.state === 'recorded')) {
    const read = await agent.page.request.get(`${server.origin}/api/v1/conversations/${c.id}?purpose=service`);
    assert.equal(read.status(), 200);
  }
  const { page, reports } = lead;
  const began = Date.now();
  for (;;) {
    await page.goto(`${server.origin}/incidents`);
    if (await page.getByRole('link', { name: 'One account was refused again and again' }).count()) break;
    assert.ok(Date.now() - began < 60_000, 'no alert');
    await page.waitForTimeout(300);
  }
  await shot(page, 'incidents');
  await page.getByRole('link', { name: 'One account was refused again and again' }).first().click();
  await page.getByRole('heading', { name: 'The entries behind it' }).waitFor();
  await shot(page, 'alert');
  await page.getByLabel('Its name').fill('An agent opens everything');
  await page.getByRole('button', { name: 'Open the incident' }).click();
  await page.getByRole('heading', { name: 'An agent opens everything' }).waitFor();
  // Scope: whom, in which form. The laws of the trade are chosen by hand.
  await page.locator('details', { hasText: 'Laws (' }).locator('summary').click();
  for (const law of ['US-CA', 'EU', 'HIPAA']) await page.getByLabel(law, { exact: true }).check();
  await page.getByRole('button', { name: 'Save the laws' }).click();
  await page.getByText('72 hours').or(page.getByText('EU')).first().waitFor();
  const clocks = page.locator('section', { has: page.getByRole('heading', { name: 'Who must be told by when' }) });
  assert.match(await clocks.innerText(), /legal advice/i);
  assert.match(await clocks.innerText(), /GDPR Art\. 33/);
  await shot(page, 'incident');
  await page.getByRole('button', { name: 'Freeze The agent' }).click();
  await page.getByText('Frozen: every session ended').waitFor();
  assert.equal((await agent.page.request.get(`${server.origin}/api/v1/session`)).status(), 401);
  await page.getByRole('link', { name: 'Who, what, how' }).click();
  await page.getByRole('heading', { name: 'Scope', exact: true }).waitFor();
  await shot(page, 'scope');
  await page.goBack();
  await page.getByRole('button', { name: 'Draft the notice of gdpr-33', exact: true }).click();
  await page.getByText('Nature of the breach').waitFor();
  await shot(page, 'notice');
  await page.goBack();
  assert.deepEqual(reports, []);
});
