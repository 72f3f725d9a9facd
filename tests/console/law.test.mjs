// The law at work: a call that must not be made, and why; STOP in a text message; what is processed and on which basis;
// a row that nobody reviewed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, person, plant, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const ROLES = { keeper: 'compliance', agent: 'agent', lead: 'supervisor' };
const NUMBER = '+1 212 555 0150';
const people = {};
let server; let chromium;

before(async () => {
  plant(NUMBER, '+12125550150', '+1 205 555 0123', '+1 212 555 0160', '+1 212 555 0152', '+1 212 555 0153');
  server = await serve({ demo: false });
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

/** The agent asks; returns the text of the page. */
const ask = async (number, at) => {
  const { page } = people.agent;
  await page.goto(`${server.origin}/dial`);
  await page.getByLabel('Telephone number').fill(number);
  await page.getByLabel('On the national do-not-call registry').selectOption('no');
  await page.getByLabel('Date of your copy of the registry').fill('2026-12-01');
  await page.getByLabel('Line', { exact: true }).selectOption('wireless');
  await page.getByLabel('Attempts in the last 24 hours').fill('0');
  await page.getByText('More facts').click();
  await page.getByLabel('A customer within 18 months').selectOption('no');
  await page.getByLabel('Time of the call in UTC').fill(at);
  await page.getByLabel('No local holiday').check();
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.locator('#verdict').waitFor();
  return page.locator('main').innerText();
};

test('an agent is told that a call must not be made, why, by which law, and how sure that is', async () => {
  const open = await ask(NUMBER, '2026-12-02T17:00');
  assert.match(open, /May be made/);
  assert.match(open, /47 CFR 64\.1200/);
  const night = await ask(NUMBER, '2026-12-03T03:00');
  assert.match(night, /Must not be made/);
  assert.match(night, /hours\.federal/);
  assert.match(night, /47 CFR 64\.1200\(c\)\(1\)/);
  assert.match(night, /3 Dec 2026,? 13:00|2026-12-03 13:00/, 'the next permitted time is told');
  assert.match(night, /engineering default, not legal advice/);
  const alabama = await ask('+1 205 555 0123', '2026-12-02T02:30');
  assert.match(alabama, /hours\.AL/);
  assert.match(alabama, /unreviewed/);
  for (const path of ['/consents', '/law', '/processing/record']) {
    const answer = await people.agent.page.goto(`${server.origin}${path}`);
    assert.equal(answer.status(), 403, `an agent opens ${path}`);
  }
});

test('STOP in a text message ends the calls to that number, whatever an agent knows', async () => {
  const { page } = people.lead;
  await page.goto(`${server.origin}/conversations/new`);
  await page.locator('select[name=channel], input[name=channel]').first().evaluate((e) => e.tagName).catch(() => {});
  const channel = page.locator('select[name=channel]');
  if (await channel.count()) await channel.selectOption('sms'); else await page.locator('input[name=channel][value=sms]').check();
  const messages = [
    { from: '+12025550199', to: '+12125550150', body: 'Sale ends today. Reply STOP to end.', direction: 'outbound', date: '2026-11-20T15:00:00Z' },
    { from: '+12125550150', to: '+12025550199', body: 'STOP', direction: 'inbound', date: '2026-11-20T15:01:00Z' },
  ];
  await page.locator('input[type=file]').setInputFiles({ name: 'messages.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(messages)) });
  await page.locator('main form button').last().click();
  const keeper = people.keeper.page;
  let text = '';
  for (let i = 0; i < 60 && !text.includes('a keyword'); i += 1) {
    await keeper.goto(`${server.origin}/consents`);
    text = await keeper.locator('main').innerText();
    if (!text.includes('a keyword')) await keeper.waitForTimeout(500);
  }
  assert.match(text, /a keyword, in text messages/);
  assert.match(text, /stands/);
  assert.ok(!text.includes('5550150') && !text.includes('555 0150'));
  const held = await ask(NUMBER, '2026-12-02T17:00');
  assert.match(held, /Must not be made/);
  assert.match(held, /dnc\.internal/);
  assert.match(held, /64\.1200\(d\)/);
  // Another number is not touched by it.
  assert.match(await ask('+1 212 555 0151', '2026-12-02T17:00'), /May be made/);
});

test('a whole list is counted by reason, and no number comes back', async () => {
  const { page } = people.keeper;
  await page.goto(`${server.origin}/dial`);
  const csv = ['called,national_dnc,registry_version_date,attempts_last_24h,line', '+12125550150,false,2026-12-01,0,wireless', '+12125550152,false,2026-12-01,0,wireless', '+12125550153,true,2026-12-01,0,wireless'].join('\n');
  await page.getByLabel('Time of the calls in UTC').fill('2026-12-02T17:00');
  await page.locator('form[action="/dial/list"]').getByLabel('No local holiday').check();
  await page.getByLabel('The list').setInputFiles({ name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.getByRole('button', { name: 'Count' }).click();
  const text = await page.locator('main').innerText();
  assert.match(text, /3 numbers were judged/);
  assert.match(text, /dnc\.internal/);
  assert.match(text, /dnc\.national/);
  assert.ok(!/555\s?015/.test(text));
});

test('a row that nobody reviewed is switched off, and then the answer is the careful one', async () => {
  const { page, reports } = people.keeper;
  await page.goto(`${server.origin}/law`);
  await page.getByRole('button', { name: 'Switch off us.al.tel.hours' }).click();
  await page.getByRole('button', { name: 'Switch on us.al.tel.hours' }).waitFor();
  const off = await ask('+1 205 555 0123', '2026-12-02T02:30');
  assert.match(off, /Must not be made/);
  assert.match(off, /hours\.AL\.switched_off/);
  const id = /Filed as ([0-9a-f-]{36})/.exec(off)[1];
  await page.goto(`${server.origin}/law`);
  await page.getByRole('button', { name: 'Switch on us.al.tel.hours' }).click();
  await page.getByRole('button', { name: 'Switch off us.al.tel.hours' }).waitFor();
  await page.getByLabel('Id of the answer').fill(id);
  await page.getByRole('button', { name: 'Compute it' }).click();
  assert.match(await page.locator('main').innerText(), /The same answer/);
  assert.deepEqual(reports, []);
});

test('the record of processing says what is set, and what nobody set', async () => {
  const { page } = people.keeper;
  await page.goto(`${server.origin}/processing/record`);
  assert.match(await page.locator('main').innerText(), /Incomplete/);
  await page.goto(`${server.origin}/processing`);
  const sms = page.locator('form[action="/processing/channels/sms"]');
  await sms.getByLabel('Marketing').check();
  await sms.getByLabel('Basis').selectOption('consent');
  await sms.getByRole('button', { name: 'Save' }).click();
  const who = page.locator('form[action="/processing/controller"]');
  await who.getByLabel('Controller').fill('Acme Call Centre');
  await who.getByLabel('Contact', { exact: true }).fill('privacy@example.org');
  await who.getByRole('button', { name: 'Save' }).click();
  await page.goto(`${server.origin}/processing/record`);
  const text = await page.locator('main').innerText();
  assert.match(text, /Complete/);
  assert.match(text, /Consent, Art\. 6\(1\)\(a\)/);
  assert.match(text, /Acme Call Centre/);
  const json = await page.request.get(`${server.origin}/api/v1/record-of-processing`);
  assert.equal((await json.json()).decision, 'complete');
});

test('a consent is recorded with its proof, found, and withdrawn as easily', async () => {
  const { page, reports } = people.keeper;
  await page.goto(`${server.origin}/consents`);
  await page.getByText('Record a consent').click();
  const form = page.locator('form[action="/consents"]');
  await form.getByLabel('Number or e-mail address').fill('+1 212 555 0160');
  await form.getByLabel('Seller it names').fill('Acme');
  await form.getByLabel('Given on').fill('2026-01-05');
  await form.getByLabel('Record, at most 1 MiB').setInputFiles({ name: 'form.txt', mimeType: 'text/plain', buffer: Buffer.from('I agree to be called by Acme.') });
  await form.getByRole('button', { name: 'Record it' }).click();
  await page.getByRole('button', { name: 'Withdraw' }).click();
  assert.match(await page.locator('main').innerText(), /withdrawn/);
  const { status } = await page.request.get(`${server.origin}/api/v1/opt-outs`).then((r) => ({ status: r.status() }));
  assert.equal(status, 200);
  assert.ok(!server.log().includes('5550160') && !server.log().includes('555 0160'));
  assert.deepEqual(reports, []);
});
